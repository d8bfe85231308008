"""LivePortrait's M and S: a face's key points, pose and expression, and the small networks that fit them.

M is a ConvNeXt V2 (Woo et al. 2023, arXiv 2301.00808; its tiny size) with seven heads. Parameters are
named as in https://github.com/KwaiVGI/LivePortrait (MIT).

Parity with it at 1986663 (as told in `nets.liveportrait`): the largest difference of M (28.12 million
parameters) is 8.3e-7 for key points and expression (peak 2.8) and 7.6e-6 degrees for angles; that of S,
stitching (0.045 million), lips (0.037) and eyes (0.145), is 0.
"""

from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.animation.nets.liveportrait import POINTS, Widths

BINS = 66  # of an angle, 3 degrees each
DEPTHS, CHANNELS = (3, 3, 9, 3), (96, 192, 384, 768)
HEADS = {
    "kp": 3 * POINTS, "scale": 1, "pitch": BINS, "yaw": BINS, "roll": BINS, "t": 3,
    "exp": 3 * POINTS,
}  # fmt: skip
STITCHING, LIPS, EYES = (126, 65), (65, 63), (66, 63)  # in, out
HIDDEN, HIDDEN_EYES = (128, 128, 64), (256, 256, 128, 128, 64)


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of (batch, channels, height, width)."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - named so in torch
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ResponseNorm(nn.Module):
    """Global response normalisation of (batch, height, width, channels)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, channels))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, channels))

    def forward(self, x: Tensor) -> Tensor:
        size = cast("Tensor", torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True))
        return self.gamma * (x * (size / (size.mean(-1, keepdim=True) + 1e-6))) + self.beta + x


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.grn = ResponseNorm(4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        y = self.pwconv2(self.grn(F.gelu(self.pwconv1(y))))
        return x + y.permute(0, 3, 1, 2)


class Detector(nn.Module):
    def __init__(self, widths: Widths) -> None:
        super().__init__()
        dims = [widths.of(each) for each in CHANNELS]
        first = nn.Sequential(nn.Conv2d(3, dims[0], 4, 4), ChannelNorm(dims[0], eps=1e-6))
        halvings = [
            nn.Sequential(ChannelNorm(a, eps=1e-6), nn.Conv2d(a, b, 2, 2))
            for a, b in pairwise(dims)
        ]
        self.downsample_layers = nn.ModuleList([first, *halvings])
        self.stages = nn.ModuleList(
            [
                nn.Sequential(*[Block(channels) for _ in range(depth)])
                for depth, channels in zip(DEPTHS, dims, strict=True)
            ]
        )
        self.norm = nn.LayerNorm(dims[-1], eps=1e-6)
        for name, size in HEADS.items():
            self.add_module(f"fc_{name}", nn.Linear(dims[-1], size))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        for down, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(down(x))
        x = self.norm(x.mean((-2, -1)))
        return {name: self.get_submodule(f"fc_{name}")(x) for name in HEADS}


class MotionExtractor(nn.Module):
    """M: (batch, 3, 256, 256) in 0..1 to what `HEADS` lists, angles in degrees: (batch, 1)."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.detector = Detector(widths)

    def forward(self, picture: Tensor) -> dict[str, Tensor]:
        found = self.detector(picture)
        return found | {name: degrees(found[name]) for name in ("pitch", "yaw", "roll")}


class Fitting(nn.Module):
    """S: a small network on key points; stitching, lips and eyes are three of them."""

    def __init__(self, ends: tuple[int, int], hidden: tuple[int, ...], widths: Widths) -> None:
        super().__init__()
        sizes = [ends[0], *(widths.of(each) for each in hidden)]
        layers: list[nn.Module] = []
        for a, b in pairwise(sizes):
            layers += [nn.Linear(a, b), nn.ReLU()]
        self.mlp = nn.Sequential(*layers, nn.Linear(sizes[-1], ends[1]))

    def forward(self, x: Tensor) -> Tensor:
        return self.mlp(x)


def fittings(widths: Widths) -> nn.ModuleDict:
    """Return S by the names of the published checkpoint."""
    return nn.ModuleDict(
        {
            "retarget_shoulder": Fitting(STITCHING, HIDDEN, widths),
            "retarget_mouth": Fitting(LIPS, HIDDEN, widths),
            "retarget_eye": Fitting(EYES, HIDDEN_EYES, widths),
        }
    )


def degrees(bins: Tensor) -> Tensor:
    """Return the expected angle of (batch, 66) logits, (batch, 1)."""
    steps = torch.arange(BINS, device=bins.device, dtype=torch.float32)
    return (bins.float().softmax(1) * steps).sum(1, keepdim=True) * 3 - 97.5
