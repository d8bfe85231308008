"""What MuseTalk hears: Whisper's states on the clock of the film.

As `musetalk/utils/audio_processor.py` of https://github.com/TMElyralab/MuseTalk has it, but by each
frame's own time stamp: there the rate is cut to a whole number, and a film of 29.97 drifts.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.networks import device_of
from media.audio import Audio

if TYPE_CHECKING:
    import torch

RATE_HZ = 16_000
PIECE_S = 30
STEPS_A_SECOND = 50
STEPS = 10  # that one frame hears
STEPS_BEFORE, STEPS_AFTER = 2, 6  # of silence, in frames


def hear(speech: Audio, extractor: Any, encoder: Any) -> "torch.Tensor":
    """Return all states of Whisper's encoder, (steps, layers + 1, width), 50 steps a second.

    Args:
        speech: (1, samples).
        extractor: a `WhisperFeatureExtractor`.
        encoder: a `WhisperEncoder`.
    """
    import torch  # noqa: PLC0415 - heavy

    wave = speech.mono().resampled(RATE_HZ).samples[0]
    wave = np.pad(wave, (0, max(0, RATE_HZ // STEPS_A_SECOND - wave.size)))  # one step or more
    weight = next(encoder.parameters())
    heard: list[torch.Tensor] = []
    for start in range(0, wave.size, PIECE_S * RATE_HZ):
        piece = wave[start : start + PIECE_S * RATE_HZ]
        mel = extractor(piece, sampling_rate=RATE_HZ, return_tensors="pt").input_features
        with torch.inference_mode():
            states = encoder(
                mel.to(device_of(encoder), weight.dtype), output_hidden_states=True
            ).hidden_states
        heard.append(torch.stack(states, dim=2)[0])
    return torch.cat(heard)[: wave.size * STEPS_A_SECOND // RATE_HZ]


def prompts(states: "torch.Tensor", times_s: Sequence[Fraction]) -> "torch.Tensor":
    """Return what each frame hears, with the positions added: (frames, 10 (layers + 1), width).

    Args:
        states: (steps, layers + 1, width), 50 steps a second.
        times_s: when each frame is shown.
    """
    import torch  # noqa: PLC0415 - heavy

    pad = math.ceil(STEPS_A_SECOND * _spacing_s(times_s))
    firsts = [math.floor(at_s * STEPS_A_SECOND) for at_s in times_s]
    before, last = STEPS_BEFORE * pad, max(firsts, default=0) + STEPS
    after = max(STEPS_AFTER * pad, last - before - len(states))
    zeros = states.new_zeros((1, *states.shape[1:]))
    padded = torch.cat([zeros.repeat(before, 1, 1), states, zeros.repeat(after, 1, 1)])
    near = torch.tensor(firsts)[:, None] + torch.arange(STEPS)
    heard = padded[near.to(states.device)].flatten(1, 2)
    return heard + _positions(heard.shape[1], heard.shape[2]).to(heard)


def _spacing_s(times_s: Sequence[Fraction]) -> Fraction:
    """Return how long a frame lasts."""
    if len(times_s) < 2 or times_s[-1] <= times_s[0]:
        return Fraction(1, 25)
    return (times_s[-1] - times_s[0]) / (len(times_s) - 1)


def _positions(steps: int, width: int) -> "torch.Tensor":
    """Return the sines and cosines of Vaswani et al. 2017, (steps, width)."""
    import torch  # noqa: PLC0415 - heavy

    slow = torch.exp(torch.arange(0, width, 2).float() * (-math.log(10000.0) / width))
    angle = torch.arange(steps, dtype=torch.float)[:, None] * slow
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)
