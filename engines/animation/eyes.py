"""The puppet's eyes: lids that close over them, brows that rise, irises that glance."""

import cv2
import numpy as np

from engines.animation.pose import Pose
from engines.animation.rig import Floats, Window, window_around
from engines.roles import Picture

LIDS = (
    ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133)),
    ((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263)),
)
BROWS = ((70, 63, 105, 66, 107), (336, 296, 334, 293, 300))
GLANCE = 0.055  # of the eye's width
STILL = 0.02


class Eye:
    """One eye of a portrait.

    Args:
        picture: (height, width, 3), the portrait.
        upper: (9, 2), the upper lid's edge.
        lower: (9, 2), the lower lid's edge.
        brow: (5, 2).
    """

    def __init__(self, picture: Picture, upper: Floats, lower: Floats, brow: Floats) -> None:
        width = float(np.linalg.norm(upper[0] - upper[-1]))
        middle = (upper[0] + upper[-1]) / 2
        brow_y = float(brow[:, 1].mean())
        up = float(middle[1]) - brow_y + 0.6 * width
        down = float(lower[:, 1].max() - middle[1]) + 0.35 * width
        self.window: Window = window_around(middle, (0.95 * width, up, 0.95 * width, down), picture)
        self._width = width
        x, y = np.meshgrid(
            np.arange(self.window.left, self.window.right, dtype=np.float32),
            np.arange(self.window.top, self.window.bottom, dtype=np.float32),
        )
        self._x, self._y = x - self.window.left, y - self.window.top
        columns = x[0] if x.size else np.zeros(0, np.float32)
        self._upper_y = _edge(upper, columns) - self.window.top
        self._lower_y = _edge(lower, columns) - self.window.top
        off = np.abs(columns - middle[0])
        self._open = np.clip(1 - (off / (0.62 * width)) ** 6, 0, 1)
        self._brow_y = brow_y - self.window.top
        self._over_brow = np.clip(1 - (off / (0.9 * width)) ** 4, 0, 1)
        self._fade = _fading(self._x, self._y, width)
        inside = self.window.mask(np.vstack([upper, lower[::-1]]).astype(np.float32), 0.03 * width)
        self._iris = inside[..., 0] * np.clip(1 - (off / (0.5 * width)) ** 2, 0, 1)

    def draw(self, picture: Picture, pose: Pose) -> None:
        """Draw the eye into `picture`, in place."""
        if min(self.window.width, self.window.height) < 8:
            return
        if abs(pose.gaze) > STILL:
            self._glance(picture, pose.gaze)
        if pose.blink > STILL or pose.brow > STILL:
            self._close(picture, pose.blink, pose.brow)

    def _glance(self, picture: Picture, gaze: float) -> None:
        part = self.window.of(picture)
        moved = (self._x - gaze * GLANCE * self._width * self._iris).astype(np.float32)
        part[:] = cv2.remap(
            np.ascontiguousarray(part), moved, self._y, cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip

    def _close(self, picture: Picture, blink: float, brow: float) -> None:
        width, y = self._width, self._y
        travel = np.maximum(self._lower_y - self._upper_y, 0) * self._open * blink * 0.96
        crease = self._upper_y - 0.13 * width
        top = np.minimum(self._brow_y + 0.08 * width, crease - 2)
        edge = self._upper_y + travel
        t = np.clip((y - top) / np.maximum(edge - top, 1), 0, 1)  # 0 at the brow, 1 at the edge
        raised = 0.07 * brow * width * self._over_brow
        raised = raised * np.exp(-(((y - self._brow_y) / (0.38 * width)) ** 2))
        source_y = (y - travel * t * t * (3 - 2 * t) + raised).astype(np.float32)
        part = self.window.of(picture)
        lid = cv2.remap(
            np.ascontiguousarray(part), self._x, source_y, cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        ).astype(np.float32)  # fmt: skip
        above = np.clip((np.where(self._open > 0, edge, self._upper_y) - y) / 1.6 + 0.5, 0, 1)
        seen = part.astype(np.float32)
        closed = seen + (lid - seen) * above[..., None]
        if blink > 0.3:  # the lashes
            lash = np.exp(-(((y - edge) / (0.03 * width + 0.6)) ** 2)) * self._open * (blink - 0.3)
            closed *= (1 - 0.45 * lash)[..., None]
        part[:] = np.clip(seen + (closed - seen) * self._fade, 0, 255).astype(np.uint8)


def eyes_of(picture: Picture, points: Floats) -> tuple[Eye, ...]:
    """Return both eyes of a portrait."""
    return tuple(
        Eye(picture, points[list(upper)], points[list(lower)], points[list(brow)])
        for (upper, lower), brow in zip(LIDS, BROWS, strict=True)
    )


def _edge(points: Floats, columns: Floats) -> Floats:
    order = np.argsort(points[:, 0])
    x, y = (np.asarray(points[order, axis], np.float64) for axis in (0, 1))
    return np.interp(columns.astype(np.float64), x, y).astype(np.float32)


def _fading(x: Floats, y: Floats, width: float) -> Floats:
    """Return (height, width, 1): 0 at the window's border, 1 inside."""
    rows, columns = x.shape
    side = np.clip(np.minimum(x, columns - 1 - x) / (0.12 * width), 0, 1)
    ends = np.clip(np.minimum(y, rows - 1 - y) / (0.1 * width), 0, 1)
    return (side * ends).astype(np.float32)[..., None]
