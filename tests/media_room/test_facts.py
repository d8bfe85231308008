import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.facts import keeps, lost_numbers, lost_terms, names, numbers

GLOSSARY = (("moon base", "base lunar"), ("Bot", "Robotito"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,000 apples at 3.50", ["1000", "350"]),
        ("1 000 pommes, 12:30", ["1000", "1230"]),
        ("it has 3 4 times", ["3", "4"]),
        ("٤٢", ["42"]),
        ("none", []),
    ],
)
def test_numbers_are_their_digits(text, found):
    assert sorted(numbers(text).elements()) == sorted(found)


def test_names_are_capitals_inside_a_sentence():
    assert set(names("Yesterday Anna saw I'm Berlin. Then Bob left.")) == {"Anna", "Berlin", "Bob"}
    assert names("Hello there. And you?") == {}


@pytest.mark.parametrize(
    ("said", "translation", "lost"),
    [
        ("We have 1,000 dogs.", "Tenemos 1.000 perros.", ()),
        ("We have 12 dogs.", "Tenemos doce perros.", ()),
        ("1 dog", "Un perro", ()),
        ("We have 12 dogs and 7 cats.", "Tenemos 12 perros y gatos.", ("7",)),
        ("7 and 7", "siete y 7", ()),
    ],
)
def test_a_number_may_be_written_out_but_not_lost(said, translation, lost):
    assert lost_numbers(said, translation, "es") == lost


@pytest.mark.parametrize(
    ("said", "translation", "lost"),
    [
        ("The moon bases are cold.", "Las bases lunares son frías.", GLOSSARY[:1]),
        ("The Moon  base is cold.", "La base lunar es fría.", ()),
        ("Bottles", "Botellas", ()),
        ("A bot!", "¡Robotitos!", ()),
        ("A bot!", "¡Un robot!", GLOSSARY[1:]),
    ],
)
def test_a_term_is_kept_in_any_ending(said, translation, lost):
    assert lost_terms(said, translation, GLOSSARY) == lost


def test_scripts_without_gaps_find_terms_inside():
    assert lost_terms("月の基地は寒い", "It is cold", (("基地", "base"),)) == (("基地", "base"),)


def test_a_variant_keeps_numbers_and_names():
    assert keeps("Anna llegó a las 3.", "Entonces Anna llegó a las 3.")
    assert not keeps("Llegó a las 3.", "Entonces Anna llegó a las 3.")
    assert not keeps("Anna llegó.", "Entonces Anna llegó a las 3.")


@given(st.text(max_size=60))
def test_a_text_keeps_itself_and_loses_nothing_of_itself(text):
    assert keeps(text, text)
    assert lost_numbers(text, text, "en") == ()
    if text.strip():
        assert lost_terms(text, text, ((text, text),)) == ()
