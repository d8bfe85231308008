"""LivePortrait's G: a picture from the moved features, by spatially adaptive normalisation.

Park et al. 2019, "Semantic Image Synthesis with Spatially-Adaptive Normalization" (arXiv 1903.07291).
Parameters are named as in https://github.com/KwaiVGI/LivePortrait (MIT).

Parity with it at 1986663 (as told in `nets.liveportrait`): the largest difference is 0 (55.37 million
parameters).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.animation.nets.liveportrait import Widths

MIDDLE = 6


class SpectralConv(nn.Module):
    """A convolution whose weight is divided by its largest singular value, by stored vectors."""

    def __init__(self, cin: int, cout: int, size: int, *, bias: bool = True) -> None:
        super().__init__()
        self.weight_orig = nn.Parameter(torch.randn(cout, cin, size, size) / (cin * size**2) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(cout)) if bias else None
        self.register_buffer("weight_u", F.normalize(torch.randn(cout), dim=0))
        self.register_buffer("weight_v", F.normalize(torch.randn(cin * size**2), dim=0))
        self.padding = size // 2

    def forward(self, x: Tensor) -> Tensor:
        left, right = self.get_buffer("weight_u"), self.get_buffer("weight_v")
        largest = left.dot(self.weight_orig.flatten(1).mv(right))
        return F.conv2d(x, self.weight_orig / largest, self.bias, padding=self.padding)


class Spade(nn.Module):
    """Instance norm whose scale and shift are painted by the features."""

    def __init__(self, channels: int, label: int, hidden: int) -> None:
        super().__init__()
        self.mlp_shared = nn.Sequential(nn.Conv2d(label, hidden, 3, padding=1), nn.ReLU())
        self.mlp_gamma = nn.Conv2d(hidden, channels, 3, padding=1)
        self.mlp_beta = nn.Conv2d(hidden, channels, 3, padding=1)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        y = self.mlp_shared(F.interpolate(features, size=x.shape[2:], mode="nearest"))
        return F.instance_norm(x) * (1 + self.mlp_gamma(y)) + self.mlp_beta(y)


class SpadeBlock(nn.Module):
    def __init__(self, cin: int, cout: int, label: int, hidden: int) -> None:
        super().__init__()
        middle = min(cin, cout)
        self.conv_0 = SpectralConv(cin, middle, 3)
        self.conv_1 = SpectralConv(middle, cout, 3)
        self.norm_0, self.norm_1 = Spade(cin, label, hidden), Spade(middle, label, hidden)
        self.changes = cin != cout
        if self.changes:
            self.conv_s = SpectralConv(cin, cout, 1, bias=False)
            self.norm_s = Spade(cin, label, hidden)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        skip = self.conv_s(self.norm_s(x, features)) if self.changes else x
        y = self.conv_0(F.leaky_relu(self.norm_0(x, features), 0.2))
        return skip + self.conv_1(F.leaky_relu(self.norm_1(y, features), 0.2))


class Generator(nn.Module):
    """G: (batch, 256, 64, 64) to (batch, 3, 512, 512) in 0..1."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        label, out, hidden = widths.of(256), widths.of(64), widths.of(128)
        self.fc = nn.Conv2d(label, 2 * label, 3, padding=1)
        for place in range(MIDDLE):
            self.add_module(f"G_middle_{place}", SpadeBlock(2 * label, 2 * label, label, hidden))
        self.up_0 = SpadeBlock(2 * label, label, label, hidden)
        self.up_1 = SpadeBlock(label, out, label, hidden)
        self.conv_img = nn.Sequential(nn.Conv2d(out, 12, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, features: Tensor) -> Tensor:
        x = self.fc(features)
        for place in range(MIDDLE):
            x = self.get_submodule(f"G_middle_{place}")(x, features)
        x = self.up_0(F.interpolate(x, scale_factor=2), features)
        x = self.up_1(F.interpolate(x, scale_factor=2), features)
        return self.conv_img(F.leaky_relu(x, 0.2)).sigmoid()
