"""JoyVASA: from speech to LivePortrait's motion, by a diffusion transformer.

Cao et al. 2024, "JoyVASA" (arXiv 2411.09209); parameters are named as in
https://github.com/jdh-algo/JoyVASA (MIT). HuBERT hears the speech; windows of 100 frames at 25 a second
are drawn from noise, each beginning with the last 10 frames of the one before. The network predicts the
clean motion, so a walk of few steps (DDIM, Song et al. 2020, arXiv 2010.02502) is as valid as the official
one of all 500.

Parity with it at 74290f6 (transformers 5.24, torch 2.13, CPU, float32), equal random weights (seed 7),
34.7 million parameters, inputs of seed 3, all keys and shapes equal: the largest difference is 0 for one
pass of the denoiser (peak 2.9), 3.0e-6 for a walk of all steps of a schedule of 20 with the same noise
(peak 4.7), and 0 for the features of a window of sound with a HuBERT of three layers (peak 3.5).
"""

# torch leaves the types of chunk and expand unknown.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RATE_HZ, FPS = 16_000, 25
MOTION = 70  # numbers a frame: 63 of expression, scale, 3 of shift, pitch, yaw, roll
LENGTH, BEFORE, STEPS = 100, 10, 500
PLACES = 600
HEARD_HZ = 50  # features of HuBERT a second
UNIT, SPARE = 320, 80  # samples of a feature, and what a window needs beyond


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The size of the network; the published one by default."""

    heard: int = 768  # width of HuBERT
    width: int = 512
    heads: int = 8
    layers: int = 8
    steps: int = STEPS


@dataclass(frozen=True, slots=True)
class Past:
    """What the next window begins with: (1, 10, 70) of motion and (1, 10, width) of sound."""

    motion: Tensor
    sound: Tensor


class Positions(nn.Module):
    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        speeds = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
        angles = torch.arange(count)[:, None] * speeds
        self.register_buffer("pe", torch.stack([angles.sin(), angles.cos()], -1).flatten(1)[None])


class Denoiser(nn.Module):
    """(batch, 110, 70) of noisy motion and (batch, 110, width) of sound to the clean motion."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.TE, self.PE = Positions(shape.steps + 1, width), Positions(PLACES, width)
        self.diff_step_map = nn.Sequential(
            nn.Linear(width, width), nn.GELU(), nn.Linear(width, width)
        )
        self.feature_proj = nn.Linear(MOTION, width)
        layer = nn.TransformerDecoderLayer(
            width, shape.heads, 4 * width, activation="gelu", batch_first=True
        )
        self.transformer = nn.TransformerDecoder(layer, shape.layers)
        mask = ~torch.eye(BEFORE + LENGTH, dtype=torch.bool)  # a frame hears its own sound alone
        self.register_buffer("alignment_mask", mask)
        self.motion_dec = nn.Sequential(
            nn.Linear(width, width // 2), nn.GELU(), nn.Linear(width // 2, MOTION)
        )

    def forward(self, motion: Tensor, sound: Tensor, step: Tensor) -> Tensor:
        places = self.PE.get_buffer("pe")[:, : motion.shape[1]]
        when = self.diff_step_map(self.TE.get_buffer("pe")[0, step])[:, None]
        x = self.feature_proj(motion) + places + when
        mask = self.get_buffer("alignment_mask")
        return self.motion_dec(self.transformer(x, sound, memory_mask=mask))


class Schedule(nn.Module):
    """The cosine schedule, and what the published checkpoint holds of it."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        at = torch.arange(steps + 1) / steps
        bars = torch.cos((at + 0.008) / 1.008 * math.pi / 2).square()
        betas = F.pad((1 - bars[1:] / bars[:-1]).clip(1e-4, 0.999), (1, 0))
        bars = torch.cumprod(1 - betas, 0)
        before = F.pad(bars[:-1], (1, 0), value=1.0)
        small = ((1 - before) / (1 - bars) * betas).nan_to_num(0.0)
        self.register_buffer("betas", betas)
        self.register_buffer("alphas", 1 - betas)
        self.register_buffer("alpha_bars", bars)
        self.register_buffer("sigmas_flex", betas.sqrt())
        self.register_buffer("sigmas_inflex", small.sqrt())


class Motion(nn.Module):
    """All of it but HuBERT."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.steps = shape.steps
        self.audio_feature_map = nn.Linear(shape.heard, shape.width)
        self.start_audio_feat = nn.Parameter(torch.zeros(1, BEFORE, shape.width))
        self.start_motion_feat = nn.Parameter(torch.zeros(1, BEFORE, MOTION))
        self.null_audio_feat = nn.Parameter(torch.zeros(1, 1, shape.width))
        self.denoising_net = Denoiser(shape)
        self.diffusion_sched = Schedule(shape.steps)

    def start(self) -> Past:
        """Return what the first window begins with."""
        return Past(self.start_motion_feat, self.start_audio_feat)

    def listen(self, hubert: Any, wave: Tensor) -> Tensor:
        """Return the sound of a window, (1, 100, width).

        Args:
            hubert: transformers' `HubertModel`.
            wave: (1, 64000) at 16 kHz.
        """
        features: Tensor = hubert.feature_extractor(_padded(wave))[..., : 4 * LENGTH]
        features = F.interpolate(features, size=2 * LENGTH, mode="linear")
        hidden = hubert.encoder(hubert.feature_projection(features.transpose(1, 2)))[0]
        heard = F.interpolate(hidden.transpose(1, 2), size=LENGTH, mode="linear")
        return self.audio_feature_map(heard.transpose(1, 2))

    def walk(
        self,
        sound: Tensor,
        past: Past,
        noise: Tensor,
        chance: torch.Generator,
        *,
        steps: int,
        guidance: float,
    ) -> Tensor:
        """Draw the motion of a window, (1, 100, 70).

        Args:
            sound: (1, 100, width).
            past: what the window begins with.
            noise: (1, 100, 70), where the walk begins.
            chance: on the CPU; gives the noise of every step, so the same seed walks the same way.
            steps: how many, evenly spread over the official ones.
            guidance: how much more than without it the sound counts; 1: as trained.
        """
        none = self.null_audio_feat.expand(1, LENGTH, -1)
        heard = torch.cat([past.sound.expand(2, -1, -1), torch.cat([none, sound])], 1)
        bars, motion = self.diffusion_sched.get_buffer("alpha_bars"), noise
        times = torch.linspace(self.steps, 0, steps + 1).round().long().tolist()
        for now, after in pairwise(times):
            given = torch.cat([past.motion, motion], 1).expand(2, -1, -1)
            step = torch.tensor([now, now], device=motion.device)
            free, bound = self.denoising_net(given, heard, step)[:, -LENGTH:].chunk(2)
            clean = free + guidance * (bound - free)
            here, there = bars[now], bars[after]
            left = (motion - here.sqrt() * clean) / (1 - here).sqrt()
            new = (1 - there) / (1 - here) * (1 - here / there)
            motion = there.sqrt() * clean + (1 - there - new).clamp(min=0).sqrt() * left
            if after:
                drawn = torch.randn(motion.shape, generator=chance)
                motion = motion + new.sqrt() * drawn.to(motion)
        return motion


def _padded(wave: Tensor) -> Tensor:
    """Return the window, mirrored twice over both ends, as long as its features need it."""
    length = wave.shape[1]
    half = math.ceil((UNIT * (length // UNIT) + SPARE - length) / 2) // 2
    for _ in range(2 if half > 0 else 0):
        wave = F.pad(wave, (half, half), mode="reflect")
    return wave
