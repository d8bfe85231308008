"""How well a mouth follows a sound: lag and correlation, read from the points of a face.

Points are those of MediaPipe's face mesh, (468, 2), in pixels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.audio import Audio

Curve = NDArray[np.float64]

UPPER_LIP, LOWER_LIP, TOP, CHIN = 13, 14, 10, 152
MOST_LAG = 6
SPEECH_DB, SILENCE_DB = -35.0, -55.0  # of full scale


@dataclass(frozen=True, slots=True)
class LipSync:
    """How well the mouth of a film follows its sound."""

    lag_frames: int
    correlation: float
    silent_opening: float | None


def lip_sync(openings: Curve, level_db: Curve) -> LipSync | None:
    """Compare a mouth with a sound, one value a frame each; None where there is too little of either.

    Args:
        openings: of the mouth, NaN where no face was seen.
        level_db: of the sound, in dB of full scale.
    """
    seen = ~np.isnan(openings)
    if seen.sum() < 2 * MOST_LAG + 10 or float(np.nanstd(openings)) < 1e-6:
        return None
    mouth = np.interp(np.arange(openings.size), np.flatnonzero(seen), openings[seen])
    sound = np.clip(level_db, SILENCE_DB, 0)
    if float(sound.std()) < 1e-6:
        return None
    scores: dict[int, float] = {}
    for lag in range(-MOST_LAG, MOST_LAG + 1):  # positive: the mouth is late
        early, late = max(0, -lag), max(0, lag)
        a, b = mouth[late : mouth.size - early], sound[early : sound.size - late]
        scores[lag] = float(np.corrcoef(a, b)[0, 1])
    best = max(scores, key=lambda lag: scores[lag])
    loud, quiet = mouth[level_db > SPEECH_DB], mouth[_still(level_db)]
    silent = None
    if loud.size and quiet.size:
        least = float(mouth.min())
        silent = float((quiet.mean() - least) / max(np.percentile(loud, 95) - least, 1e-6))
    return LipSync(best, scores[best], silent)


def opening(points: NDArray[np.float32]) -> float:
    """Return how far a mouth is open, in shares of the face's height."""
    gap = float(np.linalg.norm(points[UPPER_LIP] - points[LOWER_LIP]))
    return gap / max(float(np.linalg.norm(points[TOP] - points[CHIN])), 1.0)


def levels_db(sound: Audio, edges_s: Curve) -> Curve:
    """Return the level between each two neighbours of `edges_s`, in dB of full scale.

    Args:
        sound: (channels, samples); the first channel counts.
        edges_s: of the frames, one more than there are frames.
    """
    samples = sound.samples[0]
    edges = np.clip(np.round(edges_s * sound.sample_rate_hz).astype(int), 0, samples.size)
    total = np.concatenate([[0.0], np.cumsum(np.square(samples.astype(np.float64)))])
    power = np.diff(total[edges]) / np.maximum(np.diff(edges), 1)
    return 10 * np.log10(power + 1e-10)


def _still(level_db: Curve) -> NDArray[np.bool_]:
    """Return the frames that lie within silence for five frames or more."""
    silent = (level_db < SILENCE_DB).astype(int)
    return np.convolve(silent, np.ones(5, int), "same") == 5
