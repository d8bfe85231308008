"""Forced alignment: when is each label of a known text emitted, by the best path of a CTC network.

The method is the Viterbi search over the text with blanks between its labels (Graves et al. 2006,
"Connectionist Temporal Classification"; for words: Kürzinger et al. 2020, "CTC-Segmentation").
Its paths are those of `torchaudio.functional.forced_align` (torchaudio 2.11.0, compared outside
the project; the numbers stand in the tests).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LogProbs = NDArray[np.float32]
"""(frames, labels) natural logarithms of probabilities."""
STAY, ONE, TWO = 0, 1, 2  # how many states back the best path came from


@dataclass(frozen=True, slots=True)
class Emitted:
    """Where one label of the text lies: frames from `first` up to `last` (not included)."""

    first: int
    last: int
    probability: float  # geometric mean over its frames


def with_wildcard(log_probs: LogProbs, blank: int) -> LogProbs:
    """Add a last column that any label but the blank satisfies: the best of them in each frame.

    Text characters that the network never learned are aligned to it (the idea is whisperX's).

    Args:
        log_probs: (frames, labels).
        blank: column of the blank.

    Returns:
        (frames, labels + 1).
    """
    others = np.delete(log_probs, blank, axis=1)
    return np.concatenate([log_probs, others.max(axis=1, keepdims=True)], axis=1)


def best_path(log_probs: LogProbs, labels: Sequence[int], blank: int) -> NDArray[np.int64] | None:
    """Return the state of each frame on the most probable path that spells `labels`.

    Time is frames x labels, vectorised over labels; memory is one byte for each of their pairs.

    Args:
        log_probs: (frames, columns).
        labels: columns, none of them the blank.
        blank: column of the blank.

    Returns:
        (frames,) states: 2i + 1 is label i, even ones are blanks; None if there are too few frames.
    """
    wanted = np.asarray(labels, dtype=np.int64)
    n_frames, n_states = log_probs.shape[0], 2 * wanted.size + 1
    repeats = int(np.count_nonzero(wanted[1:] == wanted[:-1]))
    if wanted.size == 0 or n_frames < wanted.size + repeats:
        return None
    columns = np.full(n_states, blank)
    columns[1::2] = wanted
    may_skip = np.zeros(n_states, dtype=bool)  # from label to label without a blank between
    may_skip[3::2] = wanted[1:] != wanted[:-1]
    barrier = np.where(may_skip, 0.0, -np.inf)[2:]
    score = np.full(n_states, -np.inf)
    score[:2] = log_probs[0, columns[:2]]
    steps = np.zeros((n_frames, n_states), dtype=np.int8)
    emitted = log_probs.astype(np.float64)
    for frame in range(1, n_frames):
        best = score.copy()
        step = steps[frame]
        one = score[:-1] > best[1:]
        step[1:][one] = ONE
        np.maximum(best[1:], score[:-1], out=best[1:])
        skipped = score[:-2] + barrier
        step[2:][skipped > best[2:]] = TWO
        np.maximum(best[2:], skipped, out=best[2:])
        score = best + emitted[frame, columns]
    states = np.empty(n_frames, dtype=np.int64)
    states[-1] = n_states - 1 if score[-1] > score[-2] else n_states - 2
    for frame in range(n_frames - 1, 0, -1):
        states[frame - 1] = states[frame] - steps[frame, states[frame]]
    return states


def aligned(log_probs: LogProbs, labels: Sequence[int], blank: int) -> tuple[Emitted, ...] | None:
    """Return where each label lies on the best path, in order; None if there are too few frames.

    Args:
        log_probs: (frames, columns).
        labels: columns, none of them the blank.
        blank: column of the blank.
    """
    states = best_path(log_probs, labels, blank)
    if states is None:
        return None
    found: list[Emitted] = []
    for index, label in enumerate(labels):
        frames = np.flatnonzero(states == 2 * index + 1)
        mean = float(log_probs[frames, label].mean())
        found.append(Emitted(int(frames[0]), int(frames[-1]) + 1, float(np.exp(min(0.0, mean)))))
    return tuple(found)
