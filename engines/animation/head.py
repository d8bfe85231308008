"""The puppet's head: turned and moved a little as a whole, nothing beyond its border."""

import cv2
import numpy as np

from engines.animation.pose import Pose
from engines.animation.rig import Floats, window_around
from engines.roles import Picture

TOP, CHIN, LEFT, RIGHT = 10, 152, 234, 454
PX_A_DEGREE = 0.010  # how far the nose moves, in shares of the face's height
BORDER = 0.06  # share of the window in which all motion fades


class Head:
    """Moves a head in place.

    Args:
        picture: (height, width, 3), the portrait.
        points: (468, 2), its mesh.
    """

    def __init__(self, picture: Picture, points: Floats) -> None:
        outline = points[[TOP, CHIN, LEFT, RIGHT]]
        self._centre = outline.mean(axis=0)
        self._half_height = float(np.linalg.norm(outline[0] - outline[1])) / 2
        half_width = float(np.linalg.norm(outline[2] - outline[3])) / 2
        reach = self._half_height
        self.window = window_around(
            self._centre, (2.6 * reach, 2.9 * reach, 2.6 * reach, 3.0 * reach), picture
        )
        x, y = self.window.grid()
        self._x, self._y = x - self._centre[0], y - self._centre[1]
        across, down = self._x / half_width, self._y / self._half_height
        tall = down / (1.35 - 0.1 * np.sign(down))
        on_head = np.clip(1.9 - np.hypot(across / 1.15, tall), 0, 1) ** 1.2
        self._on_head = (on_head * self._inside(x, y, picture)).astype(np.float32)
        self._near = np.exp(-1.1 * (across**2 + down**2)).astype(np.float32) - 0.35

    def _inside(self, x: Floats, y: Floats, picture: Picture) -> Floats:
        """Fade toward the window's border, but not where it is the picture's own."""
        width = picture.shape[1]
        window, fade = self.window, BORDER * max(self.window.width, self.window.height)
        far = np.full(x.shape, 1e6, np.float32)
        sides = (
            x - window.left if window.left > 0 else far,
            y - window.top if window.top > 0 else far,
            window.right - x if window.right < width else far,
            window.bottom - y,
        )
        return np.clip(np.minimum.reduce(sides) / fade, 0, 1).astype(np.float32)

    def move(self, picture: Picture, pose: Pose) -> None:
        """Move the head of `picture`, in place."""
        turn = np.radians(pose.roll) * self._on_head
        height = 2 * self._half_height
        turned = PX_A_DEGREE * height * self._near
        dx = -np.sin(turn) * self._y + (np.cos(turn) - 1) * self._x
        dy = np.sin(turn) * self._x + (np.cos(turn) - 1) * self._y
        dx = dx + self._on_head * (pose.shift_x * height + pose.yaw * turned)
        dy = dy + self._on_head * (pose.shift_y * height + pose.pitch * turned)
        window = self.window
        columns = np.arange(window.width, dtype=np.float32)[None, :]
        rows = np.arange(window.height, dtype=np.float32)[:, None]
        x = columns - window.fine(dx.astype(np.float32))
        y = rows - window.fine(dy.astype(np.float32))
        part = np.ascontiguousarray(window.of(picture))
        window.of(picture)[:] = cv2.remap(
            part, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
