"""How far the background steps back under speech, computed from the schedule instead of from a level.

Ramps are raised cosines in decibels; where nobody speaks the gain is exactly 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from media.audio import Samples
from media.speech import Span

LOOK_AHEAD_S = 0.12
RELEASE_S = 0.35
LEAST_DB, MOST_DB = 6.0, 12.0
CLEAR_LU = 12.0  # a bed this far below the voice is ducked by just the depth that was asked for


@dataclass(frozen=True, slots=True)
class Duck:
    """One line of the schedule, and how far the background steps back under it."""

    start_s: float
    end_s: float
    depth_db: float


@dataclass(frozen=True, slots=True)
class Ramp:
    """Rises from 0 to `height` between two samples, holds, falls back to 0 between two more."""

    rise: int
    top: int
    fall: int
    bottom: int
    height: float


class Envelope:
    """The highest of many ramps, evaluated for any stretch of samples."""

    def __init__(self, ramps: Sequence[Ramp]) -> None:
        self._ramps = sorted(ramps, key=lambda ramp: ramp.rise)
        self._rises = np.array([ramp.rise for ramp in self._ramps], np.int64)
        bottoms = np.array([ramp.bottom for ramp in self._ramps], np.int64)
        self._latest = np.maximum.accumulate(bottoms) if len(bottoms) else bottoms

    def values(self, start: int, stop: int) -> Samples:
        """Return the height of every sample from `start` up to `stop`, (samples,)."""
        heights = np.zeros(max(0, stop - start), np.float32)
        first = int(np.searchsorted(self._latest, start, "right"))
        last = int(np.searchsorted(self._rises, stop, "left"))
        for ramp in self._ramps[first:last]:
            low, high = max(start, ramp.rise), min(stop, ramp.bottom)
            if low < high:
                part = heights[low - start : high - start]
                np.maximum(part, _shape(ramp, low, high), out=part)
        return heights


def duck_ramps(
    ducks: Sequence[Duck],
    sample_rate_hz: int,
    *,
    look_ahead_s: float = LOOK_AHEAD_S,
    release_s: float = RELEASE_S,
) -> list[Ramp]:
    """Return by how many decibels the background steps back, as ramps in samples."""
    ahead, after = round(look_ahead_s * sample_rate_hz), round(release_s * sample_rate_hz)
    return [
        Ramp(
            round(duck.start_s * sample_rate_hz) - ahead,
            round(duck.start_s * sample_rate_hz),
            round(duck.end_s * sample_rate_hz),
            round(duck.end_s * sample_rate_hz) + after,
            duck.depth_db,
        )
        for duck in bridged(ducks, look_ahead_s + release_s)
    ]


def lowered(depth_db: Samples) -> Samples:
    """Return the factors of depths in decibels; exactly 1 where the depth is 0."""
    gains = np.ones_like(depth_db)
    ducked = depth_db > 0
    gains[ducked] = 10.0 ** (depth_db[ducked] / -20.0)
    return gains


def choose_depth_db(bed_lufs: float, voice_lufs: float, wanted_db: float = 9.0) -> float:
    """Return how far the bed steps back: more where it is loud against the voice, 6-12 dB.

    Args:
        bed_lufs: loudness of the background under the line.
        voice_lufs: loudness of the line.
        wanted_db: depth for a bed that lies 12 LU below the voice.
    """
    closeness_lu = bed_lufs - (voice_lufs - CLEAR_LU)
    return min(max(wanted_db + closeness_lu, LEAST_DB), MOST_DB)


def bridged(ducks: Sequence[Duck], pause_s: float) -> tuple[Duck, ...]:
    """Hold the background down through pauses shorter than `pause_s`, so that it does not pump."""
    held: list[Duck] = []
    for duck in sorted(ducks, key=lambda each: (each.start_s, each.end_s)):
        latest = max(range(len(held)), key=lambda i: held[i].end_s, default=None)
        if latest is not None and 0 < duck.start_s - held[latest].end_s < pause_s:
            held[latest] = replace(held[latest], end_s=duck.start_s)
        held.append(duck)
    return tuple(held)


def united(spans: Sequence[Span], gap_s: float = 0.0) -> tuple[Span, ...]:
    """Return the spans in order, those less than `gap_s` apart joined."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda each: each.start_s):
        if joined and span.start_s - joined[-1].end_s <= gap_s:
            joined[-1] = Span(joined[-1].start_s, max(joined[-1].end_s, span.end_s))
        else:
            joined.append(span)
    return tuple(joined)


def _shape(ramp: Ramp, start: int, stop: int) -> Samples:
    at = np.arange(start, stop, dtype=np.float64)
    up = np.clip((at - ramp.rise) / max(1, ramp.top - ramp.rise), 0, 1)
    if ramp.top <= ramp.rise:
        up = np.ones_like(at)
    down = np.clip((ramp.bottom - at) / max(1, ramp.bottom - ramp.fall), 0, 1)
    if ramp.bottom <= ramp.fall:
        down = np.ones_like(at)
    eased = 0.5 - 0.5 * np.cos(np.pi * np.minimum(up, down))
    return (ramp.height * eased).astype(np.float32, copy=False)
