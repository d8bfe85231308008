"""How high a voice speaks, moment by moment."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.audio import Audio

RATE_HZ = 16_000
LOWEST_HZ, HIGHEST_HZ = 60.0, 500.0
VOICED = 0.5  # confidence


@dataclass(frozen=True, slots=True)
class PitchTrack:
    """Frames in order: their times, their pitch, and whether a voice sounds there."""

    time_s: NDArray[np.float64]
    hz: NDArray[np.float64]
    voiced: NDArray[np.bool_]

    @property
    def median_hz(self) -> float:
        """The middle pitch of the voiced frames; 0 if there are none."""
        return float(np.median(self.hz[self.voiced])) if self.voiced.any() else 0.0

    @property
    def spread(self) -> float:
        """Standard deviation of the natural logarithm of the pitch; 0 if nothing is voiced."""
        return float(np.log(self.hz[self.voiced]).std()) if self.voiced.any() else 0.0


def track_pitch(audio: Audio) -> PitchTrack:
    """Follow the pitch of a voice, a frame every 16 ms (swift-f0, Nieradzik 2025).

    Args:
        audio: any rate; several channels are mixed.
    """
    mono = audio.mono().resampled(RATE_HZ).samples[0]
    if mono.size < RATE_HZ // 20 or not np.isfinite(mono).all():
        none = np.zeros(0)
        return PitchTrack(none, none, none.astype(np.bool_))
    found = _detector().detect(mono, RATE_HZ, LOWEST_HZ, HIGHEST_HZ)
    voiced = (found.confidence >= VOICED) & (found.pitch_hz > 0)
    return PitchTrack(found.timestamps, found.pitch_hz, voiced)


@cache
def _detector() -> Any:
    from swift_f0 import SwiftF0  # noqa: PLC0415 - brings onnxruntime

    return SwiftF0(threads=1, spin=False)
