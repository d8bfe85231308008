"""The alignment search, beside torchaudio's numbers and beside trying every path."""

import time
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.transcription.ctc import aligned, best_path, with_wildcard
from tests.clock import keeps

# (seed, score, path) of torchaudio 2.11.0's `torchaudio::forced_align` on the CPU (blank 0), run
# outside the project with empty stand-ins for its CUDA libraries; see `of_seed` for the inputs.
TORCHAUDIO = (
    (0, -95.103, "0222220200000033304055505550010011111104444444444444"),
    (1, -58.397, "50004111002200222222222222222213"),
    (2, -92.995, "000000000000000000000000000000000001110001111111100"),
    (3, -57.564, "00111111000000000000111100002222222222222222222222"),
    (4, -88.356, "004005544054444444446670503300000010250055000"),
    (5, -115.08, "000000000000555555555555555555555555555000"),
    (6, -40.025, "2222220005555555522222203040000"),
    (7, -88.397, "000555555555555554023300010310005555500035511000100011111"),
    (8, -64.07, "333333333330000033222222222200000333333333330"),
    (9, -52.077, "33504555560110000220000550000"),
    (10, -128.066, "222220000000022222222222222220000000000000016000"),
    (11, -12.234, "01012222222220"),
    (12, -37.338, "030311200102200003032200001110002221100"),
    (13, -96.371, "060111110110000010053004014440321100555000000005500000"),
    (14, -35.312, "333302224444444"),
    (15, -109.016, "50066055004440400666600011111100000011122000000500500002"),
)


def of_seed(seed):
    """The inputs of the table: float64 normals times two, log-softmax; labels without the blank."""
    rng = np.random.default_rng(seed)
    frames, columns = int(rng.integers(8, 60)), int(rng.integers(3, 9))
    n_labels = int(rng.integers(1, max(2, frames // 3)))
    logits = rng.normal(size=(frames, columns)) * 2
    log_probs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    return log_probs.astype(np.float32), rng.integers(1, columns, size=n_labels)


def tokens(states, labels):
    return [0 if state % 2 == 0 else int(labels[state // 2]) for state in states]


@pytest.mark.parametrize(("seed", "score", "path"), TORCHAUDIO)
def test_the_path_is_torchaudios(seed, score, path):
    log_probs, labels = of_seed(seed)
    found = tokens(best_path(log_probs, labels, 0), labels)
    assert "".join(map(str, found)) == path
    own = log_probs[range(len(found)), found].sum(dtype=np.float64)
    assert own == pytest.approx(score, abs=2e-3)


def collapsed(path, blank):
    return [
        label
        for at, label in enumerate(path)
        if label != blank and (at == 0 or path[at - 1] != label)
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(0, 2), st.integers(0, 10_000), st.data())
def test_no_other_path_is_more_probable(frames, blank, seed, data):
    columns = 3
    others = [c for c in range(columns) if c != blank]
    labels = data.draw(st.lists(st.sampled_from(others), min_size=1, max_size=4))
    logits = np.random.default_rng(seed).normal(size=(frames, columns)).astype(np.float32)
    scores = [
        sum(float(logits[at, label]) for at, label in enumerate(path))
        for path in product(range(columns), repeat=frames)
        if collapsed(path, blank) == labels
    ]
    states = best_path(logits, labels, blank)
    if not scores:
        assert states is None
        return
    path = [blank if s % 2 == 0 else labels[s // 2] for s in states]
    assert collapsed(path, blank) == labels
    own = sum(float(logits[at, label]) for at, label in enumerate(path))
    assert own == pytest.approx(max(scores), abs=1e-5)


def test_a_planted_alignment_is_found():
    labels = [3, 1, 1, 2]
    plan = [0, 3, 3, 0, 1, 0, 0, 1, 1, 2, 0]
    log_probs = np.full((len(plan), 4), -6.0, np.float32)
    log_probs[range(len(plan)), plan] = -0.01
    found = aligned(log_probs, labels, 0)
    assert [(each.first, each.last) for each in found] == [(1, 3), (4, 5), (7, 9), (9, 10)]
    assert all(each.probability == pytest.approx(0.99, abs=0.01) for each in found)


def test_the_wildcard_takes_what_is_loudest_and_not_silence():
    log_probs = np.log(np.array([[0.1, 0.6, 0.3], [0.8, 0.1, 0.1]], np.float32))
    wild = with_wildcard(log_probs, 0)
    assert wild.shape == (2, 4)
    assert np.exp(wild[:, 3]) == pytest.approx([0.6, 0.1])
    states = best_path(wild, [3], 0)
    assert states is not None and states[0] == 1


def test_too_few_frames_are_told():
    assert best_path(np.zeros((2, 3), np.float32), [1, 1], 0) is None
    assert aligned(np.zeros((2, 3), np.float32), [], 0) is None


def test_half_a_minute_takes_a_moment():
    rng = np.random.default_rng(0)
    log_probs = rng.normal(size=(1500, 32)).astype(np.float32)
    labels = rng.integers(1, 32, size=450)

    def once():
        begun_s = time.process_time()
        assert len(aligned(log_probs, labels, 0)) == 450
        return time.process_time() - begun_s

    keeps(0.5, once)
