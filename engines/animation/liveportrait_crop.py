"""Where LivePortrait looks: the square around a face; and how open mouth and eyes are.

As in https://github.com/KwaiVGI/LivePortrait (MIT), with the mesh's points instead of those of its own
detectors: the square is the same, since the outline from brow to chin is, and so are the ratios. Its 203
points would be a second set beside the mesh, which the other engines need anyway.
"""

import numpy as np
from numpy.typing import NDArray

from engines.animation.crop import Crop
from engines.animation.rig import smooth_step

Floats = NDArray[np.float32]

SCALE, SHIFT = 2.3, -0.125  # of the portrait's square, in sizes of the face
DRIVING_SCALE, DRIVING_SHIFT = 2.2, -0.1
INNER, OUTER = 0.72, 0.97  # of the square: where the seam begins and ends

_JAW = (
    356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58,
    132, 93, 234, 127,
)  # fmt: skip
_BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
_EYES = ((33, 159, 133, 145), (362, 386, 263, 374))  # corner, upper lid, corner, lower lid
_MOUTH = (61, 291)
_LIPS = (13, 14)
_OUTLINE = [*_JAW, *_BROWS, *_EYES[0], *_EYES[1], *_MOUTH, *_LIPS, 1]


def square(
    points: Floats, size_px: int, scale: float = SCALE, shift: float = SHIFT, *, turned: bool = True
) -> Crop:
    """Return the square around a face.

    Args:
        points: (468, 2), its mesh.
        size_px: of its sides.
        scale: how large it is, in sizes of the face.
        shift: along the face, in its sides; negative: toward the forehead.
        turned: the face stands upright in it; else the square stands as the picture does.
    """
    eyes = np.mean([points[list(eye)].mean(axis=0) for eye in _EYES], axis=0)
    down = points[list(_MOUTH)].mean(axis=0) - eyes
    down = down / max(float(np.linalg.norm(down)), 1e-3)
    axes = np.array([[down[1], -down[0]], down], np.float64)
    within = points[_OUTLINE].astype(np.float64) @ axes.T
    low, high = within.min(axis=0), within.max(axis=0)
    side = float((high - low).max()) * scale
    centre = ((low + high) / 2) @ axes + axes[1] * shift * side
    zoom = (axes if turned else np.eye(2)) * (size_px / max(side, 1.0))
    return Crop(np.column_stack([zoom, size_px / 2 - zoom @ centre]), size_px)


def resized(crop: Crop, size_px: int) -> Crop:
    """Return the same square with sides of another size: pixels are areas."""
    scale = size_px / crop.size_px
    turn = crop.turn * scale
    turn[:, 2] += (scale - 1) / 2
    return Crop(turn, size_px)


def average(crops: list[Crop]) -> Crop:
    """Return the square in the middle of many of one size that are not turned."""
    size_px = crops[0].size_px
    turns = np.array([each.turn for each in crops])
    zooms, offsets = turns[:, 0, 0], turns[:, :, 2]
    sides, centres = size_px / zooms, (size_px / 2 - offsets) / zooms[:, None]
    zoom = np.eye(2) * (size_px / float(sides.mean()))
    return Crop(np.column_stack([zoom, size_px / 2 - zoom @ centres.mean(axis=0)]), size_px)


def mask(size_px: int) -> Floats:
    """Return how much of what was made is seen: all of it in the middle, nothing at the border."""
    axis = np.abs((np.arange(size_px, dtype=np.float32) + 0.5) / (size_px / 2) - 1) ** 4
    out = (axis[:, None] + axis[None]) ** 0.25
    return smooth_step(((OUTER - out) / (OUTER - INNER)).astype(np.float32))


def lip_ratio(points: Floats) -> float:
    """Return how far the lips stand apart, in widths of the mouth."""
    return _apart(points, *_LIPS) / max(_apart(points, *_MOUTH), 1e-6)


def eye_ratios(points: Floats) -> tuple[float, float]:
    """Return how far the lids of both eyes stand apart, in widths of the eye."""
    left, right = (
        _apart(points, eye[1], eye[3]) / max(_apart(points, eye[0], eye[2]), 1e-6) for eye in _EYES
    )
    return left, right


def _apart(points: Floats, one: int, other: int) -> float:
    return float(np.linalg.norm(points[one] - points[other]))
