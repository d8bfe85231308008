"""Who speaks when, by plain numbers: the mean cepstrum and the pitch of each stretch of speech.

No weights at all. It hears a man from a woman and two unlike voices apart, and takes like voices
for one. Random features (Rahimi & Recht 2007) turn the numbers into vectors whose product falls
with the distance, so the clustering is that of the other engines.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from engines.diarization.clustering import RATE_HZ, Rules, Vectors, diarize
from media.audio import Audio, AudioFile
from media.listen import Wave
from media.pitch import track_pitch
from media.speech import Span, Turn
from media.voiceprint import mel_bands
from studio.progress import Progress

WINDOW, HOP, BANDS = 512, 160, 24
LOUD_DB = 25.0  # frames this far below the loudest count
CEPSTRA = 13
# How much one person varies from stretch to stretch: 13 cepstra in dB, then ln(pitch). Measured as
# the mean standard deviation over ten readers of one voice each.
SPREAD = (8.31, 6.09, 5.9, 3.87, 2.79, 2.32, 2.35, 2.08, 1.74, 1.23, 1.27, 1.25, 1.06, 0.11)
WIDTH = 6.0  # distance, in spreads, at which the product has fallen to 0.6
FEATURES, SEED = 256, 1
USUAL_LOG_PITCH = 5.0  # about 150 Hz, for stretches in which nothing is voiced


class VoiceStatistics:
    """Cepstrum, pitch and clustering.

    Args:
        apart: distance from which two stretches are not joined.
        alike: likeness from which two speakers are one.
    """

    def __init__(self, apart: float = 0.6, alike: float = 0.5) -> None:
        self._rules = Rules(apart=apart, alike=alike)

    def diarize(
        self, audio: AudioFile, speech: Sequence[Span], speakers: int, progress: Progress
    ) -> tuple[Turn, ...]:
        """Return the turns. See `engines.roles.Diarizer`."""
        return diarize(audio, speech, speakers, embed=embed, rules=self._rules, progress=progress)


def embed(waves: Sequence[Wave]) -> Vectors:
    """Return the voice of each wave (16 kHz)."""
    numbers = np.stack([_numbers(wave) for wave in waves]) / np.array(SPREAD)
    phase = numbers @ _directions()
    both = np.concatenate([np.cos(phase), np.sin(phase)], axis=1) / np.sqrt(FEATURES)
    return both.astype(np.float32)


def _numbers(wave: Wave) -> NDArray[np.float64]:
    """Return the mean cepstrum of the loud frames and the median of ln(pitch)."""
    padded = np.pad(wave.astype(np.float64), WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1)))
    bands_db = 10 * np.log10(power @ mel_bands(BANDS, power.shape[1], RATE_HZ / 2).T + 1e-10)
    level_db = bands_db.mean(axis=1)
    cepstra = (bands_db @ _cosines().T)[level_db > level_db.max() - LOUD_DB]
    pitch = track_pitch(Audio(wave[None], RATE_HZ))
    log_pitch = np.log(pitch.median_hz) if pitch.voiced.sum() > 5 else USUAL_LOG_PITCH
    return np.append(cepstra.mean(axis=0), log_pitch)


@cache
def _cosines() -> NDArray[np.float64]:
    """Return rows 1..CEPSTRA of the orthonormal cosine transform, (CEPSTRA, BANDS)."""
    rows, columns = np.arange(1, CEPSTRA + 1)[:, None], np.arange(BANDS) + 0.5
    return np.sqrt(2 / BANDS) * np.cos(np.pi * rows * columns / BANDS)


@cache
def _directions() -> NDArray[np.float64]:
    generator = np.random.default_rng(SEED)
    return generator.standard_normal((CEPSTRA + 1, FEATURES)) / WIDTH
