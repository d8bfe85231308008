"""LivePortrait's F and W: a picture's feature volume, and the volume moved by key points.

Guo et al. 2024, "LivePortrait" (arXiv 2407.03168); parameters are named as in
https://github.com/KwaiVGI/LivePortrait (MIT), for whose code the published checkpoints were trained.

Parity with it at 1986663 (torch 2.13, CPU, float32), equal random weights (seed 7: matrices of variance
1/fan-in, running variances 0.5 to 1.5), all keys and shapes equal, input of seed 3: the largest
difference is 0 for F (0.84 million parameters, peak 2.4) and 1.6e-5 for W (45.53 million, peak 1.4).
"""

# torch leaves the types of unflatten, view and meshgrid unknown.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

POINTS = 21  # implicit key points
SHARPNESS = -0.5 / 0.01  # of the heat around a key point: its variance is 0.01
FLOW_WIDTH, FLOW_MOST, FLOW_LEVELS, COMPRESSED = 32, 1024, 5, 4  # of the flow's network


@dataclass(frozen=True, slots=True)
class Widths:
    """How large the networks are: the published sizes, or those divided by `narrow` (up to 16)."""

    narrow: int = 1

    def of(self, published: int) -> int:
        """Return a published number of channels, divided."""
        return max(1, published // self.narrow)

    @property
    def depth(self) -> int:
        """How deep the volume is."""
        return max(4, 16 // self.narrow)

    @property
    def seen_px(self) -> int:
        """The side of what the networks see; the generator makes twice that."""
        return max(128, 256 // self.narrow)


class ConvBlock(nn.Module):
    """Convolution, batch norm, ReLU; halves (or doubles) height and width after (or before) it."""

    def __init__(
        self, cin: int, cout: int, dims: int = 2, *, down: bool = False, up: bool = False
    ) -> None:
        super().__init__()
        self.conv = (nn.Conv2d if dims == 2 else nn.Conv3d)(cin, cout, 3, padding=1)
        self.norm = (nn.BatchNorm2d if dims == 2 else nn.BatchNorm3d)(cout)
        self.dims, self.down, self.up, self.leak = dims, down, up, 0.0

    def forward(self, x: Tensor) -> Tensor:
        if self.up:
            x = F.interpolate(x, scale_factor=(1, 2, 2))
        x = F.leaky_relu(self.norm(self.conv(x)), self.leak)
        if self.down:
            x = F.avg_pool2d(x, 2) if self.dims == 2 else F.avg_pool3d(x, (1, 2, 2))
        return x


class ResBlock3d(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv3d(channels, channels, 3, padding=1)
        self.norm1, self.norm2 = nn.BatchNorm3d(channels), nn.BatchNorm3d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.relu(self.norm1(x)))
        return x + self.conv2(F.relu(self.norm2(y)))


class AppearanceExtractor(nn.Module):
    """F: (batch, 3, 256, 256) in 0..1 to (batch, 32, 16, 64, 64)."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        base, self.volume = widths.of(64), widths.of(32)
        self.first = ConvBlock(3, base)
        self.down_blocks = nn.ModuleList(
            [ConvBlock(base, 2 * base, down=True), ConvBlock(2 * base, 4 * base, down=True)]
        )
        self.second = nn.Conv2d(4 * base, widths.depth * self.volume, 1)
        self.resblocks_3d = nn.Sequential()
        for place in range(6):
            self.resblocks_3d.add_module(f"3dr{place}", ResBlock3d(self.volume))

    def forward(self, picture: Tensor) -> Tensor:
        x = self.first(picture)
        for block in self.down_blocks:
            x = block(x)
        return self.resblocks_3d(self.second(x).unflatten(1, (self.volume, -1)))


class Encoder(nn.Module):
    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.down_blocks = nn.ModuleList(
            [ConvBlock(a, b, 3, down=True) for a, b in pairwise(widths)]
        )


class Decoder(nn.Module):
    def __init__(self, widths: list[int], cin: int) -> None:
        super().__init__()
        deepest = len(widths) - 2
        self.up_blocks = nn.ModuleList(
            [
                ConvBlock(widths[i + 1] * (1 if i == deepest else 2), widths[i], 3, up=True)
                for i in range(deepest, -1, -1)
            ]
        )
        self.out = widths[0] + cin
        self.conv = nn.Conv3d(self.out, self.out, 3, padding=1)
        self.norm = nn.BatchNorm3d(self.out)


class Hourglass(nn.Module):
    """A U-net over height and width; depth stays."""

    def __init__(self, cin: int, base: int, most: int) -> None:
        super().__init__()
        widths = [min(most, base * 2**level) for level in range(FLOW_LEVELS + 1)]
        self.encoder = Encoder([cin, *widths[1:]])
        self.decoder = Decoder(widths, cin)

    def forward(self, x: Tensor) -> Tensor:
        skips = [x]
        for block in self.encoder.down_blocks:
            skips.append(block(skips[-1]))
        x = skips.pop()
        for block in self.decoder.up_blocks:
            x = torch.cat([block(x), skips.pop()], 1)
        return F.relu(self.decoder.norm(self.decoder.conv(x)))


class DenseMotion(nn.Module):
    """From key points to where each place of the volume comes from, and what is hidden."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        few = widths.of(COMPRESSED)
        cin = (POINTS + 1) * (few + 1)
        self.hourglass = Hourglass(cin, widths.of(FLOW_WIDTH), widths.of(FLOW_MOST))
        out = self.hourglass.decoder.out
        self.mask = nn.Conv3d(out, POINTS + 1, 7, padding=3)
        self.compress = nn.Conv3d(widths.of(32), few, 1)
        self.norm = nn.BatchNorm3d(few)
        self.occlusion = nn.Conv2d(widths.depth * out, 1, 7, padding=3)

    def forward(self, volume: Tensor, driving: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
        x = F.relu(self.norm(self.compress(volume)))
        batch, channels, *size = x.shape
        still = _grid(size, driving).expand(batch, 1, *size, 3)
        there, here = (each.view(batch, POINTS, 1, 1, 1, 3) for each in (driving, source))
        flows = torch.cat([still, still - there + here], 1)  # the first: the background stays
        heat = _heat(still - there) - _heat(still - here)
        heat = F.pad(heat, (0, 0, 0, 0, 0, 0, 1, 0)).unsqueeze(2)
        copies = x.unsqueeze(1).expand(batch, POINTS + 1, channels, *size).flatten(0, 1)
        moved = F.grid_sample(copies, flows.flatten(0, 1), align_corners=False)
        moved = moved.view(batch, POINTS + 1, channels, *size)
        y = self.hourglass(torch.cat([heat, moved], 2).flatten(1, 2))
        shares = self.mask(y).softmax(1)
        flow = (flows * shares.unsqueeze(-1)).sum(1)
        return flow, self.occlusion(y.flatten(1, 2)).sigmoid()


class Warp(nn.Module):
    """W: a volume and key points (batch, 21, 3) to (batch, 256, 64, 64) for the generator."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        out = widths.of(256)
        self.dense_motion_network = DenseMotion(widths)
        self.third = ConvBlock(widths.depth * widths.of(32), out)
        self.third.leak = 0.01
        self.fourth = nn.Conv2d(out, out, 1)

    def forward(self, volume: Tensor, driving: Tensor, source: Tensor) -> Tensor:
        flow, seen = self.dense_motion_network(volume, driving, source)
        x = F.grid_sample(volume, flow, align_corners=False)
        return self.fourth(self.third(x.flatten(1, 2))) * seen


def _grid(size: list[int], like: Tensor) -> Tensor:
    """Return x, y, z of each place in -1..1: (depth, height, width, 3)."""
    axes = [torch.linspace(-1, 1, n, dtype=like.dtype, device=like.device) for n in size]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    return torch.stack([x, y, z], -1)


def _heat(away: Tensor) -> Tensor:
    return torch.exp(SHARPNESS * away.square().sum(-1))
