"""The words of the dub: glossary, other lengths, and what the report says of lost terms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.roles import Translation
from studio.errors import BadInput
from tests.dub import studio as dub
from workflows.dub.budget import estimate_s, letters_in
from workflows.dub.glossary import read_glossary
from workflows.dub.model import Line
from workflows.dub.wording import DEAD_AIR, _passages, _told


def line(start_s, end_s, text="Hello.", **more):
    return Line("L0001", "S1", start_s, end_s, text, **more)


def test_a_glossary_is_pairs_one_a_line():
    assert read_glossary("a  b = c\n\n Bot=Robotito \na b = c") == (
        ("a b", "c"),
        ("Bot", "Robotito"),
    )
    assert read_glossary("") == ()


@pytest.mark.parametrize("text", ["x", "= y", "x =", "a = b\nA = c"])
def test_what_is_no_glossary_is_refused(text):
    with pytest.raises(BadInput, match="glossary") as caught:
        read_glossary(text)
    assert caught.value.remedy


@given(st.text(max_size=80))
def test_any_text_is_a_glossary_or_refused_in_a_sentence(text):
    refused, pairs = "", ()
    try:
        pairs = read_glossary(text)
    except BadInput as error:
        refused = error.remedy
    assert refused or all(a and b for a, b in pairs)


def test_a_line_may_use_the_silence_behind_it():
    tight, loose, last = (
        passage.letters[0]
        for lines in ([line(0, 2), line(2, 3)], [line(0, 2), line(9, 10)], [line(0, 2)])
        for passage in _passages(lines, "es")
    )
    assert tight == last == letters_in(2.0, "es") < loose == letters_in(2.6, "es")
    assert _passages([line(0, 2)], "ja")[0].letters == (0,)
    assert _passages([line(0, 2, translation="Hola.")], "es")[0].texts == ("",)


SHORT, USUAL, LONG = "Vale.", "Está muy bien.", "Está muy bien, de verdad te lo digo yo."


def test_dead_air_is_filled_with_the_longer_words():
    new = Translation(USUAL, (SHORT,), (LONG,))
    fits = estimate_s(USUAL, "es") * DEAD_AIR
    told = _told(line(0, fits - 0.01), new, "es")
    assert (told.translation, told.shorter) == (USUAL, (SHORT,))
    told = _told(line(0, estimate_s(LONG, "es") + 0.1), new, "es")
    assert (told.translation, told.shorter) == (LONG, (USUAL, SHORT))
    told = _told(line(0, fits + 0.1), new, "es")
    assert told.translation == USUAL  # the longer one does not fit
    assert _told(line(0, 9, translation="Mío."), new, "es").translation == "Mío."


def test_a_term_that_was_not_kept_is_told(tmp_path):
    studio = dub.make(tmp_path)
    film, said = dub.beginning(tmp_path)
    request = dub.ask(
        studio,
        video=film,
        subtitles=said,
        translated_subtitles=said,
        source_language="en",
        target_language="de",
        glossary="moon = Mond\nXylophon = Xylofon",
    )
    report = dub.result(studio, dub.run(studio, request)).report
    told = [each for each in report.warnings if "glossary" in each]
    assert len(told) == 1 and "'Mond' for 'moon'" in told[0] and "L00" in told[0]
    with pytest.raises(BadInput, match="glossary"):
        studio.submit("dub", request.model_copy(update={"glossary": "moon"}))
