"""Sound as a grid of times and frequencies, and back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.listen import Wave

Grid = NDArray[np.complex64]
"""(frames, bins), complex."""
HOPS = 4  # per window


def to_grid(wave: Wave, window: int) -> Grid:
    """Return the short-time spectrum of `wave`, (samples,): root-free Hann, a quarter window hop."""
    hop = window // HOPS
    padded = np.pad(wave, (window, window + (-wave.size) % hop))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    return np.fft.rfft(frames * _hann(window), axis=1).astype(np.complex64)


def from_grid(grid: NDArray[Any], window: int, samples: int) -> Wave:
    """Return the wave of a grid, (`samples`,); `from_grid(to_grid(x))` is x."""
    hop = window // HOPS
    frames = np.fft.irfft(grid, window, axis=1) * _hann(window)
    size = (len(frames) - 1) * hop + window
    wave = np.zeros(size + window, np.float64)
    for shift in range(HOPS):  # frames that do not overlap are added at once
        part = frames[shift::HOPS].reshape(-1)
        wave[shift * hop : shift * hop + part.size] += part
    scale = 1.0 / (_hann(window) ** 2).reshape(HOPS, hop).sum(axis=0)
    wave = (wave[: size // hop * hop].reshape(-1, hop) * scale).reshape(-1)
    return wave[window : window + samples].astype(np.float32)


def _hann(window: int) -> NDArray[np.float32]:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)).astype(np.float32)
