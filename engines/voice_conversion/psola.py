"""Change the pitch of a voice and keep its length, its rhythm and its formants.

Moulines, Charpentier: Pitch-synchronous waveform processing techniques (1990), time domain.
"""

import numpy as np
from numpy.typing import NDArray

UNVOICED_S = 0.005
SEARCH = 0.25  # of a period: how far a mark may move to the peak
Wave = NDArray[np.float64]


def with_pitch(
    wave: Wave, rate_hz: int, period: Wave, wanted: Wave, voiced: NDArray[np.bool_]
) -> Wave:
    """Return `wave` at another pitch, as many samples.

    Args:
        wave: (samples,).
        rate_hz: of the samples.
        period: its period in samples at each sample, where voiced.
        wanted: the period it should have at each sample, where voiced.
        voiced: whether a sample lies in voiced speech.
    """
    marks, is_voiced = _marks(wave, rate_hz, period, voiced)
    out, weight = np.zeros(wave.size), np.zeros(wave.size)
    step = max(1, round(UNVOICED_S * rate_hz))
    at = 0.0
    while at < wave.size:
        here = int(at)
        nearest = _nearest(marks, here)
        mark = int(marks[nearest])
        if is_voiced[nearest] and voiced[here]:
            # A grain spans two periods; longer where the pitch falls, so that no hole opens.
            half = int(max(period[mark], min(wanted[here], 1.5 * period[mark])))
            advance = float(max(wanted[here], 2.0))
        else:
            half, mark, advance = step, here, float(step)
        before, after = _span(wave.size, mark, here, half)
        window = np.hanning(2 * half + 1)[half - before : half + after]
        out[here - before : here + after] += wave[mark - before : mark + after] * window
        weight[here - before : here + after] += window
        at += advance
    return out / np.maximum(weight, 0.5)


def _marks(
    wave: Wave, rate_hz: int, period: Wave, voiced: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return where the periods of the voice are, one mark each, and every 5 ms between."""
    marks: list[int] = []
    flags: list[bool] = []
    step = max(1, round(UNVOICED_S * rate_hz))
    sign = 1.0 if wave.max(initial=0.0) >= -wave.min(initial=0.0) else -1.0
    at, size = 0, wave.size
    while at < size:
        if not voiced[at]:
            marks.append(at)
            flags.append(False)
            at += step
            continue
        length = max(2, int(period[at]))
        fresh = not (flags and flags[-1])
        reach = length if fresh else max(1, int(SEARCH * length))
        low = at if fresh else max(at - reach, marks[-1] + 1)
        window = wave[low : min(size, at + reach)] * sign
        peak = low + (int(window.argmax()) if window.size else 0)
        marks.append(peak)
        flags.append(True)
        at = peak + length
    return np.array(marks or [0], dtype=np.int64), np.array(flags or [False])


def _nearest(marks: NDArray[np.int64], at: int) -> int:
    right = int(np.searchsorted(marks, at))
    if right == 0:
        return 0
    if right == marks.size or at - marks[right - 1] <= marks[right] - at:
        return right - 1
    return right


def _span(size: int, source: int, target: int, half: int) -> tuple[int, int]:
    """Return how far a grain reaches before and after, inside the wave at both places."""
    return min(half, source, target), min(half, size - source, size - target)
