"""How long a text takes: syllables, estimates against the real voices, and what takes teach."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import catalog
from media.cues import speech_only
from media.sentences import sentences_from_cues
from media.subtitles import read_subtitles
from tests.media import shared
from workflows.dub.budget import LETTERS_A_SECOND, estimate_s, scale_of
from workflows.dub.syllables import syllables

LANGUAGES = st.sampled_from([*LETTERS_A_SECOND, "ru", "el", "ja", "ko", "hi", "zh", "ar", "xx"])
TEXTS = st.text(max_size=80)


@pytest.mark.parametrize(
    ("text", "language", "count"),
    [
        ("banana", "en", 3),
        ("The table is made of wood.", "en", 7),
        ("walked, wanted, horses", "en", 5),
        ("María está leyendo un poema.", "es", 12),
        ("Guerra y paz", "es", 4),
        ("Os corações", "pt", 4),
        ("la petite maison est grande", "fr", 7),
        ("ils parlent", "fr", 2),
        ("Straßenbahnhaltestelle", "de", 7),
        ("привет мир", "ru", 3),
        ("καλημέρα κόσμε!", "el", 6),
        ("안녕하세요", "ko", 5),
        ("नमस्ते", "hi", 3),
        ("きょうと", "ja", 3),
        ("你好吗", "zh", 3),
        ("…!", "en", 0),
    ],
)
def test_syllables_are_those_that_people_count(text, language, count):
    assert syllables(text, language) == count


@given(TEXTS, TEXTS, LANGUAGES)
def test_more_words_are_never_fewer_syllables_and_never_a_shorter_time(one, other, language):
    both = f"{one.strip()} {other.strip()}"
    assert syllables(both, language) >= syllables(one, language) - 1e-9 >= -1e-9
    assert estimate_s(both, language) >= estimate_s(one, language) - 1e-9


@given(TEXTS, LANGUAGES, st.floats(0.5, 2.0))
def test_a_slower_voice_needs_longer_in_proportion(text, language, scale):
    assert estimate_s(text, language, scale) == pytest.approx(scale * estimate_s(text, language))


@given(st.floats(0.5, 2.0), st.lists(st.text("abcdefg hij,.", min_size=3), min_size=3, max_size=9))
def test_takes_of_an_even_voice_teach_its_rate(scale, texts):
    takes_s = [scale * estimate_s(text, "es") for text in texts]
    assert scale_of(texts, takes_s, "es") == pytest.approx(scale)


def test_two_takes_teach_nothing_and_one_odd_take_little():
    texts = ["Buenas noches a todos.", "¿Dónde está la luna?", "La música suena en el pueblo."]
    takes_s = [estimate_s(text, "es") for text in texts]
    assert scale_of(texts[:2], takes_s[:2], "es") == 1.0
    assert scale_of(texts, [takes_s[0], 9.0, takes_s[2]], "es") == pytest.approx(1.0)
    assert scale_of(texts, [each * 9 for each in takes_s], "es") == 2.0


@pytest.mark.parametrize(
    ("language", "most"), [("es", 0.12), ("fr", 0.15), ("de", 0.15), ("en", 0.15)]
)
def test_the_estimate_is_near_what_the_voice_needs(language, most):
    entry = catalog.entry("espeak-ng")
    if lacking := entry.missing():
        pytest.skip(lacking[0].what)
    path = shared(f"subtitles/tears_of_steel_{language}.srt")
    cues = speech_only(read_subtitles(path, path.name))
    texts = [
        each.text for each in sentences_from_cues(cues, ()) if not any(map(str.isdigit, each.text))
    ]
    speaker = entry.build()
    off = [
        abs(
            estimate_s(text, language)
            / speaker.speak(text, "+f2", language, 1.0, 0).audio.duration_s
            - 1
        )
        for text in texts[:20]
    ]
    assert sum(off) / len(off) < most
