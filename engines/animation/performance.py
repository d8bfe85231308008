"""What a puppet does after a face in a film: read from the mesh of every frame, and eased.

The measures are those that face trackers use: how far lips and lids stand apart (Soukupova, Cech 2016,
"Real-Time Eye Blink Detection using Facial Landmarks"), how wide the mouth is, where the brows stand and
how the head is turned; each in sizes of the face, and compared with the same face at rest.
"""

from dataclasses import fields
from functools import cached_property
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.animation.mouth import WIDEST
from engines.animation.pose import Pose
from engines.roles import Picture

Floats = NDArray[np.float32]
Curve = NDArray[np.float64]

_CORNERS, _INNER_LIPS = (78, 308), (13, 14)
_EYES = ((33, 159, 133, 145), (362, 386, 263, 374))  # corner, upper lid, corner, lower lid
_RIMS = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382),
)
_BROWS = ((105, 66), (334, 296))
_NOSE, _CHEEKS, _BRIDGE, _CHIN = 1, (234, 454), 168, 152
NOSE_OUT = 0.9  # how far the tip of the nose stands out, in half widths of the face
GLANCING = 0.16  # of the eye's width: how far the dark of the eye goes
SHUT, BLINKS = 0.12, 0.17  # of the open eye: less is a blink that begins; and how much less ends it
MOST_TURN, MOST_NOD, MOST_TILT, MOST_SHIFT = 14.0, 10.0, 12.0, 0.12
QUICK_S, SLOW_S = 0.025, 0.09  # of the easing: lips and lids; the head


class Acting:
    """A face's measures in all frames of a film.

    Args:
        points: (frames, 468, 2), its mesh in pixels.
        fps: frames a second.
    """

    def __init__(self, points: Floats, fps: float) -> None:
        self._points, self._fps = points.astype(np.float64), fps
        left, right = (self._points[:, list(eye)].mean(axis=1) for eye in _EYES)
        self._between = np.maximum(np.linalg.norm(right - left, axis=1), 1.0)
        self._tilt = np.degrees(np.arctan2(*(right - left).T[::-1]))

    @cached_property
    def rest(self) -> int:
        """The frame in which the face is most at rest: mouth shut, eyes open, looking at us."""
        lips = self._lips / max(float(np.percentile(self._lips, 95)), 1e-6)
        lids = 1 - np.clip(self._lids / max(self._open, 1e-6), 0, 1)
        turned = np.abs(self._turn - np.median(self._turn)) / MOST_TURN
        return int(np.argmin(lips + 2 * lids + turned))

    def poses(self, gaze: Curve | None = None) -> list[Pose]:
        """Return one pose a frame.

        Args:
            gaze: (frames,) of `gaze_of`, less that at rest, or None: it looks at us.
        """
        curves = self._mouth() | self._head()
        curves["blink"] = np.clip((1 - self._lids / max(self._open, 1e-6) - SHUT) / BLINKS, 0, 1)
        if gaze is not None:
            curves["gaze"] = np.clip(gaze / GLANCING, -1, 1)
        brows = self._brows - self._brows[self.rest]
        curves["brow"] = np.clip(brows / 0.05, 0, 1)
        slow = {"yaw", "pitch", "roll", "shift_x", "shift_y", "brow"}
        for name, curve in curves.items():
            curves[name] = _eased(curve, (SLOW_S if name in slow else QUICK_S) * self._fps)
        names = [each.name for each in fields(Pose) if each.name in curves]
        return [
            Pose(**{name: float(curves[name][frame]) for name in names})
            for frame in range(len(self._points))
        ]

    def _mouth(self) -> dict[str, Curve]:
        width = self._apart(*_CORNERS)
        half = max(float(width[self.rest]) / 2, 1e-6)
        jaw = np.clip((self._lips - self._lips[self.rest]) / (WIDEST * half), 0, 1)
        wider = width / (2 * half) - 1 + 0.1 * jaw  # an open jaw draws the corners in
        return {
            "jaw": jaw,
            "wide": np.clip(wider / 0.16, 0, 1),
            "round": np.clip(-wider / 0.30, 0, 0.9),
        }

    def _head(self) -> dict[str, Curve]:
        size = float(
            np.median(np.linalg.norm(self._points[:, 10] - self._points[:, _CHIN], axis=1))
        )
        middle = self._points[:, list(_CHEEKS)].mean(axis=1)
        shift = (middle - np.median(middle, axis=0)) / max(size, 1.0)
        nose = self._points[:, _NOSE] - self._points[:, _BRIDGE]
        chin = self._points[:, _CHIN] - self._points[:, _BRIDGE]
        along = (nose * chin).sum(axis=1) / np.maximum(np.square(chin).sum(axis=1), 1.0)
        nod = 120 * (along - np.median(along))
        return {
            "yaw": np.clip(self._turn - np.median(self._turn), -MOST_TURN, MOST_TURN),
            "pitch": np.clip(nod, -MOST_NOD, MOST_NOD),
            "roll": np.clip(self._tilt - np.median(self._tilt), -MOST_TILT, MOST_TILT),
            "shift_x": np.clip(shift[:, 0], -MOST_SHIFT, MOST_SHIFT),
            "shift_y": np.clip(shift[:, 1], -MOST_SHIFT, MOST_SHIFT),
        }

    @cached_property
    def _lips(self) -> Curve:
        return self._apart(*_INNER_LIPS)

    @cached_property
    def _lids(self) -> Curve:
        ratios = [
            self._apart(e[1], e[3]) / np.maximum(self._apart(e[0], e[2]), 1e-6) for e in _EYES
        ]
        return np.mean(ratios, axis=0)

    @property
    def _open(self) -> float:
        return float(np.percentile(self._lids, 70))

    @cached_property
    def _brows(self) -> Curve:
        heights = [
            np.linalg.norm(
                self._points[:, list(brow)].mean(axis=1)
                - self._points[:, [e[0], e[2]]].mean(axis=1),
                axis=1,
            )
            for brow, e in zip(_BROWS, _EYES, strict=True)
        ]
        return np.mean(heights, axis=0) / self._between

    @cached_property
    def _turn(self) -> Curve:
        left, right = (self._points[:, cheek] for cheek in _CHEEKS)
        across = right - left
        length = np.maximum(np.square(across).sum(axis=1), 1.0)
        place = ((self._points[:, _NOSE] - left) * across).sum(axis=1) / length
        return np.degrees(np.arctan2(2 * place - 1, NOSE_OUT))

    def _apart(self, one: int, other: int) -> Curve:
        """Return the distance of two points in distances of the eyes."""
        away = np.linalg.norm(self._points[:, one] - self._points[:, other], axis=1)
        return away / self._between


def gaze_of(picture: Picture, points: Floats) -> float:
    """Return how far the dark of the eyes is from their middles, in widths of an eye.

    Args:
        picture: (height, width, 3).
        points: (468, 2), the mesh in it.
    """
    return float(np.mean([_gaze(picture, points[list(rim)]) for rim in _RIMS]))


def _gaze(picture: Picture, rim: Floats) -> float:
    """Return how far the dark inside a rim is from its middle, in widths of the eye."""
    low = np.floor(rim.min(axis=0)).astype(int)
    high = np.ceil(rim.max(axis=0)).astype(int) + 1
    low, high = np.maximum(low, 0), np.minimum(high, picture.shape[1::-1])
    if (high - low).min() < 3:
        return 0.0
    grey = cv2.cvtColor(
        np.ascontiguousarray(picture[low[1] : high[1], low[0] : high[0]]), cv2.COLOR_RGB2GRAY
    ).astype(np.float64)
    inside = np.zeros(grey.shape, np.uint8)
    outline = cast("NDArray[np.int32]", np.round(rim - low).astype(np.int32))
    cv2.fillPoly(inside, [outline], (1,))
    bright = float(np.percentile(grey[inside > 0], 75)) if inside.any() else 0.0
    dark = np.maximum(bright - grey, 0) * inside
    columns: Curve = dark.sum(axis=0)
    total = float(columns.sum())
    if total <= 0:
        return 0.0
    at = float(columns @ np.arange(columns.size)) / total
    return (at + low[0] - float(rim[:, 0].mean())) / max(float(np.ptp(rim[:, 0])), 1.0)


def _eased(curve: Curve, sigma: float) -> Curve:
    """Return the curve after a Gaussian of `sigma` frames, its ends held."""
    reach = max(1, int(4 * sigma) + 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 0.3)) ** 2)
    padded = np.pad(curve, reach, mode="edge")
    return np.asarray(np.convolve(padded, kernel / kernel.sum(), "valid"), np.float64)
