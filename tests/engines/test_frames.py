"""Chances to turns, and pieces to a whole: planted people come out again."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.diarization.frames import Piece, Reading, join, turns_of
from media.speech import Span, Turn

READING = Reading()
NONE = np.zeros((8, 0), np.float32)


def planted(plan, voices, rest=0.02):
    """Chances in which `plan` (voice, seconds) is spoken one after the other."""
    parts = []
    for voice, seconds in plan:
        part = np.full((round(seconds / READING.frame_s), voices), rest, np.float32)
        if voice is not None:
            part[:, voice] = 0.9
        parts.append(part)
    return np.concatenate(parts)


def told(turns):
    return [(t.speaker, round(t.start_s, 2), round(t.end_s, 2)) for t in turns]


def test_the_most_probable_voice_has_the_floor():
    chances = planted([(2, 1.0), (0, 2.0), (2, 1.0)], 4)
    chances[120:180, 2] = 0.7  # at the same time, less surely
    assert told(turns_of(chances, [Span(0.2, 3.9)], 0, READING)) == [
        ("S1", 0.2, 1.0),
        ("S2", 1.0, 3.0),
        ("S1", 3.0, 3.9),
    ]


def test_a_cough_is_no_turn_and_a_yes_is_one():
    chances = planted([(0, 1.0), (1, 0.25), (0, 1.0), (1, 0.4), (0, 1.0)], 2)
    assert told(turns_of(chances, [Span(0, 3.65)], 0, READING)) == [
        ("S1", 0, 2.25),
        ("S2", 2.25, 2.65),
        ("S1", 2.65, 3.65),
    ]


def test_where_nobody_is_sure_the_nearest_speaker_goes_on():
    chances = planted([(0, 1.0), (None, 1.0), (1, 1.0)], 2)
    found = told(turns_of(chances, [Span(0, 1.4), Span(1.6, 3)], 0, READING))
    assert found == [("S1", 0, 1.4), ("S2", 1.6, 3)]
    nobody = turns_of(np.zeros((300, 2), np.float32), [Span(0, 1), Span(2, 9)], 0, READING)
    assert told(nobody) == [("S1", 0, 1), ("S1", 2, 9)]
    assert told(turns_of(np.zeros((0, 2), np.float32), [Span(0, 1)], 2, READING)) == [("S1", 0, 1)]


def test_of_more_voices_than_asked_for_those_that_say_most_stay():
    chances = planted([(3, 2.0), (1, 0.5), (0, 3.0), (1, 0.5), (3, 1.0)], 4)
    chances[200:250, 0] = chances[500:550, 0] = 0.3
    found = turns_of(chances, [Span(0, 7)], 2, READING)
    assert told(found) == [("S1", 0, 2), ("S2", 2, 5.5), ("S1", 5.5, 7)]
    assert {t.speaker for t in turns_of(chances, [Span(0, 7)], 1, READING)} == {"S1"}


@given(
    st.lists(st.tuples(st.floats(0, 2), st.floats(0, 4)), min_size=1, max_size=6),
    st.integers(0, 5),
    st.integers(1, 8),
    st.integers(0, 2**16),
)
def test_turns_fill_the_speech_in_order_one_at_a_time(steps, speakers, voices, seed):
    spans, at_s = [], 0.0
    for gap_s, length_s in steps:
        spans.append(Span(at_s + gap_s, at_s + gap_s + length_s))
        at_s = spans[-1].end_s
    generator = np.random.default_rng(seed)
    slow = np.repeat(generator.random((60, voices)), 25, axis=0)  # 15 s; speech may be longer
    chances = (0.7 * slow + 0.3 * generator.random(slow.shape)).astype(np.float32)
    turns = turns_of(chances, spans[::-1], speakers, READING)
    assert all(t.start_s < t.end_s for t in turns)
    assert all(a.end_s <= b.start_s for a, b in pairwise(turns))
    assert all(any(s.start_s <= t.start_s and t.end_s <= s.end_s for s in spans) for t in turns)
    talk_s = sum(t.end_s - t.start_s for t in turns)
    assert talk_s == pytest.approx(sum(s.duration_s for s in spans), abs=1e-6)
    names = list(dict.fromkeys(t.speaker for t in turns))
    assert names == [f"S{n + 1}" for n in range(len(names))]
    assert len(names) <= (speakers or voices)
    ends = {s.end_s for s in spans}
    assert all(a.end_s in ends or a.speaker != b.speaker for a, b in pairwise(turns))


def cut(whole, voices, first, last, order):
    """A piece of a planted whole in which the people come in another order."""
    return Piece(first, whole[first:last][:, order], voices[order])


def film(generator, people=12, turns=80):
    """Who says what in a long film: in each part some six people, a few of them everywhere."""
    plan = []
    for at in range(turns):
        low = at * (people - 6) // turns
        near = [0, 1, *range(low, low + 6)]
        plan.append((int(generator.choice([v for v in near if not plan or v != plan[-1][0]])), 2.0))
    return planted(plan, people)


@pytest.mark.parametrize("seed", range(6))
def test_people_are_found_again_in_every_piece_whatever_their_order(seed):
    generator = np.random.default_rng(seed)
    whole = film(generator)
    voices = np.eye(16, dtype=np.float32)[: whole.shape[1]]
    voices = voices + 0.05 * generator.standard_normal(voices.shape).astype(np.float32)
    voices /= np.linalg.norm(voices, axis=1, keepdims=True)
    pieces = []
    for first in range(0, len(whole) - 1000, 3000):
        last = min(len(whole), first + 4000)
        here = np.flatnonzero((whole[first:last] > 0.5).any(axis=0))
        silent = np.flatnonzero((whole[first:last] <= 0.5).all(axis=0))[:2]
        order = generator.permutation(np.concatenate([here, silent]))
        heard = np.where(np.isin(order, here)[:, None], voices[order], 0)
        pieces.append(Piece(first, whole[first:last][:, order], heard))
    joined = join(pieces, sure=0.5, alike=0.75)
    spans = [Span(0.0, len(whole) * READING.frame_s)]
    assert turns_of(joined, spans, 0, READING) == turns_of(whole, spans, 0, READING)


def test_without_vectors_only_who_talks_in_the_overlap_is_found_again():
    whole = planted([(0, 5.0), (1, 5.0), (0, 5.0), (1, 5.0)], 2)
    voices = np.zeros((2, 0), np.float32)
    both = [cut(whole, voices, 0, 1200, [0, 1]), cut(whole, voices, 800, 2000, [1, 0])]
    assert join(both, sure=0.5, alike=0.75).shape == (2000, 2)
    apart = [cut(whole, voices, 0, 1000, [0, 1]), cut(whole, voices, 900, 2000, [1, 0])]
    joined = join(apart, sure=0.5, alike=0.75)
    found = turns_of(joined, [Span(0, 20)], 0, READING)
    assert found == (Turn("S1", 0, 5), Turn("S2", 5, 10), Turn("S3", 10, 15), Turn("S2", 15, 20))


def test_two_who_talk_at_different_times_are_two_however_alike():
    alike = np.ones((1, 4), np.float32) / 2
    one = planted([(0, 5.0), (None, 1.0), (0, 2.0), (None, 2.0)], 1)
    other = planted([(0, 1.0), (None, 2.0), (0, 2.0)], 1)
    joined = join([Piece(0, one, alike), Piece(500, other, alike)], sure=0.5, alike=0.75)
    assert joined.shape == (1000, 2)
    later = join([Piece(0, one, alike), Piece(900, other, alike)], sure=0.5, alike=0.75)
    assert later.shape == (1400, 1)  # one of them is silent where both were heard: the ear decides
