"""Who speaks when, by a network that knows voices: GE2E of Resemblyzer, computed with numpy.

The weights come from the wheel of resemblyzer; neither it nor torch is imported. Three recurrent
layers (Wan et al. 2018, "Generalized end-to-end loss for speaker verification") read 40 mel bands
of 1.6 s and leave 256 numbers, much the same for a person whatever he says.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file  # pyright: ignore[reportUnknownVariableType]

from engines.diarization.clustering import RATE_HZ, WINDOW_S, Rules, Vectors, diarize
from engines.weights import own_file
from media.audio import AudioFile
from media.listen import Wave
from media.speech import Span, Turn
from studio.progress import Progress

FILE = "voices/ge2e.safetensors"
LAYERS, SIZE = 3, 256
MELS, FFT, HOP = 40, 400, 160  # 25 ms every 10 ms
LEVEL = 10 ** (-30 / 20)  # root mean square that the network was trained on
FRAMES = round(WINDOW_S * RATE_HZ / HOP)
Weights = Mapping[str, NDArray[np.float32]]


class Ge2e:
    """GE2E vectors and clustering.

    Args:
        apart: distance from which two stretches are not joined.
        alike: likeness from which two speakers are one.
    """

    def __init__(self, apart: float = 0.3, alike: float = 0.75) -> None:
        self._rules = Rules(apart=apart, alike=alike)

    def diarize(
        self, audio: AudioFile, speech: Sequence[Span], speakers: int, progress: Progress
    ) -> tuple[Turn, ...]:
        """Return the turns. See `engines.roles.Diarizer`."""
        return diarize(audio, speech, speakers, embed=embed, rules=self._rules, progress=progress)


def embed(waves: Sequence[Wave]) -> Vectors:
    """Return the voice of each wave (1.6 s at 16 kHz, shorter ones are repeated)."""
    frames = np.stack([_frames(wave) for wave in waves])
    weights = _weights()
    for layer in range(LAYERS):
        frames = _recur(frames, weights, layer)
    found = np.maximum(frames[:, -1] @ weights["linear.weight"].T + weights["linear.bias"], 0)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)


def _frames(wave: Wave) -> NDArray[np.float32]:
    """Return mel energies, (FRAMES, MELS)."""
    level = float(np.sqrt(np.mean(np.square(wave)))) if wave.size else 0.0
    padded = np.pad(wave * (LEVEL / level if level > 0 else 1.0), FFT // 2)
    views = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP]
    power = np.square(np.abs(np.fft.rfft(views * _hann(), axis=1)))
    bands = (power @ _mel_filters().T).astype(np.float32)
    times = -(-FRAMES // len(bands))
    return np.tile(bands, (times, 1))[:FRAMES]


def _recur(frames: NDArray[np.float32], weights: Weights, layer: int) -> NDArray[np.float32]:
    """Run one LSTM layer over (windows, frames, any) and return (windows, frames, SIZE)."""
    bias = weights[f"lstm.bias_ih_l{layer}"] + weights[f"lstm.bias_hh_l{layer}"]
    given = frames @ weights[f"lstm.weight_ih_l{layer}"].T + bias
    back = np.ascontiguousarray(weights[f"lstm.weight_hh_l{layer}"].T)
    state = np.zeros((len(frames), SIZE), np.float32)
    memory = np.zeros_like(state)
    found = np.empty((len(frames), frames.shape[1], SIZE), np.float32)
    for step in range(frames.shape[1]):
        gates: NDArray[Any] = given[:, step] + state @ back
        enter, forget, new, leave = np.split(gates, 4, axis=1)
        memory = _sigmoid(forget) * memory + _sigmoid(enter) * np.tanh(new)
        state = _sigmoid(leave) * np.tanh(memory)
        found[:, step] = state
    return found


def _sigmoid(x: NDArray[Any]) -> NDArray[Any]:
    return 0.5 * (1 + np.tanh(0.5 * x))


@cache
def _hann() -> NDArray[np.float32]:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)).astype(np.float32)


@cache
def _mel_filters() -> NDArray[np.float32]:
    """Return triangles of equal area on Slaney's mel scale, (MELS, bins), 0-8000 Hz."""
    top = 15.0 + 27.0 * log(8.0) / log(6.4)  # mels of 8000 Hz: linear to 1 kHz, then log
    mels: NDArray[np.float64] = np.linspace(0.0, top, MELS + 2)
    log_part = 1000.0 * np.exp((mels - 15.0) * log(6.4) / 27.0)
    hz: NDArray[np.float64] = np.where(mels < 15.0, mels * 200.0 / 3.0, log_part)
    bins: NDArray[np.float64] = np.linspace(0.0, RATE_HZ / 2, FFT // 2 + 1)
    rising = (bins - hz[:-2, None]) / np.diff(hz)[:-1, None]
    falling = (hz[2:, None] - bins) / np.diff(hz)[1:, None]
    area = (2.0 / (hz[2:] - hz[:-2]))[:, None]
    return (np.maximum(0.0, np.minimum(rising, falling)) * area).astype(np.float32)


@cache
def _weights() -> Weights:
    return load_file(own_file(FILE))
