"""Subtitles laid out: the services' rules, and every word kept."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.cues import Cue
from media.layout import LEAST_S, MOST_S, RLM, bilingual, lay_out, violations
from media.line_breaks import columns, pieces
from media.subtitles import read_subtitles
from tests.media import shared

LONG_ES = (
    "Cuando llegamos a la ciudad, la gente ya sabía que el viejo puente había desaparecido, "
    "pero nadie quería hablar de ello con los desconocidos que venían del norte."
)


def words(cues):
    return " ".join(cue.text for cue in cues).replace("\n", " ").replace(RLM, "").split()


@settings(max_examples=80, deadline=None)
@given(
    lines=st.lists(
        st.tuples(
            st.floats(0, 60),
            st.floats(0.2, 15),
            st.text(alphabet="abcdefg ,.", min_size=1, max_size=300).filter(str.strip),
            st.sampled_from(["", "A", "B"]),
        ),
        max_size=8,
    ),
    language=st.sampled_from(["en", "es", "de", "ru"]),
)
def test_the_hard_rules_always_hold(lines, language):
    cues = [Cue(start, start + length, text, who) for start, length, text, who in lines]
    shown = lay_out(cues, language)
    told = [each for each in violations(shown, language) if "read at" not in each]
    assert told == []
    assert shown == lay_out(cues, language)


def test_no_word_is_lost_and_none_added():
    cues = [Cue(1, 11, LONG_ES), Cue(12, 13, "Nadie."), Cue(13.5, 14, "No.", "B")]
    shown = lay_out(cues, "es")
    assert words(shown) == words(cues)
    assert violations(shown, "es") == []


def test_long_lines_are_parted_at_clauses():
    text = (
        "Cuando llegamos a la ciudad, la gente ya lo sabía todo, pero nadie quería hablar de ello "
        "con los desconocidos."
    )
    first, second = lay_out([Cue(0, 11, text)], "es")
    assert first.text.endswith("todo,")
    assert second.start_s == pytest.approx(11 * 55 / 110, abs=0.3)  # by length of the text


@pytest.mark.parametrize(
    ("language", "text", "forbidden"),
    [
        ("en", "They were walking slowly through the old garden of the house", {"the", "of", "through"}),
        ("es", "Nadie quería hablar con los desconocidos que venían de la montaña", {"los", "con", "de", "la"}),
        ("fr", "Personne ne voulait parler avec les inconnus qui venaient de la montagne", {"les", "de", "la"}),
        ("de", "Niemand wollte mit den Fremden sprechen, die aus dem hohen Norden kamen", {"den", "dem", "mit"}),
        ("it", "Nessuno voleva parlare con gli stranieri che venivano dalla montagna", {"gli", "con"}),
        ("pt", "Ninguém queria falar com os desconhecidos que vinham da montanha", {"os", "com", "da"}),
    ],
)  # fmt: skip
def test_articles_stay_with_their_nouns(language, text, forbidden):
    (cue,) = lay_out([Cue(0, 5, text)], language)
    upper, lower = cue.text.split("\n")
    assert upper.split()[-1].lower() not in forbidden
    assert max(columns(upper), columns(lower)) <= 42


def test_lines_break_after_punctuation():
    (cue,) = lay_out([Cue(0, 4, "I never wanted this, you know. But here we are again.")], "en")
    assert cue.text == "I never wanted this, you know.\nBut here we are again."


def test_quick_short_lines_get_time_from_the_silence():
    (cue,) = lay_out([Cue(2, 2.2, "No.")], "en")
    assert cue.duration_s == pytest.approx(LEAST_S)
    (cue,) = lay_out([Cue(2, 3, "That is a rather long line for a second")], "en")
    assert 39 / cue.duration_s <= 20.0 + 1e-6
    (cue,) = lay_out([Cue(2, 30, "Slow.")], "en")
    assert cue.duration_s == pytest.approx(MOST_S)


def test_a_subtitle_waits_a_little_for_the_one_before_to_be_read():
    quick, slow = Cue(0.0, 2.0, "x" * 36), Cue(2.0, 5.0, "y" * 30)
    first, second = lay_out([quick, slow], "es")
    assert first.end_s == pytest.approx(36 / 17) and second.end_s == 5.0
    assert 2.0 < second.start_s < 2.25 and violations([first, second], "es") == []
    third = replace(slow, start_s=2.0 + 30 / 17, end_s=6.0)
    hurried = lay_out([quick, replace(slow, end_s=third.start_s), third], "es")
    assert hurried[1].start_s == 2.0  # it has no time to spare itself


def test_two_people_at_once_share_a_subtitle():
    shown = lay_out([Cue(1, 2, "Stop!", "A"), Cue(1.2, 2.1, "Never!", "B")], "en")
    assert shown == (Cue(1, 2.1, "- Stop!\n- Never!"),)


def test_scripts_without_spaces():
    text = "昨日の会議で決まったことは、来週までに全員に伝えなければならないと思います。よろしくお願いします。"
    shown = lay_out([Cue(0, 14, text)], "ja")
    assert "".join(cue.text for cue in shown).replace("\n", "") == text
    lines = [line for cue in shown for line in cue.text.split("\n")]
    assert all(columns(line) <= 16 for line in lines)
    assert not any(line[0] in "、。っょ" for line in lines)


def test_marks_stay_on_their_letters():
    assert columns("é") == columns("e\u0301") == 1
    parts = pieces("か\u3099ぎ\u200dx", is_dense=True)
    assert parts[0] == "か\u3099"
    (cue,) = lay_out([Cue(0, 7, "e\u0301" * 70)], "en")
    assert all(columns(line) <= 42 and line[0] == "e" for line in cue.text.split("\n"))


def test_right_to_left_lines_are_marked():
    (cue,) = lay_out([Cue(0, 3, "GPS لا يعمل هنا.")], "ar")
    assert cue.text == f"{RLM}GPS لا يعمل هنا."
    (cue,) = lay_out([Cue(0, 3, "لا يعمل هنا.")], "ar")
    assert not cue.text.startswith(RLM)


def test_bilingual_puts_the_translation_above():
    lines = [(0.0, 3.0, "Hola, amigo.", "Hello, friend."), (4.0, 12.0, LONG_ES, LONG_ES.upper())]
    shown = bilingual(lines, "es", "en")
    assert shown[0].text == "Hola, amigo.\nHello, friend."
    assert all(columns(line) <= 42 for cue in shown for line in cue.text.split("\n"))
    above = " ".join(cue.text.split("\n")[0] for cue in shown[1:])
    assert " ".join(above.split()) == LONG_ES
    told = [each for each in violations(shown, "es", most_lines=4) if "read at" not in each]
    assert told == []


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 100),
            st.floats(0.3, 10),
            st.text(alphabet="ab c,", max_size=150),
            st.text(alphabet="xy z.", max_size=150),
        ),
        max_size=5,
    )
)
def test_bilingual_keeps_every_word(rows):
    lines = [(start, start + length, above, below) for start, length, above, below in rows]
    shown = bilingual(lines, "es", "en")
    kept = sorted("".join(words(shown)))
    assert kept == sorted("".join(f"{row[2]}{row[3]}" for row in rows).replace(" ", ""))


def test_a_page_in_one_subtitle_is_quick():
    import time

    started = time.perf_counter()
    shown = lay_out([Cue(0, 600, "so this is what it is, and " * 700)], "en")
    assert time.perf_counter() - started < 5
    assert len(words(shown)) == 700 * 7


def test_the_checker_finds_what_is_wrong():
    bad = [
        Cue(0, 0.5, "a\nb\nc"),
        Cue(0.52, 9, "x" * 50),
        Cue(9.01, 10, "much too much text for a second"),
    ]
    told = " ".join(violations(bad, "en"))
    for what in ("3 lines", "50 columns", "0.50 s", "8.48 s", "characters a second", "two frames"):
        assert what in told


@pytest.mark.parametrize("language", ["en", "es", "de", "fr"])
def test_a_real_film_obeys_the_hard_rules(language):
    cues = read_subtitles(shared(f"subtitles/tears_of_steel_{language}.srt"))
    shown = lay_out(cues, language)
    told = violations(shown, language)
    assert [each for each in told if "read at" not in each] == []
    assert len(told) <= 0.25 * len(shown)  # what cannot be read in time was written so
