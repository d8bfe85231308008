"""What a voice is like in a few numbers, and how far two voices are apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.audio import Audio
from media.pitch import track_pitch
from studio.errors import BadInput

RATE_HZ = 16_000
WINDOW, HOP = 512, 160
BANDS = 24
LOW_HZ, HIGH_HZ = 100.0, 7000.0
LOUD_DB = 30.0  # frames this far below the loudest count as speech
SEMITONES_EACH, DECIBELS_EACH = 4.0, 4.0  # a difference of one step in pitch, in timbre


@dataclass(frozen=True, slots=True)
class VoicePrint:
    """A voice: its pitch, how lively it is, and its long-term spectrum."""

    pitch_hz: float  # median; 0 if nothing is voiced
    pitch_spread: float  # standard deviation of ln(pitch)
    bands_db: tuple[float, ...]  # 24 mel bands 100-7000 Hz, mean 0


def voiceprint(audio: Audio) -> VoicePrint:
    """Measure a voice.

    Args:
        audio: speech of one person, any rate; 3 s or more give a stable print.

    Raises:
        BadInput: if it is silent or shorter than a tenth of a second.
    """
    mono = audio.mono().resampled(RATE_HZ)
    samples = mono.samples[0].astype(np.float64)
    if samples.size < RATE_HZ // 10 or float(np.abs(samples).max()) < 1e-4:
        raise BadInput(
            "the recording has no voice that could be measured",
            remedy="Give a few seconds of clear speech.",
        )
    pitch = track_pitch(mono)
    return VoicePrint(pitch.median_hz, pitch.spread, tuple(map(float, _long_term_db(samples))))


def distance(a: VoicePrint, b: VoicePrint) -> float:
    """Return how different two voices sound: 0 equal, about 1 similar, above 3 another person.

    The root of the sum of squares of the pitch difference (in steps of 4 semitones) and of the
    difference of the long-term spectra (root mean square over the bands, in steps of 4 dB).
    """
    timbre_db = float(np.sqrt(np.mean(np.square(np.subtract(a.bands_db, b.bands_db)))))
    semitones = 0.0
    if a.pitch_hz > 0 and b.pitch_hz > 0:
        semitones = 12.0 * float(np.log2(a.pitch_hz / b.pitch_hz))
    return float(np.hypot(semitones / SEMITONES_EACH, timbre_db / DECIBELS_EACH))


def mel_bands(count: int, bins: int, nyquist_hz: float) -> NDArray[np.float64]:
    """Return triangles on the mel scale between 100 and 7000 Hz, (count, bins), each summing to 1."""
    top_hz = min(HIGH_HZ, nyquist_hz)
    edges = 700 * (10 ** (np.linspace(_mel(LOW_HZ), _mel(top_hz), count + 2) / 2595) - 1)
    at_hz = np.linspace(0, nyquist_hz, bins)
    lower, centre, upper = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (at_hz - lower) / (centre - lower)
    falling = (upper - at_hz) / (upper - centre)
    weights = np.clip(np.minimum(rising, falling), 1e-9, None)
    return weights / weights.sum(axis=1, keepdims=True)


def _long_term_db(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1)))
    bands_db = 10 * np.log10(power @ mel_bands(BANDS, power.shape[1], RATE_HZ / 2).T + 1e-10)
    level_db = bands_db.mean(axis=1, keepdims=True)
    loud = level_db[:, 0] > level_db.max() - LOUD_DB
    return (bands_db - level_db)[loud].mean(axis=0)


def _mel(hz: float) -> float:
    return 2595 * float(np.log10(1 + hz / 700))
