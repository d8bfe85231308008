"""Is this take good? Length against the estimate, silence, clipping, noise after the last word.

A network now and then babbles on, breaks off or falls silent; spoken again with another seed the
same line is mostly right (coqui-ai/TTS#4172, chatterbox#97). Pure functions.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.audio import Audio

MOST_TAKES = 3
SHORTEST, LONGEST = 0.6, 1.6  # of the estimate
LEEWAY_S = (0.15, 0.4)  # more in both directions: short words are the least predictable
SILENT_DB = -60.0  # full scale, of the loudest 20 ms
FULL_SCALE, CLIPPED_SHARE = 0.999, 0.002
FRAME_S = 0.02
TAIL_DB = -28.0  # below the level of speech: what only hisses
LONG_TAIL_S, KEPT_TAIL_S, NOISY_TAIL_S = 0.25, 0.12, 0.6


@dataclass(frozen=True, slots=True)
class Judged:
    """A take without its tail, and what is wrong with it."""

    audio: Audio  # (1, samples)
    faults: tuple[str, ...]  # in words; empty: good
    off: float  # how far its length is from the estimate, as a ratio in log; 0 is exact


def judged(take: Audio, expected_s: float) -> Judged:
    """Return a take without the hiss after its last word, and what is wrong with it.

    Args:
        take: (1, samples).
        expected_s: how long such a line lasts.
    """
    kept, tail_s = without_tail(take)
    level_db = _levels_db(kept.samples[0], kept.sample_rate_hz)
    faults: list[str] = []
    if not level_db.size or float(level_db.max()) < SILENT_DB:
        faults.append("silent")
    if float((np.abs(kept.samples) >= FULL_SCALE).mean() if kept.samples.size else 0) > (
        CLIPPED_SHARE
    ):
        faults.append("clipped")
    if kept.duration_s < SHORTEST * expected_s - LEEWAY_S[0]:
        faults.append("shorter than its words")
    if kept.duration_s > LONGEST * expected_s + LEEWAY_S[1]:
        faults.append("longer than its words")
    if tail_s > NOISY_TAIL_S:
        faults.append("followed by noise")
    off = abs(math.log(max(kept.duration_s, 0.01) / max(expected_s, 0.01)))
    return Judged(kept, tuple(faults), off)


def best(takes: Sequence[Judged]) -> int:
    """Return the index of the take with the fewest faults, then of the likeliest length."""
    worst = "silent"
    return min(
        range(len(takes)),
        key=lambda i: (worst in takes[i].faults, len(takes[i].faults), takes[i].off, i),
    )


def without_tail(take: Audio) -> tuple[Audio, float]:
    """Return `take` without a long quiet end, faded out, and how many seconds that took away.

    Speech is what comes within 28 dB of its own level (the 80th percentile of 20 ms frames); up to
    0.25 s of less than that belongs to the last sound.
    """
    level_db = _levels_db(take.samples[0], take.sample_rate_hz)
    if not level_db.size:
        return take, 0.0
    loud = np.flatnonzero(level_db > float(np.quantile(level_db, 0.8)) + TAIL_DB)
    end_s = (int(loud[-1]) + 1) * FRAME_S if loud.size else take.duration_s
    if take.duration_s - end_s <= LONG_TAIL_S:
        return take, 0.0
    stop = round((end_s + KEPT_TAIL_S) * take.sample_rate_hz)
    kept = take.samples[:, :stop].copy()
    fade = min(stop, round(KEPT_TAIL_S * take.sample_rate_hz))
    kept[:, stop - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return Audio(kept, take.sample_rate_hz), take.duration_s - kept.shape[1] / take.sample_rate_hz


def seed_of(take: int, attempt: int) -> int:
    """Return the seed of an attempt: that of the take first, then others that no take has."""
    return take if attempt == 0 else 1_000_000 * attempt + take


def _levels_db(samples: NDArray[np.float32], sample_rate_hz: int) -> NDArray[np.float64]:
    hop = max(1, round(FRAME_S * sample_rate_hz))
    count = -(-samples.size // hop)
    padded = np.pad(samples.astype(np.float64), (0, count * hop - samples.size))
    return 10 * np.log10(np.square(padded.reshape(count, hop)).mean(axis=1) + 1e-12)
