"""What the puppet's parts share: the portrait, its points, and small tools for masks and fields."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.roles import Picture

Floats = NDArray[np.float32]

GRID_PX = 8  # fields are computed on this grid, and enlarged


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of the picture, in whole pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    def of(self, picture: Picture) -> Picture:
        """Return that part of a picture, as a view."""
        return picture[self.top : self.bottom, self.left : self.right]

    def grid(self) -> tuple[Floats, Floats]:
        """Return x and y of the nodes of a coarse grid over the window."""
        x = np.arange(self.left, self.right + GRID_PX, GRID_PX, dtype=np.float32)
        y = np.arange(self.top, self.bottom + GRID_PX, GRID_PX, dtype=np.float32)
        xs, ys = np.meshgrid(x, y)
        return xs, ys

    def fine(self, field: Floats) -> Floats:
        """Enlarge a field on `grid` to the window's pixels, (height, width)."""
        turn = np.array([[1 / GRID_PX, 0, 0], [0, 1 / GRID_PX, 0]], np.float32)
        enlarged = cv2.warpAffine(
            field.astype(np.float32),
            turn,
            (self.width, self.height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(enlarged, np.float32)

    def mask(self, contour: Floats, soft_px: float = 0.0) -> Floats:
        """Return (height, width, 1), 1 inside a closed contour given in the picture's pixels."""
        drawn: NDArray[Any] = np.zeros((self.height, self.width), np.uint8)
        shifted = np.round((contour - (self.left, self.top)) * 16).astype(np.int32)
        cv2.fillPoly(drawn, [shifted], 255, cv2.LINE_AA, 4)
        if soft_px > 0:
            drawn = cv2.GaussianBlur(drawn, (0, 0), soft_px)
        return (drawn.astype(np.float32) / 255.0)[..., None]


def window_around(
    centre: Floats, reach: tuple[float, float, float, float], picture: Picture
) -> Window:
    """Return the window that reaches that far (left, up, right, down), within the picture."""
    height, width = picture.shape[:2]
    x, y = float(centre[0]), float(centre[1])
    left, up, right, down = reach
    return Window(
        int(np.clip(x - left, 0, width - 1)),
        int(np.clip(y - up, 0, height - 1)),
        int(np.clip(x + right, 1, width)),
        int(np.clip(y + down, 1, height)),
    )


def smooth_step(x: Floats) -> Floats:
    """Return 0 below 0, 1 above 1, eased between."""
    clipped = np.clip(x, 0, 1)
    return (clipped * clipped * (3 - 2 * clipped)).astype(np.float32)


def warp(picture: Picture, x: Floats, y: Floats) -> Picture:
    """Return the picture read at those places."""
    moved = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, np.uint8)
