"""Small filters on arrays of float32, (height, width) or (height, width, channels)."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]


def floats(values: Any) -> Floats:
    """Return them as float32, copied only if they are not."""
    return np.asarray(values, np.float32)


def box(values: Any, radius_px: float) -> Floats:
    """Return the mean of the square around each place; as fast at any radius."""
    import cv2  # noqa: PLC0415 - heavy

    side = 2 * max(0, round(radius_px)) + 1
    return floats(cv2.blur(values, (side, side), borderType=cv2.BORDER_REPLICATE))


def soft(values: Any, sigma_px: float) -> Floats:
    """Return them blurred, by three boxes in place of a Gaussian: as fast at any size."""
    radius = 0.5 * float(np.sqrt(4 * sigma_px**2 + 1)) - 0.5
    return box(box(box(values, radius), radius), radius) if round(radius) else floats(values)


def resized(values: Any, width_px: int, height_px: int) -> Floats:
    """Return them at another size: areas averaged where it is smaller, lines between where larger."""
    import cv2  # noqa: PLC0415 - heavy

    smaller = width_px < values.shape[1] or height_px < values.shape[0]
    way = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return floats(cv2.resize(values, (width_px, height_px), interpolation=way))


def fitted(width_px: int, height_px: int, longest_px: int) -> tuple[int, int]:
    """Return the width and height of the same shape whose longer side is `longest_px` at most."""
    scale = min(1.0, longest_px / max(width_px, height_px))
    return max(2, round(width_px * scale)), max(2, round(height_px * scale))
