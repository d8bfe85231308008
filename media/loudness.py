"""How loud sound is, as people hear it: ITU-R BS.1770-4 loudness and true peak, EBU Tech 3342 range.

Everything works block by block, so hours fit. Silence is `SILENT_LUFS`, never minus infinity.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from media.audio import Audio, Samples

SILENT_LUFS = -70.0  # the absolute gate of BS.1770: nothing is measured below it
SILENT_DBTP = -120.0
RELATIVE_GATE_LU = -10.0
RANGE_GATE_LU = -20.0
HOP_S = 0.1  # a gating block is 4 hops (400 ms, 75 % overlap), a short-term block 30
BLOCK_HOPS, SHORT_TERM_HOPS = 4, 30
QUIETEST_TARGET_LUFS, LOUDEST_TARGET_LUFS = -45.0, -9.0
MOST_GAIN_DB = 30.0
OVERSAMPLING, TAPS = 4, 12  # BS.1770-4 annex 2: four phases of twelve taps
PEAK_CHUNK = 4096

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class HopSums:
    """K-weighted power of a part of a sound, summed over the 100 ms hops of the whole sound's clock.

    Parts that were measured apart are added up by `LoudnessMeter.of_parts`.
    """

    first: int  # hop, counted from the beginning of the whole sound
    sums: tuple[float, ...]


def db_to_gain(level_db: float) -> float:
    """Return the factor that changes the level by `level_db`."""
    return 10.0 ** (level_db / 20.0)


def gain_to_db(gain: float) -> float:
    """Return the level of a factor or of a peak, no lower than `SILENT_DBTP`."""
    return 20.0 * math.log10(gain) if gain > 1e-6 else SILENT_DBTP


class LoudnessMeter:
    """Measures a stream; feed it blocks of any size, ask when you like."""

    def __init__(self, sample_rate_hz: int, channels: int) -> None:
        self._hop = max(1, round(HOP_S * sample_rate_hz))
        self._sections = _k_weighting(sample_rate_hz)
        self._state = np.zeros((len(self._sections), channels, 2))
        self._weights = _channel_weights(channels)
        self._rest = np.zeros(0)  # weighted power of samples that do not fill a hop yet
        self._hops: list[Floats] = []

    def add(self, samples: Samples) -> None:
        """Measure the next block, (channels, samples)."""
        if not samples.shape[1]:
            return
        heard, self._state = _filtered(self._sections, samples, self._state)
        power = np.concatenate([self._rest, self._weights @ np.square(heard)])
        whole = len(power) // self._hop * self._hop
        self._hops.append(power[:whole].reshape(-1, self._hop).mean(axis=1))
        self._rest = power[whole:]

    @classmethod
    def of_parts(
        cls, sample_rate_hz: int, channels: int, parts: Sequence[HopSums], n_samples: int
    ) -> "LoudnessMeter":
        """Return a meter that has heard a whole sound of `n_samples`, measured in parts."""
        meter = cls(sample_rate_hz, channels)
        whole, rest = divmod(n_samples, meter._hop)
        longest = max((part.first + len(part.sums) for part in parts), default=0)
        sums = np.zeros(max(whole + 1, longest))
        for part in parts:
            sums[part.first : part.first + len(part.sums)] += part.sums
        meter._hops = [sums[:whole] / meter._hop]
        meter._rest = np.full(rest, sums[whole] / max(1, rest))
        return meter

    def hop_powers(self) -> Floats:
        """Return the weighted mean power of every 100 ms so far, (hops,)."""
        if len(self._hops) > 1:
            self._hops = [np.concatenate(self._hops)]
        return self._hops[0] if self._hops else np.zeros(0)

    @property
    def integrated_lufs(self) -> float:
        """Gated loudness; of less than 400 ms: the loudness of all of it, without a gate."""
        hops = self.hop_powers()
        if len(hops) < BLOCK_HOPS:
            count = len(hops) * self._hop + len(self._rest)
            total = float(hops.sum()) * self._hop + float(self._rest.sum())
            return _lufs(total / count) if count else SILENT_LUFS
        blocks = _moving_mean(hops, BLOCK_HOPS)
        blocks = blocks[blocks > _power(SILENT_LUFS)]
        if not len(blocks):
            return SILENT_LUFS
        gate = float(blocks.mean()) * 10 ** (RELATIVE_GATE_LU / 10)
        return _lufs(float(blocks[blocks > gate].mean()))

    @property
    def range_lu(self) -> float:
        """Loudness range (LRA): between the 10th and the 95th percentile of the short-term loudness."""
        hops = self.hop_powers()
        if len(hops) < SHORT_TERM_HOPS:
            return 0.0
        blocks = _moving_mean(hops, SHORT_TERM_HOPS)
        blocks = blocks[blocks > _power(SILENT_LUFS)]
        if not len(blocks):
            return 0.0
        gate = float(blocks.mean()) * 10 ** (RANGE_GATE_LU / 10)
        low, high = np.percentile(blocks[blocks >= gate], (10, 95))
        return _lufs(float(high)) - _lufs(float(low))


def loudness_lufs(audio: Audio) -> float:
    """Return the integrated loudness; under 400 ms the ungated one; `SILENT_LUFS` for silence."""
    meter = LoudnessMeter(audio.sample_rate_hz, audio.channels)
    meter.add(audio.samples)
    return meter.integrated_lufs


def hop_sums(samples: Samples, sample_rate_hz: int, at: int, skip: int) -> HopSums:
    """Measure a part of a sound for `LoudnessMeter.of_parts`.

    Args:
        samples: (channels, samples); the first `skip` are heard, to settle the filters (they forget
            within 50 ms), but not counted.
        sample_rate_hz: of the sound.
        at: where in the whole sound the first sample lies.
        skip: how many samples belong to another part.
    """
    hop = max(1, round(HOP_S * sample_rate_hz))
    first, last = at + skip, at + samples.shape[1]
    if last <= first:
        return HopSums(first // hop, ())
    sections, channels = _k_weighting(sample_rate_hz), int(samples.shape[0])
    heard, _ = _filtered(sections, samples, np.zeros((len(sections), channels, 2)))
    power = _channel_weights(channels) @ np.square(heard[:, skip:])
    hops = range(first // hop, (last - 1) // hop + 1)
    edges = [max(0, number * hop - first) for number in hops]
    sums: Floats = np.add.reduceat(power, edges)
    return HopSums(first // hop, tuple(float(each) for each in sums))


def scaled(sums: HopSums, factor: float) -> HopSums:
    """Return the sums of a sound that has `factor` times the power."""
    return HopSums(sums.first, tuple(each * factor for each in sums.sums))


def channel_power(channels: int) -> float:
    """Return by how much the power of one channel grows when all channels play it."""
    return float(_channel_weights(channels).sum())


def gain_to_match_db(own_lufs: float, source_lufs: float, channels: int = 1) -> float:
    """Return the gain that makes a mono line as loud as its source was.

    Args:
        own_lufs: loudness of the line.
        source_lufs: loudness of the original line; clamped to -45..-9 LUFS.
        channels: into how many channels the line is written, each at the same level.

    Returns:
        dB, within ±30; 0 for a silent line.
    """
    if own_lufs <= SILENT_LUFS:
        return 0.0
    target = min(max(source_lufs, QUIETEST_TARGET_LUFS), LOUDEST_TARGET_LUFS)
    gain_db = target - own_lufs - 10 * math.log10(channel_power(channels))
    return min(max(gain_db, -MOST_GAIN_DB), MOST_GAIN_DB)


def true_peak_dbtp(audio: Audio) -> float:
    """Return the highest peak between and on the samples, over all channels."""
    return gain_to_db(highest_peak(audio.samples))


def highest_peak(samples: Samples, floor: float = 0.0, where: Mask | None = None) -> float:
    """Return the true peak of (channels, samples), as a factor; at least `floor`.

    Only stretches whose samples could reach past what is known already are interpolated, the
    loudest first.

    Args:
        samples: (channels, samples).
        floor: what is known already.
        where: (samples,), where to look; None: everywhere.
    """
    n = samples.shape[1]
    level: Samples = np.abs(samples).max(axis=0, initial=0.0)
    highest = max(floor, float((level if where is None else level[where]).max(initial=0.0)))
    starts = range(0, n, PEAK_CHUNK)
    reach = [float(level[max(0, s - TAPS) : s + PEAK_CHUNK + TAPS].max()) for s in starts]
    for loudest, start in sorted(zip(reach, starts, strict=True), reverse=True):
        if loudest * PEAK_REACH <= highest:
            break
        chunk = slice(start, start + PEAK_CHUNK)
        if where is not None and not where[chunk].any():
            continue
        low = max(0, start - TAPS)
        found = peaks(samples[:, low : start + PEAK_CHUNK + TAPS])[start - low :][:PEAK_CHUNK]
        seen = found if where is None else found[where[chunk]]
        highest = max(highest, float(seen.max(initial=0.0)))
    return highest


def peaks(samples: Samples) -> Samples:
    """Return, for every sample, the highest true peak from it up to the next, over all channels.

    Args:
        samples: (channels, samples).

    Returns:
        (samples,), factors.
    """
    highest: Samples = np.abs(samples).max(axis=0, initial=0.0)
    padded = np.pad(samples, ((0, 0), (TAPS // 2 - 1, TAPS // 2)))
    for start in range(0, samples.shape[1], PEAK_CHUNK):
        here = highest[start : start + PEAK_CHUNK]
        for channel in padded[:, start : start + len(here) + TAPS - 1]:
            shifted = np.ascontiguousarray(sliding_window_view(channel, len(here)))
            np.maximum(here, np.abs(INTERPOLATOR @ shifted).max(axis=0), out=here)
    return highest


def _interpolator() -> Samples:
    """Return windowed sincs that give the sound 1/4, 2/4 and 3/4 after a sample, (3, taps)."""
    places = np.arange(1, OVERSAMPLING) / OVERSAMPLING
    time = places[:, None] - np.arange(1 - TAPS // 2, TAPS // 2 + 1)[None, :]
    taps = np.sinc(time) * np.cos(np.pi * time / (TAPS + 1)) ** 2
    return (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)


INTERPOLATOR = _interpolator()
PEAK_REACH = float(np.abs(INTERPOLATOR).sum(axis=1).max())
"""How far above its samples a sound can peak between them, as this interpolator sees it."""


def _filtered(sections: Floats, samples: Samples, state: Floats) -> tuple[Floats, Floats]:
    from scipy import signal  # noqa: PLC0415 - slow to import

    heard: tuple[Floats, Floats] = signal.sosfilt(
        sections, samples.astype(np.float64), axis=1, zi=state
    )
    return heard


def _k_weighting(sample_rate_hz: int) -> Floats:
    """Return the two filters of BS.1770 for any rate, as second-order sections (2, 6).

    The analogue prototypes behind the standard's 48 kHz coefficients, by bilinear transform.
    Source: B. De Man, "Evaluation of implementations of the EBU R128 loudness measurement", AES
    145, 2018.
    """
    shelf_hz, shelf_db, shelf_q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
    pass_hz, pass_q = 38.13547087602444, 0.5003270373238773
    k = math.tan(math.pi * min(shelf_hz / sample_rate_hz, 0.49))
    high = 10 ** (shelf_db / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / shelf_q + k * k
    shelf = [
        (high + band * k / shelf_q + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - band * k / shelf_q + k * k) / a0,
        1.0,
        2 * (k * k - 1) / a0,
        (1 - k / shelf_q + k * k) / a0,
    ]
    k = math.tan(math.pi * min(pass_hz / sample_rate_hz, 0.49))
    a0 = 1 + k / pass_q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / pass_q + k * k) / a0]
    return np.array([shelf, high_pass])


def _channel_weights(channels: int) -> Floats:
    """Return BS.1770's weights: surround channels of 5.1 count more, the bass channel not at all."""
    if channels == 6:
        return np.array([1.0, 1.0, 1.0, 0.0, 1.41, 1.41])
    return np.ones(channels)


def _moving_mean(values: Floats, length: int) -> Floats:
    return np.convolve(values, np.full(length, 1 / length), "valid")


def _lufs(power: float) -> float:
    return max(SILENT_LUFS, -0.691 + 10 * math.log10(power)) if power > 0 else SILENT_LUFS


def _power(lufs: float) -> float:
    return 10 ** ((lufs + 0.691) / 10)
