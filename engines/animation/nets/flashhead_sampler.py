"""How SoulX-FlashHead films a portrait: chunk by chunk, in few steps, each from the end of the last.

After `flash_head_pipeline.py` of https://github.com/Soul-AILab/SoulX-FlashHead (Apache-2.0).

Parity with the official pipeline at 12467ce in its streaming mode (CPU, float32, equal random weights of
the seeds 11, 12 and 13, equal noise, 64 pixels, four steps, three chunks, 3.2 s of sound): what is
heard is equal to the last bit; frames differ in 7e-5 of their values, by one level of 255 (their spread
is 45 levels). The colour match alone: 1.3e-6.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engines.animation.nets.colours import matched
from engines.animation.nets.flashhead import FlashHead
from engines.networks import device_of
from engines.roles import Picture

CHUNK, CARRIED = 33, 5  # frames that are filmed together; of these so many are those before
FRESH = CHUNK - CARRIED
SHIFT = 5.0  # of the times toward noise
TIMES = {2: (1.0, 0.5), 4: (1.0, 0.75, 0.5, 0.25)}  # number of steps -> where they begin

Draw: TypeAlias = Callable[[tuple[int, ...]], Tensor]
"""Gives noise of a size, float32."""
Frames: TypeAlias = NDArray[np.uint8]
"""(frames, height, width, 3) uint8."""


def times(steps: int) -> list[float]:
    """Return where the steps begin, and 0; 1 is noise."""
    return [SHIFT * at / (1 + (SHIFT - 1) * at) for at in (*TIMES[steps], 0.0)]


class Sampler:
    """One portrait in front of the networks.

    Args:
        transformer: draws latents.
        vae: Wan 2.1's; it turns 1 + 4 n frames into 1 + n latents, and back.
        portrait: (size, size, 3), a multiple of 16.
        steps: of a chunk, a key of `TIMES`.
    """

    @torch.inference_mode()
    def __init__(
        self, transformer: FlashHead, vae: Any, portrait: Picture, *, steps: int = 4
    ) -> None:
        self._transformer, self._vae, self._steps = transformer, vae, steps
        self._portrait = self._pixels([portrait])
        self._reference = self._encoded(self._portrait.expand(-1, CHUNK, -1, -1))
        self._motion = self._reference[:, :1]

    @torch.inference_mode()
    def go_on_from(self, frames: Sequence[Picture]) -> None:
        """Let the next chunk follow those frames, `CARRIED` of them, (size, size, 3) each."""
        self._motion = self._encoded(self._pixels(frames))

    @torch.inference_mode()
    def film(self, heard: Tensor, draw: Draw) -> Frames:
        """Return the next `FRESH` frames.

        Args:
            heard: (CHUNK, window, layers, channels), what was heard around each frame, the carried
                ones first.
            draw: makes the noise.
        """
        latent = self._latent(heard, draw)
        decoded = self._decoded(latent).transpose(0, 1)  # (frames, 3, height, width), -1 to 1
        kept = matched((decoded + 1) / 2, ((self._portrait + 1) / 2)[:, 0])
        self._motion = self._encoded((kept[-CARRIED:] * 2 - 1).transpose(0, 1))
        shown = (kept[CARRIED:] * 255).permute(0, 2, 3, 1).byte().cpu().numpy()
        return np.asarray(shown, np.uint8)

    def _latent(self, heard: Tensor, draw: Draw) -> Tensor:
        """Return the chunk's latent: at each step a guess of the picture, and less noise over it."""
        where, carried = self._reference.device, self._motion.shape[1]
        x = draw(tuple(self._reference.shape)).to(where)
        for now, then in pairwise(times(self._steps)):
            x[:, :carried] = self._motion
            guess = x - now * self._transformer(x, 1000 * now, heard, self._reference)
            x = (1 - then) * guess
            if then:
                x += then * draw(tuple(x.shape)).to(where)
        x[:, :carried] = self._motion
        return x

    def _pixels(self, pictures: Sequence[Picture]) -> Tensor:
        """Return (3, frames, height, width), -1 to 1, where the networks are."""
        pixels = torch.from_numpy(np.stack(pictures)).to(device_of(self._vae), torch.float32)
        return (pixels / 255 - 0.5).permute(3, 0, 1, 2) * 2

    def _encoded(self, pixels: Tensor) -> Tensor:
        """Return (channels, latents, height / 8, width / 8), float32."""
        found = self._vae.encode(pixels[None].to(self._vae.dtype)).latent_dist.mode()[0].float()
        mean, spread = self._scale(found)
        return (found - mean) / spread

    def _decoded(self, latent: Tensor) -> Tensor:
        """Return (3, frames, height, width), -1 to 1, float32."""
        mean, spread = self._scale(latent)
        return (
            self._vae.decode((latent * spread + mean)[None].to(self._vae.dtype)).sample[0].float()
        )

    def _scale(self, like: Tensor) -> tuple[Tensor, Tensor]:
        config = self._vae.config
        mean, spread = (
            like.new_tensor(each)[:, None, None, None]
            for each in (config.latents_mean, config.latents_std)
        )
        return mean, spread
