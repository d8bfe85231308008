"""A voice made like another by its statistics: pitch, length of the vocal tract, mean spectrum.

The words are those of the source frame by frame: nothing is taken from the reference but numbers,
so the result stays as clear as the source, and resembles the reference in colour, not in person.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.voice_conversion.psola import with_pitch
from media.audio import Audio
from media.pitch import PitchTrack, track_pitch
from media.voiceprint import mel_bands
from studio.errors import BadInput

BANDS = 32
WINDOW_S = 0.032
TILT_DB = 15.0  # the most that a band is raised or lowered
MIN_S = 0.1
LOUDNESS_S = 0.02  # window in which loudness is kept
LOUDER = 4.0  # the most that is made up
PITCH_STEPS = (0.4, 2.5)  # limits of the change of pitch
LIVELY = (0.6, 1.5)  # limits of the change of the pitch's range
WARPS = np.arange(0.82, 1.221, 0.01)
Frames = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Timbre:
    """The mean of a voice: log pitch and its spread, and the envelope of its voiced frames."""

    log_pitch: float
    spread: float
    envelope: Frames  # (bins,) natural log, level 0
    rate_hz: int


class SpectralConverter:
    """Pitch by PSOLA, formants and bands by a filter in the frequency domain.

    Args:
        strength: how far to go towards the reference, 0..1.
    """

    def __init__(self, strength: float = 1.0) -> None:
        self._strength = strength
        self._known: dict[str, Timbre] = {}

    def convert(self, audio: Audio, reference: Audio) -> Audio:
        """Return `audio` in the colour of `reference`. See `engines.roles.VoiceConverter`."""
        mono = audio.mono()
        if mono.duration_s < MIN_S or not float(np.abs(mono.samples).max()) > 0:
            return mono
        wave = mono.samples[0].astype(np.float64)
        pitch = track_pitch(mono)
        source = _timbre(mono, pitch)
        target = self._target(reference, mono.sample_rate_hz)
        if source is None:
            return mono
        moved = _moved_pitch(wave, mono.sample_rate_hz, pitch, source, target)
        shaped = _shaped(moved, mono.sample_rate_hz, source, target, self._strength)
        shaped = _as_loud_as(wave, shaped, mono.sample_rate_hz)
        shaped *= min(1.0, 0.99 / max(float(np.abs(shaped).max()), 1e-9))
        return Audio(shaped.astype(np.float32)[None], mono.sample_rate_hz)

    def _target(self, reference: Audio, rate_hz: int) -> Timbre:
        """Return what the reference is like, at the rate of the source; the last one is kept."""
        name = hashlib.sha256(reference.samples.tobytes()).hexdigest() + f"@{rate_hz}"
        if name not in self._known:
            mono = reference.mono().resampled(rate_hz)
            timbre = _timbre(mono, track_pitch(mono)) if mono.duration_s >= MIN_S else None
            if timbre is None:
                raise BadInput(
                    "the reference recording has no voice in it",
                    remedy="Give 3 seconds or more of clear speech.",
                )
            self._known = {name: timbre}
        return self._known[name]


def _timbre(mono: Audio, pitch: PitchTrack) -> Timbre | None:
    """Measure a voice; None if nothing is voiced."""
    if pitch.voiced.sum() < 3:
        return None
    logs = np.log(pitch.hz[pitch.voiced])
    wave, rate_hz = mono.samples[0].astype(np.float64), mono.sample_rate_hz
    window, hop = _sizes(rate_hz)
    spectrum: Frames = np.abs(_stft(wave, window, hop))
    envelope = _envelopes(spectrum, rate_hz, float(np.exp(np.median(logs))))
    time_s = np.arange(len(spectrum), dtype=np.float64) * hop / rate_hz
    voiced = np.interp(time_s, pitch.time_s, pitch.voiced.astype(float)) > 0.5
    level = np.log(np.square(spectrum).sum(axis=1) + 1e-12)
    loud = level > level.max() - 30 / 4.34
    chosen = envelope[voiced & loud] if (voiced & loud).any() else envelope[loud]
    mean = (chosen - chosen.mean(axis=1, keepdims=True)).mean(axis=0)
    return Timbre(float(np.median(logs)), float(logs.std()), mean, rate_hz)


def _moved_pitch(
    wave: Frames, rate_hz: int, pitch: PitchTrack, source: Timbre, target: Timbre
) -> Frames:
    """Give the voice the pitch and the liveliness of the target."""
    time_s = np.arange(wave.size) / rate_hz
    voiced = np.interp(time_s, pitch.time_s, pitch.voiced.astype(float)) > 0.5
    known = np.interp(time_s, pitch.time_s[pitch.voiced], np.log(pitch.hz[pitch.voiced]))
    lively = float(np.clip(target.spread / max(source.spread, 0.05), *LIVELY))
    wanted = (known - source.log_pitch) * lively + target.log_pitch
    change = np.clip(wanted - known, *np.log(PITCH_STEPS))
    period = rate_hz / np.exp(known)
    return with_pitch(wave, rate_hz, period, period / np.exp(change), voiced)


def _shaped(wave: Frames, rate_hz: int, source: Timbre, target: Timbre, strength: float) -> Frames:
    """Move the formants and the mean spectrum to those of the target."""
    window, hop = _sizes(rate_hz)
    spectrum = _stft(wave, window, hop)
    magnitude: Frames = np.abs(spectrum)
    envelope = _envelopes(magnitude, rate_hz, float(np.exp(target.log_pitch)))
    warp = 1 + strength * (_warp(source, target) - 1)
    warped = _warped(envelope, warp)
    bands = mel_bands(BANDS, envelope.shape[1], rate_hz / 2)
    missing = bands @ (target.envelope - _warped(source.envelope[None], warp)[0])
    limit = TILT_DB / 8.686
    tilt: Frames = np.clip(strength * (missing - missing.mean()), -limit, limit)
    bins = np.arange(source.envelope.size, dtype=np.float64)
    centres = bands @ bins
    raised: Frames = np.interp(bins, centres, tilt)
    gain: Frames = warped - envelope + raised
    gain -= (gain * magnitude).sum(axis=1, keepdims=True) / (
        magnitude.sum(axis=1, keepdims=True) + 1e-9
    )
    return _istft(spectrum * np.exp(np.clip(gain, -2.5, 2.5)), window, hop, wave.size)


def _as_loud_as(wave: Frames, shaped: Frames, rate_hz: int) -> Frames:
    """Give `shaped` the loudness of `wave` moment by moment."""
    half = max(1, round(LOUDNESS_S * rate_hz / 2))
    had, has = (_running_mean(np.square(each), half) for each in (wave, shaped))
    floor = 1e-6 * float(had.max())
    ratio: Frames = np.sqrt((had + floor) / (has + floor))
    return shaped * np.clip(ratio, 1 / LOUDER, LOUDER)


def _running_mean(values: Frames, half: int) -> Frames:
    """Return the mean of `half` values on each side, smoothed once more by the same."""
    for _ in range(2):
        total = np.concatenate([np.zeros(1), np.cumsum(values)])
        at = np.arange(values.size)
        first, last = np.maximum(at - half, 0), np.minimum(at + half + 1, values.size)
        values = np.maximum(total[last] - total[first], 0.0) / (last - first)
    return values


def _warp(source: Timbre, target: Timbre) -> float:
    """Return by how much the formants move up: half from the spectra, half from the pitches."""
    bins = source.envelope.size
    low, high = (
        int(hz / (source.rate_hz / 2) * bins) for hz in (200, min(5000, source.rate_hz * 0.4))
    )
    slope = np.gradient(_smooth(target.envelope))[low:high]
    errors = [
        float(
            np.square(
                np.gradient(_smooth(_warped(source.envelope[None], each)[0]))[low:high] - slope
            ).sum()
        )
        for each in WARPS
    ]
    # Adult voices: a pitch higher by 1.8 comes with a vocal tract shorter by 1.12.
    prior = float(np.clip(np.exp(0.18 * (target.log_pitch - source.log_pitch)), 0.85, 1.18))
    return 0.5 * float(WARPS[int(np.argmin(errors))]) + 0.5 * prior


def _warped(envelope: Frames, warp: float) -> Frames:
    """Stretch log envelopes, (frames, bins), along frequency; linear up to a knee, then to the end."""
    bins = envelope.shape[1]
    at = np.arange(bins, dtype=np.float64)
    knee = 0.8 * bins / max(warp, 1.0)
    rest = (bins - 1 - knee) / max(bins - 1 - knee * warp, 1e-6)
    source: Frames = np.where(at <= knee * warp, at / warp, knee + (at - knee * warp) * rest)
    left: NDArray[np.int64] = np.clip(source.astype(np.int64), 0, bins - 2)
    share: Frames = np.clip(source - left, 0, 1)
    return envelope[:, left] * (1 - share) + envelope[:, left + 1] * share


def _envelopes(magnitude: Frames, rate_hz: int, pitch_hz: float) -> Frames:
    """Return log envelopes without the harmonics, by a cepstrum cut before the pitch's period."""
    cepstrum: Frames = np.fft.irfft(np.log(magnitude + 1e-6), axis=1)
    keep = max(8, int(0.6 * rate_hz / max(pitch_hz, 60.0)))
    lifter = np.zeros(cepstrum.shape[1])
    keep = min(keep, lifter.size // 2)
    lifter[:keep] = 0.5 * (1 + np.cos(np.pi * np.arange(keep) / keep))
    lifter[-keep + 1 :] = lifter[1:keep][::-1]
    cut: Frames = cepstrum * lifter
    return np.asarray(np.fft.rfft(cut, axis=1).real, dtype=np.float64)


def _smooth(curve: Frames) -> Frames:
    kernel: Frames = np.hanning(11)
    padded: Frames = np.pad(curve, 5, mode="edge")
    weights: Frames = kernel / kernel.sum()
    return np.convolve(padded, weights, mode="valid")


def _sizes(rate_hz: int) -> tuple[int, int]:
    window = 2 ** round(math.log2(WINDOW_S * rate_hz))
    return window, window // 4


def _stft(wave: Frames, window: int, hop: int) -> NDArray[np.complex128]:
    padded = np.pad(wave, (window, 2 * window))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    return np.fft.rfft(frames * np.hanning(window + 1)[:-1], axis=1)


def _istft(spectrum: NDArray[np.complex128], window: int, hop: int, size: int) -> Frames:
    shape = np.hanning(window + 1)[:-1]
    frames = np.fft.irfft(spectrum, window, axis=1) * shape
    out = np.zeros(hop * (len(frames) - 1) + window)
    weight = np.zeros(out.size)
    for i, frame in enumerate(frames):
        out[i * hop : i * hop + window] += frame
        weight[i * hop : i * hop + window] += np.square(shape)
    return (out / np.maximum(weight, 1e-3))[window : window + size]
