"""The music of the sample: a slow night piece of four chords, for pad, bass and a plucked melody."""

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 48_000
BEATS_A_BAR = 4
# Chords as MIDI notes, low to high; the piece goes round and ends on the first.
CHORDS = ((48, 55, 64, 71), (45, 52, 60, 67), (41, 48, 57, 64), (43, 50, 59, 65))
# A melody of two bars a line: beat, MIDI note.
MELODY = (
    ((0, 76), (1.5, 79), (2, 83), (4, 81), (5.5, 79), (6, 76)),
    ((0, 77), (1, 76), (2, 72), (4, 74), (5, 71), (6, 74)),
)
Stereo = NDArray[np.float64]


def compose(duration_s: float) -> Stereo:
    """Return the piece, (2, samples) at 48 kHz, of whole bars that fill `duration_s` exactly."""
    bars = max(4, round(duration_s / (BEATS_A_BAR * 60 / 76)))
    beat_s = duration_s / (bars * BEATS_A_BAR)
    out = np.zeros((2, round(duration_s * RATE_HZ)))
    for bar in range(bars):
        last = bar == bars - 1
        chord = CHORDS[0] if last else CHORDS[bar % len(CHORDS)]
        start_s = bar * BEATS_A_BAR * beat_s
        bar_s = BEATS_A_BAR * beat_s
        for i, note in enumerate(chord):
            _add(out, start_s, _pad(note, bar_s * 1.25), 0.05, -0.8 + 1.6 * i / (len(chord) - 1))
        _add(out, start_s, _bass(chord[0] - 12, bar_s), 0.16, 0.0)
        for step in range(0 if last else 8):
            note = chord[(0, 2, 1, 3, 2, 3, 1, 2)[step]] + 12
            _add(out, start_s + step * beat_s / 2, _pluck(note, 1.2), 0.035, 0.75 * (-1) ** step)
        if bar >= 2 and bar % 2 == 0 and bar < bars - 1:
            for beat, note in MELODY[(bar // 2) % 2]:
                _add(
                    out,
                    start_s + beat * beat_s,
                    _pluck(note, 1.8),
                    0.08,
                    0.55 if beat % 2 else -0.55,
                )
    if bars > 1:
        _add(out, (bars - 1) * BEATS_A_BAR * beat_s, _pluck(84, 2.5), 0.08, 0.3)
    fade = np.ones(out.shape[1])
    fade[-RATE_HZ:] = np.cos(np.linspace(0, np.pi / 2, RATE_HZ))
    return _echo(out) * fade


def _hz(note: float) -> float:
    return 440.0 * 2 ** ((note - 69) / 12)


def _time(seconds: float) -> NDArray[np.float64]:
    return np.arange(round(seconds * RATE_HZ)) / RATE_HZ


def _pad(note: float, seconds: float) -> NDArray[np.float64]:
    t = _time(seconds)
    tone = sum(
        np.sin(2 * np.pi * _hz(note + cents / 100) * k * t + k) / k**2
        for cents in (-6, 5)
        for k in (1, 2, 3)
    )
    swell = np.minimum(1, t / 0.7) * np.minimum(1, (seconds - t) / 0.9)
    return np.asarray(tone * swell)


def _bass(note: float, seconds: float) -> NDArray[np.float64]:
    t = _time(seconds)
    tone = np.sin(2 * np.pi * _hz(note) * t) + 0.25 * np.sin(4 * np.pi * _hz(note) * t)
    return tone * np.minimum(1, t / 0.03) * np.exp(-1.1 * t) * np.minimum(1, (seconds - t) / 0.1)


def _pluck(note: float, seconds: float) -> NDArray[np.float64]:
    t = _time(seconds)
    tone = np.zeros(t.size)
    for k, weight in ((1, 1.0), (2, 0.42), (3, 0.2), (4.01, 0.09)):
        tone += weight * np.sin(2 * np.pi * _hz(note) * k * t) * np.exp(-(2.2 + 1.6 * k) * t)
    return tone * np.minimum(1, t / 0.004) * np.minimum(1, (seconds - t) / 0.05)


def _add(out: Stereo, at_s: float, sound: NDArray[np.float64], level: float, pan: float) -> None:
    """Mix a sound in, panned from -1 left to 1 right with equal power."""
    start = round(at_s * RATE_HZ)
    length = min(sound.size, out.shape[1] - start)
    if length > 0:
        angle = (pan + 1) * np.pi / 4
        for channel, share in enumerate((np.cos(angle), np.sin(angle))):
            out[channel, start : start + length] += level * share * sound[:length]


def _echo(dry: Stereo) -> Stereo:
    wet = dry.copy()
    for delay_s, gain in ((0.19, 0.28), (0.31, 0.2), (0.47, 0.13)):
        shift = round(delay_s * RATE_HZ)
        wet[:, shift:] += gain * dry[::-1, :-shift]
    return wet
