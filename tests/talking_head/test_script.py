import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import BadInput
from workflows.talking_head.script import (
    MOST_CHARS,
    PARAGRAPH_S,
    SENTENCE_S,
    estimated_s,
    read_script,
)


def test_sentences_and_pauses_are_read():
    found = read_script("Hello there! How are you?\nFine. [PAUSE 0.8] Good bye [pause: 2s]")
    assert [each.text for each in found] == ["Hello there!", "How are you?", "Fine.", "Good bye"]
    assert [each.pause_s for each in found] == [SENTENCE_S, PARAGRAPH_S, 0.8, 2.0]


@pytest.mark.parametrize(
    ("script", "where"),
    [("One.\nTwo [LAUGHS] three.", "line 2, column 5"), ("[PAUSE 500] x", "line 1, column 1")],
)
def test_an_unknown_mark_is_told_with_its_place(script, where):
    with pytest.raises(BadInput, match=where) as caught:
        read_script(script)
    assert "[PAUSE 0.8]" in caught.value.remedy


@pytest.mark.parametrize("script", ["", " \n ", "[PAUSE 1]", "... !!"])
def test_nothing_to_say_is_told(script):
    with pytest.raises(BadInput, match="nothing to say"):
        read_script(script)


def test_the_length_is_known_before_anything_is_spoken():
    short, long = (read_script(each) for each in ("Hello there.", "Hello there. [PAUSE 2] Bye."))
    assert 1.0 < estimated_s(short, "en", 1.0) < 2.5
    assert 2.0 < estimated_s(long, "en", 1.0) - estimated_s(short, "en", 1.0) < 3.5
    assert estimated_s(short, "en", 1.5) < estimated_s(short, "en", 1.0)


@given(st.lists(st.sampled_from(["word", "one,", "two.", "three!", "\n", "a" * 40]), min_size=1))
def test_no_word_is_lost_and_no_sentence_is_long(words):
    script = " ".join(words)
    if not any(c.isalnum() for c in script):
        return
    found = read_script(script)
    assert " ".join(each.text for each in found).split() == script.split()
    assert all(len(each.text) < 2 * MOST_CHARS and each.pause_s > 0 for each in found)
