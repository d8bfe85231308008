"""How LivePortrait's key points move: pose and expression of a face, carried over to another.

Guo et al. 2024 (arXiv 2407.03168), equations 2 and 6, as in https://github.com/KwaiVGI/LivePortrait (MIT):
a key point is scale x (canonical point x rotation + expression) + shift. Rotations equal the official
code's to 6e-8.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LIPS, EYES = (6, 12, 14, 17, 19, 20), (11, 13, 15, 16, 18)  # key points


@dataclass(frozen=True, slots=True)
class Poses:
    """A face in some frames."""

    angles: Floats  # (frames, 3) pitch, yaw, roll in degrees
    scale: Floats  # (frames, 1)
    shift: Floats  # (frames, 3)
    expression: Floats  # (frames, 21, 3)

    def __len__(self) -> int:
        return len(self.angles)

    def part(self, start: int, stop: int) -> "Poses":
        """Return the frames from `start` up to `stop`."""
        here = slice(start, stop)
        return Poses(self.angles[here], self.scale[here], self.shift[here], self.expression[here])

    def timed(self, at: NDArray[np.float64] | NDArray[np.int64]) -> "Poses":
        """Return the poses at frames, (times,), which may lie between two."""
        place = np.clip(at, 0, len(self) - 1)
        low = place.astype(int)
        high = np.minimum(low + 1, len(self) - 1)
        share = (place - low).astype(np.float32)

        def between(values: Floats) -> Floats:
            weight = share.reshape(-1, *[1] * (values.ndim - 1))
            return (values[low] * (1 - weight) + values[high] * weight).astype(np.float32)

        return Poses(
            between(self.angles),
            between(self.scale),
            between(self.shift),
            between(self.expression),
        )


@dataclass(frozen=True, slots=True)
class Likeness:
    """The face of the portrait: one frame, and its canonical points."""

    pose: Poses
    points: Floats  # (21, 3)

    def key_points(self) -> Floats:
        """Return its key points as they stand in the portrait, (21, 3)."""
        return moved(self, self.pose, self.pose)[0]


def moved(source: Likeness, poses: Poses, rest: Poses, *, own_lips: bool = True) -> Floats:
    """Return the source's key points when it does what another face does, (frames, 21, 3).

    Args:
        source: who is moved.
        poses: what the other face does.
        rest: the other face when the source looks as in its portrait: one frame.
        own_lips: the lips move as far from the source's own; else they stand where the other's do.
    """
    turns, still, own = (rotation(each.angles) for each in (poses, rest, source.pose))
    turn = turns @ still.transpose(0, 2, 1) @ own
    expression = source.pose.expression + poses.expression - rest.expression
    if not own_lips:
        expression[:, LIPS] = poses.expression[:, LIPS]
    scale = source.pose.scale * poses.scale / rest.scale
    shift = source.pose.shift + poses.shift - rest.shift
    shift[:, 2] = 0
    found = scale[:, :, None] * (source.points @ turn + expression) + shift[:, None]
    return found.astype(np.float32)


def joined(parts: Sequence[Poses]) -> Poses:
    """Return poses that follow one another as one."""
    return Poses(
        np.concatenate([each.angles for each in parts]),
        np.concatenate([each.scale for each in parts]),
        np.concatenate([each.shift for each in parts]),
        np.concatenate([each.expression for each in parts]),
    )


def rotation(angles: Floats) -> Floats:
    """Return the matrices, (frames, 3, 3), of pitch, yaw and roll in degrees, (frames, 3)."""
    x, y, z = np.radians(angles.astype(np.float64)).T
    none, one = np.zeros_like(x), np.ones_like(x)
    about_x = [[one, none, none], [none, np.cos(x), -np.sin(x)], [none, np.sin(x), np.cos(x)]]
    about_y = [[np.cos(y), none, np.sin(y)], [none, one, none], [-np.sin(y), none, np.cos(y)]]
    about_z = [[np.cos(z), -np.sin(z), none], [np.sin(z), np.cos(z), none], [none, none, one]]
    turn_x, turn_y, turn_z = (
        np.array(each).transpose(2, 0, 1) for each in (about_x, about_y, about_z)
    )
    return (turn_z @ turn_y @ turn_x).transpose(0, 2, 1).astype(np.float32)
