import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import catalog
from engines.writing.rules import FOLDER, word_lists
from tests import tiny

LANGUAGES = sorted(path.stem for path in FOLDER.glob("*.toml"))


@pytest.fixture(params=catalog.entries("Writer"), scope="module")
def any_writer(request):
    return tiny.engine(request.param)


@pytest.fixture
def writer():
    return catalog.entry("rules-writer").build()


def test_any_writer_gives_ever_shorter_lines_that_lose_nothing(any_writer):
    text = "Well, I really think that Anna is going to need 3 cars."
    found = any_writer.shorten(text, "en")
    assert all(a > b for a, b in pairwise(map(len, (text, *found))))
    assert all("3" in each and "Anna" in each for each in found)
    assert any_writer.shorten("No.", "en") == ()


@pytest.mark.parametrize(
    ("language", "text", "shortest"),
    [
        ("en", "Well, I really think that we are, um, going to need 3 cars, you know.", "I think that we're going to need 3 cars."),
        ("en", "So, it is important (I checked it twice) to call Anna in order to get help.", "It's important to call Anna to get help."),
        ("en", "Come with me, my friend.", "Come with me."),
        ("es", "Bueno, tenemos que llegar muy pronto a Madrid con 3 maletas, ya sabes.", "Debemos llegar pronto a Madrid con 3 maletas."),
        ("fr", "Eh bien, nous avons vraiment beaucoup de choses à faire afin de partir.", "On a plein de choses à faire pour partir."),
        ("de", "Also, ich habe wirklich eine Menge Arbeit, weißt du.", "Ich hab viel Arbeit."),
        ("it", "Allora, in questo momento abbiamo bisogno di Marco, davvero.", "Ora ci serve Marco."),
        ("pt", "Bem, no entanto nós temos trabalho neste momento.", "Mas temos trabalho agora."),
        ("ca", "Bé, en aquest moment hem de marxar, saps.", "Ara cal marxar."),
    ],
)  # fmt: skip
def test_golden(writer, language, text, shortest):
    assert writer.shorten(text, language)[-1] == shortest


@pytest.mark.parametrize("text", ["No.", "", "Really?", "¿Sabes que vienen?", "It is Mr Just."])
def test_leaves_alone_what_has_nothing_to_spare(writer, text):
    assert all(len(each.split()) >= 2 for each in writer.shorten(text, "en"))
    assert writer.shorten("¿Sabes que vienen?", "es") == ()


@given(st.data())
def test_ever_shorter_with_numbers_and_names_kept(data):
    writer = catalog.entries("Writer")["rules-writer"].build()
    language = data.draw(st.sampled_from(LANGUAGES))
    lists = word_lists(language)
    words = [*lists.openers, *lists.fillers, *lists.adverbs, *lists.shorter]
    parts = st.sampled_from([*words, "Berlin", "42", "1,5", "tree,", "(so)", "home.", "you"])
    text = " ".join(data.draw(st.lists(parts, min_size=1, max_size=12)))
    variants = writer.shorten(text, language)
    lengths = [len(text), *map(len, variants)]
    assert all(a > b for a, b in pairwise(lengths))
    for each in variants:
        assert sorted(re.findall(r"\d+", each)) == sorted(re.findall(r"\d+", text))
        assert each.count("Berlin") >= text[1:].count("Berlin") - text.count(". Berlin")


@pytest.mark.parametrize("language", LANGUAGES)
def test_synonyms_are_shorter(language):
    lists = word_lists(language)
    assert lists.shorter and lists.openers
    assert all(len(short) < len(long) for long, short in lists.shorter.items())


def test_a_language_without_lists_drops_asides_only(writer):
    assert writer.shorten("Vi ses (kanske) imorgon.", "sv") == ("Vi ses imorgon.",)
