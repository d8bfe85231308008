"""A spoken line made to last exactly so many samples: its pauses first, then its speed.

Stretching is by overlapping pieces of the waveform where they match best.
Source: W. Verhelst and M. Roelands, "An overlap-add technique based on waveform similarity (WSOLA)",
ICASSP 1993.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.audio import Audio, Samples

LONG_PAUSE_S, SHORT_PAUSE_S = 0.25, 0.12
JOIN_S = 0.01
FRAME_S = 0.01
BELOW_SPEECH_DB, SILENT_DB = 35.0, -60.0
SLOWEST = 0.9
PIECE_S, SEARCH_S = 0.04, 0.008  # twice 8 ms holds a whole period of any voice above 63 Hz


@dataclass(frozen=True, slots=True)
class Fitted:
    """A line of the length that was asked for, and how it got there."""

    audio: Audio
    pauses_s: float  # seconds taken out of pauses
    speed: float  # what was left for the voice: 1.05 is 5 % faster
    padded_s: float  # silence added at the end, where even the slowest speed is too short


def fit_to_samples(audio: Audio, n_samples: int) -> Audio:
    """Return the line with exactly `n_samples`, (channels, n_samples); nothing is cut off."""
    return fit(audio, n_samples).audio


def fit(audio: Audio, n_samples: int) -> Fitted:
    """Fit a line into `n_samples`, and tell how.

    Args:
        audio: (channels, samples), speech.
        n_samples: wanted length; the speed that follows is the planner's business (0.9-1.35).
    """
    before = audio.samples.shape[1]
    shorter = _shorten_pauses(audio, before - n_samples)
    removed = before - shorter.samples.shape[1]
    slow_enough = round(shorter.samples.shape[1] / SLOWEST)
    goal = min(n_samples, max(slow_enough, shorter.samples.shape[1]))
    samples = stretch(shorter, goal).samples
    padded = n_samples - samples.shape[1]
    samples = np.pad(samples, ((0, 0), (0, padded)))
    return Fitted(
        Audio(samples.astype(np.float32, copy=False), audio.sample_rate_hz),
        removed / audio.sample_rate_hz,
        shorter.samples.shape[1] / goal if goal else 1.0,
        padded / audio.sample_rate_hz,
    )


def stretch(audio: Audio, n_samples: int) -> Audio:
    """Return the sound at another speed and the same pitch, exactly `n_samples` long.

    Args:
        audio: (channels, samples); all channels are cut at the same places.
        n_samples: at least 1 where there is sound.
    """
    before = audio.samples.shape[1]
    if before == n_samples:
        return audio
    hop = max(8, round(PIECE_S * audio.sample_rate_hz / 2))
    search = max(4, round(SEARCH_S * audio.sample_rate_hz))
    if before < 4 * hop or n_samples < 4 * hop:
        return _resampled(audio, n_samples)
    margin = hop + search
    padded = np.pad(audio.samples, ((0, 0), (margin, margin + 2 * hop)))
    guide = padded.mean(axis=0, dtype=np.float64)
    n_pieces = -(-n_samples // hop) + 1
    window = np.hanning(2 * hop + 1)[:-1]
    out = np.zeros((audio.channels, (n_pieces + 1) * hop))
    # Piece k stands with its middle at output sample k·hop, so the first one fades in at full level.
    at = margin - hop
    for k in range(n_pieces):
        if k:
            wanted = round(k * hop * before / n_samples) + margin - hop
            at = _best_match(guide, at + hop, wanted, search, 2 * hop)
        out[:, k * hop : (k + 2) * hop] += window * padded[:, at : at + 2 * hop]
    out = out[:, hop : hop + n_samples]
    return Audio(out.astype(np.float32, copy=False), audio.sample_rate_hz)


def _best_match(
    guide: NDArray[np.float64], natural: int, wanted: int, search: int, length: int
) -> int:
    """Return where, near `wanted`, the sound is most like what follows naturally."""
    last = len(guide) - length
    natural = min(natural, last)
    low, high = max(0, wanted - search), min(last, wanted + search)
    if high <= low:
        return min(max(0, wanted), last)
    template = guide[natural : natural + length]
    field = guide[low : high + length]
    match = np.correlate(field, template, "valid")
    sums = np.concatenate([[0.0], np.cumsum(np.square(field))])
    energy = sums[length:] - sums[:-length]
    likeness = match / np.sqrt(np.maximum(energy, 1e-9))
    if float(likeness.max()) <= 0:
        return min(max(0, wanted), last)
    return low + int(likeness.argmax())


def _shorten_pauses(audio: Audio, surplus: int) -> Audio:
    """Take up to `surplus` samples out of pauses of 250 ms or more, leaving 120 ms of each."""
    if surplus <= 0:
        return audio
    rate = audio.sample_rate_hz
    least, kept = round(LONG_PAUSE_S * rate), round(SHORT_PAUSE_S * rate)
    pauses = [(a, b) for a, b in _pauses(audio) if b - a >= least]
    available = sum(b - a - kept for a, b in pauses)
    share = min(1.0, surplus / available) if available else 0.0
    join = round(JOIN_S * rate)
    fade = np.linspace(0, 1, join, dtype=np.float32)
    left = surplus
    samples = audio.samples
    for start, end in reversed(pauses):
        take = min(left, round((end - start - kept) * share))
        left -= take
        if take <= 0:
            continue
        middle = (start + end - take) // 2
        faded = (
            samples[:, middle : middle + join] * (1 - fade)
            + samples[:, middle + take : middle + take + join] * fade
        )
        rest = samples[:, middle + take + join :]
        samples = np.concatenate([samples[:, :middle], faded, rest], axis=1)
    return Audio(samples.astype(np.float32, copy=False), rate)


def _pauses(audio: Audio) -> list[tuple[int, int]]:
    """Return the inner stretches without speech, as samples."""
    loud = _is_speech(audio)
    edges = np.flatnonzero(np.diff(loud.astype(np.int8)))
    frame = _frame(audio.sample_rate_hz)
    inner = edges[1:] if len(edges) and not loud[0] else edges
    pairs = inner[: len(inner) // 2 * 2].reshape(-1, 2)
    return [((int(a) + 1) * frame, (int(b) + 1) * frame) for a, b in pairs]


def _is_speech(audio: Audio) -> NDArray[np.bool_]:
    """Return, for every 10 ms, whether it is louder than the pauses, (frames,)."""
    frame = _frame(audio.sample_rate_hz)
    n_frames = -(-audio.samples.shape[1] // frame)
    padded = np.pad(audio.samples, ((0, 0), (0, n_frames * frame - audio.samples.shape[1])))
    power = np.square(padded.reshape(audio.channels, n_frames, frame)).mean(axis=(0, 2))
    if not len(power):
        return np.zeros(0, np.bool_)
    level_db = 10 * np.log10(power + 1e-12)
    return level_db > max(SILENT_DB, float(np.percentile(level_db, 95)) - BELOW_SPEECH_DB)


def _frame(sample_rate_hz: int) -> int:
    return max(1, round(FRAME_S * sample_rate_hz))


def _resampled(audio: Audio, n_samples: int) -> Audio:
    """Stretch by interpolation: for sounds too short to have a pitch."""
    before = audio.samples.shape[1]
    if before == 0 or n_samples <= 0:
        return Audio(
            np.zeros((audio.channels, max(0, n_samples)), np.float32), audio.sample_rate_hz
        )
    old, new = np.arange(before, dtype=np.float64), np.arange(n_samples, dtype=np.float64)
    new *= (before - 1) / max(1, n_samples - 1)
    samples: Samples = np.array([np.interp(new, old, row) for row in audio.samples], np.float32)
    return Audio(samples, audio.sample_rate_hz)
