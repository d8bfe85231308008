"""The square around the lower face that MuseTalk repaints, cut out and pasted back.

The square is that of the official code (`musetalk/utils/preprocessing.py`, `scripts/inference.py` of
https://github.com/TMElyralab/MuseTalk): its middle line lies on the bridge of the nose, left and right
are the face's, the bottom lies a little below the chin. What is pasted is bounded by the face's outline
in MediaPipe's mesh, where the official code asks a face parser (BiSeNet) whose training data,
CelebAMask-HQ, is for non-commercial research.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.roles import Face, Picture

Floats = NDArray[np.float32]

BRIDGE = 5  # of the mesh: point 29 of the 68 that the official code uses
OUTLINE = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
SIDE_PX = 256
MARGIN_PX = 10  # below the chin, as version 1.5 has it
CALM_FRAMES = 2  # squares are averaged over so many frames to both sides
FEATHER = 0.05  # of the square's width
BELOW_CHIN = 0.06  # of the square's height: how far an opened jaw may reach


@dataclass(frozen=True, slots=True)
class Square:
    """A rectangle in whole pixels; it may reach beyond the picture."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.right - self.left, self.bottom - self.top


def square_of(points: Floats) -> Square:
    """Return the square of a face with these points, (468, 2)."""
    x, y = points[:, 0].astype(int), points[:, 1].astype(int)
    middle, bottom = int(y[BRIDGE]), int(y.max())
    return Square(int(x.min()), max(0, 2 * middle - bottom), int(x.max()), bottom + MARGIN_PX)


def calm_squares(faces: Sequence[Face | None]) -> list[Square | None]:
    """Return the square of each frame, averaged with its neighbours': the official ones tremble."""
    own = [None if each is None else square_of(each.points) for each in faces]
    calm: list[Square | None] = []
    for index, square in enumerate(own):
        near = [s for s in own[max(0, index - CALM_FRAMES) : index + CALM_FRAMES + 1] if s]
        sides = [(s.left, s.top, s.right, s.bottom) for s in near]
        calm.append(None if square is None else Square(*np.mean(sides, axis=0).round().astype(int)))
    return calm


def cut_out(picture: Picture, square: Square) -> Picture:
    """Return the square of a picture, (256, 256, 3); where the picture ends, its edge goes on."""
    height, width = picture.shape[:2]
    above, below = max(0, -square.top), max(0, square.bottom - height)
    before, after = max(0, -square.left), max(0, square.right - width)
    inside = picture[
        max(0, square.top) : max(0, square.bottom), max(0, square.left) : max(0, square.right)
    ]
    inside = np.pad(inside, ((above, below), (before, after), (0, 0)), mode="edge")
    small = cv2.resize(inside, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LANCZOS4)
    return np.asarray(small, np.uint8)


def paste_back(
    picture: Picture, made: Picture, square: Square, points: Floats, share: float = 1.0
) -> Picture:
    """Return the picture with the lower face of `made`, (256, 256, 3), in the square.

    The border is soft; outside it, and above the bridge of the nose, every pixel stays.
    """
    width, height = square.size
    large = cv2.resize(made, (width, height), interpolation=cv2.INTER_CUBIC)
    top, left = max(0, square.top), max(0, square.left)
    out = picture.copy()
    part = out[top : max(0, square.bottom), left : max(0, square.right)]
    rows, columns = part.shape[:2]
    down, across = top - square.top, left - square.left
    new = large[down : down + rows, across : across + columns].astype(np.float32)
    mask = _mask(square, points)[down : down + rows, across : across + columns, None] * share
    old = part.astype(np.float32)
    part[:] = np.clip(np.round(old + (new - old) * mask), 0, 255).astype(np.uint8)
    return out


def _mask(square: Square, points: Floats) -> Floats:
    """Return (height, width), 1 in the lower face, 0 at the square's border and above its middle."""
    width, height = square.size
    outline = points[list(OUTLINE)] - (square.left, square.top)
    middle = height / 2
    below = outline[:, 1] > middle
    outline[below, 1] += BELOW_CHIN * height * (outline[below, 1] / middle - 1)
    drawn = np.zeros((height, width), np.uint8)
    cv2.fillPoly(drawn, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    edge = max(2, round(FEATHER * width))
    drawn[: round(middle)] = 0
    drawn[:, :edge], drawn[:, -edge:], drawn[-edge:] = 0, 0, 0
    inner = cv2.erode(drawn, np.ones((edge, edge), np.uint8))
    soft = cv2.GaussianBlur(inner, (0, 0), edge / 3).astype(np.float32) / 255.0
    soft[:1], soft[-1:], soft[:, :1], soft[:, -1:] = 0, 0, 0, 0
    return soft
