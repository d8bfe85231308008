"""A square part of a picture as networks take it, and the way back: exact outside of it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.animation.rig import Floats, smooth_step
from engines.roles import Face, Picture
from media.pictures import PasteBack

LEAST_ROOM = 1.25  # of the square over the face, however small the picture
LEAST_ERROR = 255**2 / 10**9.9  # mean square of what counts as the same: 99 dB
FADE = 0.07  # share of the square in which what is pasted fades into the picture

Turn = NDArray[np.float64]
"""(2, 3), an affine map of pixels."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A square part of a picture, upright or turned; beyond the picture its edges go on."""

    turn: Turn  # from the picture's pixels to the crop's
    size_px: int  # of the crop's sides

    def cut(self, picture: Picture) -> Picture:
        """Return the part, (size, size, 3)."""
        return _moved(picture, self.turn, (self.size_px, self.size_px))

    def onto(self, picture: Picture, mask: Floats | None = None) -> Callable[[Picture], Picture]:
        """Return what pastes patches of the crop's size: it gives copies of `picture`.

        Args:
            picture: that it was cut from, (height, width, 3).
            mask: (size, size), how much of a patch is seen, 0 to 1; None: all of it but a border,
                where the picture goes on.
        """
        height, width = picture.shape[:2]
        back = np.asarray(cv2.invertAffineTransform(self.turn), np.float64)
        corners = self._corners(back)
        left, top = np.maximum(np.floor(corners.min(axis=0) + 0.5), 0).astype(int)
        right, bottom = np.maximum(np.ceil(corners.max(axis=0) + 0.5), 0).astype(int)
        window = (slice(top, bottom), slice(left, right))
        under = picture[window].astype(np.float32)
        if not under.size:
            return lambda _: picture.copy()
        size = (under.shape[1], under.shape[0])
        here = back - ((0, 0, left), (0, 0, top))
        seen = self._fading(corners, width, height) if mask is None else mask
        weight = cv2.warpAffine(seen, here, size, borderMode=cv2.BORDER_REPLICATE)[..., None]

        def paste(patch: Picture) -> Picture:
            mixed = under + weight * (_moved(patch, here, size) - under)
            whole = picture.copy()
            whole[window] = np.rint(mixed).astype(np.uint8)
            return whole

        return paste

    def paste_back(self, picture: Picture, mask: Floats | None = None) -> PasteBack:
        """Measure what comes back of this part of a picture; `mask` as in `onto`."""
        paste, part = self.onto(picture, mask), self.cut(picture)
        same, other = paste(part), paste(255 - part)
        rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
        x, y = (a * columns + b * rows + c for a, b, c in self.turn)
        outside = (x < -1) | (y < -1) | (x > self.size_px) | (y > self.size_px)
        touched = (other != picture).any(axis=-1)
        off = np.square(same[touched].astype(np.float64) - picture[touched])
        return PasteBack(
            psnr_db=10 * math.log10(255**2 / max(float(off.mean()), LEAST_ERROR))
            if off.size
            else 99.0,
            is_exact_outside=not bool((touched & outside).any()),
            scale=math.sqrt(abs(float(np.linalg.det(self.turn[:, :2])))),
        )

    def _corners(self, back: Turn) -> Turn:
        """Return where the crop's corners lie in the picture, (4, 2), clockwise from top left."""
        start, end = -0.5, self.size_px - 0.5
        corners = [[start, start, 1], [end, start, 1], [end, end, 1], [start, end, 1]]
        return np.array(corners, np.float64) @ back.T

    def _fading(self, corners: Turn, width: int, height: int) -> Floats:
        """Return a mask that fades toward each side, but not where the picture ends there too."""
        size = self.size_px
        inner = np.arange(size, dtype=np.float32) / (FADE * size)
        top, left = np.broadcast_to(inner[:, None], (size, size)), inner[None]
        x, y = corners[:, :1], corners[:, 1:]
        beyond = np.hstack([x < 0.5, y < 0.5, x > width - 1.5, y > height - 1.5])
        near = np.ones((size, size), np.float32)
        for side, far in enumerate((top, left[:, ::-1], top[::-1], left)):
            if not (beyond[side] & beyond[(side + 1) % 4]).any():
                near = np.minimum(near, far)
        return smooth_step(near)


def upright(face: Face, picture: Picture, *, share: float, at: float, size_px: int) -> Crop:
    """Return the square around a face; it lies within the picture where that is large enough.

    Args:
        face: in `picture`.
        picture: (height, width, 3).
        share: of the square's side that the face is high, where there is room.
        at: where the face's middle is, in shares of the square from its top.
        size_px: of the crop's sides.
    """
    height, width = picture.shape[:2]
    reach = float(max(face.height_px, np.ptp(face.points, axis=0).max()))
    side = face.height_px / share
    if side > min(width, height):
        side = max(min(width, height), LEAST_ROOM * reach)
    side = max(round(side), 8)
    middle = (face.points.min(axis=0) + face.points.max(axis=0)) / 2
    left, top = round(float(middle[0]) - side / 2), round(float(middle[1]) - at * side)
    left = min(max(left, 0), width - side) if side <= width else left
    top = min(max(top, 0), height - side) if side <= height else top
    scale = size_px / side
    half = (scale - 1) / 2  # pixels are areas: their middles move by half a step
    turn = [[scale, 0, half - left * scale], [0, scale, half - top * scale]]
    return Crop(np.array(turn, np.float64), size_px)


def _moved(pixels: Picture, turn: Turn, size: tuple[int, int]) -> Picture:
    """Return the picture moved onto a frame of `size`, smooth where it shrinks to less than half."""
    height, width = pixels.shape[:2]
    step = int(1 / math.sqrt(abs(float(np.linalg.det(turn[:, :2])))) + 1e-6)
    if step >= 2 and min(height, width) >= step:
        small = (width // step, height // step)
        pixels = np.asarray(cv2.resize(pixels, small, interpolation=cv2.INTER_AREA), np.uint8)
        grow = np.array([width / small[0], height / small[1]])
        whole = np.diag([*grow, 1.0])
        whole[:2, 2] = (grow - 1) / 2
        turn = np.asarray(turn @ whole, np.float64)
    flags: Any = cv2.INTER_CUBIC
    moved = cv2.warpAffine(pixels, turn, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)
