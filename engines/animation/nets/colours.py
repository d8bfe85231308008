"""Colours of frames brought back to those of a reference: endless films drift otherwise."""

import torch
from torch import Tensor

# CIE 1976 L*a*b* of sRGB under D65 (IEC 61966-2-1), with the digits of FlashHead's own match.
TO_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
FROM_XYZ = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)
WHITE = (0.95047, 1.0, 1.08883)
EPSILON, KAPPA = 0.008856, 903.3


def matched(frames: Tensor, reference: Tensor) -> Tensor:
    """Give every frame the mean and the spread of the reference's colours in Lab.

    Reinhard et al. 2001, "Color Transfer between Images", as FlashHead does after every chunk.

    Args:
        frames: (frames, 3, height, width), 0 to 1.
        reference: (3, height, width), 0 to 1.

    Returns:
        As `frames`.
    """
    lab, wanted = _lab(frames), _lab(reference[None])
    mean, spread = lab.mean((2, 3), keepdim=True), lab.std((2, 3), keepdim=True, unbiased=False)
    goal = wanted.mean((2, 3), keepdim=True)
    width = wanted.std((2, 3), keepdim=True, unbiased=False)
    return _rgb((lab - mean) * (width / spread.where(spread >= 1e-8, 1.0)) + goal)


def _lab(rgb: Tensor) -> Tensor:
    linear = (((rgb + 0.055) / 1.055) ** 2.4).where(rgb > 0.04045, rgb / 12.92)
    xyz = _mixed(linear, TO_XYZ) / _column(linear, WHITE)
    xyz = xyz.clamp(1e-8, 1.0)
    x, y, z = (xyz ** (1 / 3)).where(xyz > EPSILON, (KAPPA * xyz + 16) / 116).unbind(1)
    return _stack(116 * y - 16, 500 * (x - y), 200 * (y - z))


def _rgb(lab: Tensor) -> Tensor:
    light, a, b = lab.unbind(1)
    y = (light + 16) / 116
    x, z = a / 500 + y, y - b / 200
    x, z = ((each**3).where(each**3 > EPSILON, (116 * each - 16) / KAPPA) for each in (x, z))
    y = (y**3).where(light > KAPPA * EPSILON, light / KAPPA)
    xyz = _stack(x, y, z)
    linear = _mixed(xyz * _column(xyz, WHITE), FROM_XYZ)
    curved = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return curved.where(linear > 0.0031308, 12.92 * linear).clamp(0, 1)


def _mixed(pixels: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    return torch.einsum("fchw,dc->fdhw", pixels, pixels.new_tensor(matrix))


def _column(like: Tensor, values: tuple[float, ...]) -> Tensor:
    return like.new_tensor(values)[:, None, None]


def _stack(*channels: Tensor) -> Tensor:
    return torch.stack(channels, 1)
