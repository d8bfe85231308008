"""Words become lines: nothing lost, nothing mixed, cut where people pause."""

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.cues import Cue
from media.sentence_cuts import MOST_CHARS, MOST_S
from media.sentences import sentences_from_cues, sentences_from_words, speaker_at, tidy
from media.speech import Span, Turn, Word
from media.subtitles import read_subtitles
from tests.media import shared


def even(text, start_s, end_s):
    """Return the words of a text with times spread evenly."""
    texts = text.split()
    each_s = (end_s - start_s) / len(texts)
    return [
        Word(word, start_s + i * each_s, start_s + (i + 1) * each_s) for i, word in enumerate(texts)
    ]


def turns_in(path):
    rows = [line.split() for line in path.read_text().splitlines()]
    return [Turn(row[7], float(row[3]), float(row[3]) + float(row[4])) for row in rows]


WORDS = st.lists(
    st.tuples(
        st.text(alphabet="abcd i.,?é", min_size=1, max_size=12).filter(str.strip),
        st.floats(-0.2, 2.0),
        st.floats(0.0, 1.5),
    ),
    max_size=60,
)
TURNS = st.lists(st.builds(lambda k, a, d: Turn(k, a, a + d), st.sampled_from(["S1", "S2"]),
                           st.floats(0, 60), st.floats(0.1, 9)), max_size=12)  # fmt: skip


def made(drawn):
    words, now_s = [], 0.3
    for text, gap_s, length_s in drawn:
        start_s = max(0.0, now_s + gap_s)
        words.append(Word("".join(text.split()), start_s, start_s + length_s))
        now_s = start_s + length_s
    return words


@settings(max_examples=150, deadline=None)
@given(drawn=WORDS, turns=TURNS, language=st.sampled_from(["en", "es", "xx"]))
def test_every_word_lands_in_one_sentence_in_order(drawn, turns, language):
    words = made(drawn)
    sentences = sentences_from_words(words, turns, language)
    kept = [word for sentence in sentences for word in sentence.words]
    assert [word.text for word in kept] == [word.text for word in words]
    assert all(s.start_s < s.end_s for s in sentences)
    assert all(a.start_s <= b.start_s for a, b in pairwise(sentences))
    assert all(s.start_s <= w.start_s and w.end_s <= s.end_s for s in sentences for w in s.words)
    assert {s.speaker for s in sentences} <= ({turn.speaker for turn in turns} or {"S1"})


@settings(max_examples=100, deadline=None)
@given(count=st.integers(2, 80), gaps=st.lists(st.floats(0, 0.3), min_size=80, max_size=80))
def test_long_speech_without_a_stop_is_cut_short_and_leaves_no_orphan(count, gaps):
    words, now_s = [], 0.0
    for i in range(count):
        now_s += gaps[i]
        words.append(Word(("wonder", "and", "the", "house")[i % 4], now_s, now_s + 0.3))
        now_s += 0.3
    sentences = sentences_from_words(words, (), "en")
    assert all(s.end_s - s.start_s <= MOST_S for s in sentences)
    assert all(len(s.text) <= MOST_CHARS + 1 for s in sentences)
    assert all(len(s.words) > 1 for s in sentences)


@settings(max_examples=100, deadline=None)
@given(drawn=WORDS, turns=TURNS)
def test_a_line_holds_no_two_speakers(drawn, turns):
    words = made(drawn)
    for sentence in sentences_from_words(words, turns, "en"):
        heard = [speaker_at(Span(w.start_s, w.end_s), turns) for w in sentence.words]
        strays = [who for who in heard if who != sentence.speaker]
        assert len(strays) <= len(heard) / 2  # only single words, given to who speaks around them


@settings(max_examples=150, deadline=None)
@given(turns=TURNS, start_s=st.floats(0, 70), length_s=st.floats(0.01, 2))
def test_a_word_gets_the_speaker_whom_all_turns_would_give_it(turns, start_s, length_s):
    word = Word("so", start_s, start_s + length_s)
    (line,) = sentences_from_words([word], turns, "en")
    span = Span(word.start_s, word.end_s)
    assert line.speaker == speaker_at(span, sorted(turns, key=lambda t: (t.start_s, t.end_s)))


def test_hours_of_words_are_cut_in_seconds():
    words = [Word("so", i * 0.4, i * 0.4 + 0.35) for i in range(20000)]
    turns = [Turn(f"S{1 + i % 3}", i * 2.0, i * 2.0 + 2) for i in range(4000)]
    began_s = time.process_time()
    assert sum(len(line.words) for line in sentences_from_words(words, turns, "en")) == 20000
    assert time.process_time() - began_s < 10


def test_a_stray_word_goes_to_the_speaker_around_it():
    words = even("we went down the road today", 0.0, 3.0)
    turns = [Turn("S1", 0.0, 1.45), Turn("S2", 1.5, 2.0), Turn("S1", 2.02, 3.0)]
    (line,) = sentences_from_words(words, turns, "en")
    assert (line.speaker, line.text) == ("S1", "We went down the road today.")


def test_an_answer_of_one_word_stays_with_who_gives_it():
    words = [*even("Are you ready?", 0, 1), *even("Yes.", 1.1, 1.5), *even("Then go now.", 1.6, 3)]
    turns = [Turn("S1", 0, 1), Turn("S2", 1.1, 1.5), Turn("S1", 1.6, 3)]
    lines = sentences_from_words(words, turns, "en")
    assert [line.speaker for line in lines] == ["S1", "S2", "S1"]


def test_a_pause_cuts_and_a_full_stop_cuts_but_a_title_does_not():
    words = [
        *even("this is one thing here", 0, 2),
        *even("and Mr. Smith came. He sat down there.", 2.7, 7),
    ]
    texts = [line.text for line in sentences_from_words(words, (), "en")]
    assert texts == ["This is one thing here.", "And Mr. Smith came.", "He sat down there."]


def test_a_long_line_is_cut_before_a_conjunction():
    text = "he had paced up and down the whole morning in that room because nobody had told him"
    lines = sentences_from_words(even(text, 0, 9), (), "en")
    assert [len(line.words) for line in lines] == [12, 5]
    assert lines[1].text == "Because nobody had told him."


def test_short_fragments_join_their_neighbour():
    words = [*even("Well.", 0, 0.4), *even("That is how it was.", 0.5, 2.5)]
    assert [x.text for x in sentences_from_words(words, (), "en")] == ["Well. That is how it was."]


@pytest.mark.parametrize(
    ("text", "language", "tidied"),
    [
        ("", "en", ""),
        ("i think i'm late", "en", "I think I'm late."),
        ("what is this", "en", "What is this?"),
        ("what a day", "en", "What a day."),
        ("what's the time", "en", "What's the time?"),
        ("who said that", "en", "Who said that?"),
        ("do you know him", "en", "Do you know him?"),
        ("do not touch it", "en", "Do not touch it."),
        ("when i was young", "en", "When I was young."),
        ("can you hear me", "es", "Can you hear me."),
        ("¿qué tal?", "es", "¿Qué tal?"),
        ("qué tal", "es", "Qué tal."),
        ("so,", "en", "So."),
        ('"it is done."', "en", '"It is done."'),
    ],
)
def test_a_draft_is_made_readable(text, language, tidied):
    assert tidy(text, language) == tidied
    assert tidy(tidied, language) == tidied


@pytest.mark.parametrize("name", ["katiesteve_2spk", "made_dialogue_2spk"])
def test_a_real_dialogue_keeps_its_speakers_and_sentences(name):
    cues = read_subtitles(shared(f"conversation/{name}.srt"), f"{name}.srt")
    turns = turns_in(shared(f"conversation/{name}.rttm"))
    words = [word for cue in cues for word in even(cue.text, cue.start_s, cue.end_s)]
    lines = sentences_from_words(words, turns, "en")
    assert [line.speaker for line in lines if line.end_s - line.start_s > 0.5] == [
        speaker_at(Span(line.start_s, line.end_s), turns) for line in lines
    ]
    for cue in cues:  # each cue is one turn: its lines begin and end with it
        own = [line for line in lines if cue.start_s <= line.start_s < cue.end_s]
        assert own[0].start_s == pytest.approx(cue.start_s)
        assert own[-1].end_s == pytest.approx(cue.end_s)
        assert sum(len(line.words) for line in own) == len(cue.text.split())
        assert all(line.end_s - line.start_s <= MOST_S for line in own)


def test_the_first_dialogue_as_lines():
    cues = read_subtitles(shared("conversation/katiesteve_2spk.srt"), "a.srt")
    turns = turns_in(shared("conversation/katiesteve_2spk.rttm"))
    words = [word for cue in cues for word in even(cue.text, cue.start_s, cue.end_s)]
    assert [(line.speaker, line.text) for line in sentences_from_words(words, turns, "en")] == [
        ("Katie", "Good morning, Steve."),
        ("Steve", "Good morning, Katie."),
        ("Katie", "Have you heard about the new conversation transcription capability?"),
        ("Steve", "No, tell me more."),
        ("Katie", "The new feature transcribes our discussion and lets us know who said what."),
        ("Steve", "That sounds interesting. Gonna give that a try."),
    ]


def test_cues_that_continue_a_sentence_are_joined():
    cues = [Cue(0, 2, "He went down\nthe road"), Cue(2.1, 4, "and came back."),
            Cue(4.1, 6, "Then"), Cue(6.1, 8, "he left.", "ANNA"), Cue(9, 10, "so"),
            Cue(11, 12, "it was")]  # fmt: skip
    turns = [Turn("BEN", 0, 6), Turn("ANNA", 6, 12)]
    found = [(s.speaker, s.text) for s in sentences_from_cues(cues, turns)]
    assert found == [("BEN", "He went down the road and came back."), ("BEN", "Then"),
                     ("ANNA", "he left."), ("ANNA", "so"), ("ANNA", "it was")]  # fmt: skip
    assert sentences_from_cues([], ()) == ()
    assert sentences_from_words([], (), "en") == ()
