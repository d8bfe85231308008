"""Scorers of our own: word error rate, diarization error rate, scale-invariant distortion ratio."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from media.speech import Turn

FRAME_S = 0.01


def normal_words(text: str, language: str = "en") -> list[str]:
    """Return the words of `text` as they are spoken: lower case, no punctuation, digits as words."""
    from num2words import num2words  # noqa: PLC0415 - only where digits may come

    plain = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    spoken = re.sub(
        r"\d+", lambda found: f" {num2words(int(found.group()), lang=language)} ", plain
    )
    return [word.strip("'") for word in re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", spoken)]


def word_errors(reference: Sequence[str], heard: Sequence[str]) -> int:
    """Return the least number of substitutions, insertions and deletions (Levenshtein)."""
    row = np.arange(len(heard) + 1)
    for count, word in enumerate(reference, 1):
        diagonal = row[:-1] + np.array([word != other for other in heard], dtype=np.int64)
        best = np.minimum(diagonal, row[1:] + 1)
        new = np.concatenate([[count], best])
        # An insertion may follow another: a running minimum after taking the slope out.
        steps = np.arange(new.size)
        row = np.minimum.accumulate(new - steps) + steps
    return int(row[-1])


def word_error_rate(reference: str, heard: str, language: str = "en") -> float:
    """Return the errors per word of the reference."""
    wanted = normal_words(reference, language)
    return word_errors(wanted, normal_words(heard, language)) / max(1, len(wanted))


def read_rttm(path: Path) -> tuple[Turn, ...]:
    """Read the turns of an RTTM file (NIST), in order of time."""
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    turns = [
        Turn(row[7], float(row[3]), float(row[3]) + float(row[4]))
        for row in rows
        if row and row[0] == "SPEAKER"
    ]
    return tuple(sorted(turns, key=lambda turn: turn.start_s))


def diarization_error_rate(
    reference: Sequence[Turn], found: Sequence[Turn], collar_s: float = 0.25
) -> float:
    """Return missed + false + confused speech over all speech, overlaps counted (NIST).

    Args:
        reference: who spoke when.
        found: who was found; names need not agree, the best mapping is taken.
        collar_s: this much before and after each border of the reference is not scored.
    """
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - heavy

    end_s = max((turn.end_s for turn in (*reference, *found)), default=0.0)
    size = int(end_s / FRAME_S) + 2
    truth, guess = _grid(reference, size), _grid(found, size)
    scored = np.ones(size, dtype=bool)
    for turn in reference:
        for border_s in (turn.start_s, turn.end_s):
            first = max(0, round((border_s - collar_s) / FRAME_S))
            scored[first : round((border_s + collar_s) / FRAME_S)] = False
    truth, guess = truth[:, scored], guess[:, scored]
    n_truth, n_guess = truth.sum(axis=0), guess.sum(axis=0)
    shared = truth.astype(float) @ guess.astype(float).T
    rows, columns = linear_sum_assignment(-shared)
    right = shared[rows, columns].sum()
    errors = np.maximum(n_truth, n_guess).sum() - right
    return float(errors / max(1, n_truth.sum()))


def si_sdr_db(reference: NDArray[np.floating], estimate: NDArray[np.floating]) -> float:
    """Return the scale-invariant signal to distortion ratio in dB (Le Roux et al. 2019).

    Args:
        reference: (channels, samples), not silent.
        estimate: of the same shape.
    """
    wanted = reference.astype(np.float64).ravel()
    given = estimate.astype(np.float64).ravel()
    scale = float(given @ wanted) / float(wanted @ wanted)
    target = scale * wanted
    noise = given - target
    return float(10 * np.log10((target @ target + 1e-12) / (noise @ noise + 1e-12)))


def _grid(turns: Iterable[Turn], size: int) -> NDArray[np.bool_]:
    """Return who speaks in which frame, (speakers, frames)."""
    listed = list(turns)
    names = sorted({turn.speaker for turn in listed})
    grid = np.zeros((max(1, len(names)), size), dtype=bool)
    for turn in listed:
        grid[
            names.index(turn.speaker), round(turn.start_s / FRAME_S) : round(turn.end_s / FRAME_S)
        ] = True
    return grid
