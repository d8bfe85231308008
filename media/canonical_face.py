"""A face's mesh from five points: the mean mesh, laid over them.

`assets/face_mesh.npy` holds 468 points in the order of MediaPipe's mesh, the mean of meshes found in
four portraits and in their mirror images; the eyes' middles are at (-0.5, 0) and (0.5, 0).
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]

MESH = Path(__file__).parents[1] / "assets" / "face_mesh.npy"
LEFT_EYE, RIGHT_EYE = (33, 133), (362, 263)
NOSE_TIP, LEFT_CORNER, RIGHT_CORNER = 1, 61, 291
REACH = 0.6  # of the eyes' distance: how far a point that is off draws its surroundings along


@dataclass(frozen=True, slots=True)
class Spotted:
    """Where a face may be: five points, and no mesh."""

    points: Points
    """(5, 2), in pixels: eyes, tip of the nose, corners of the mouth; the picture's left ones first."""
    score: float  # 0..1: how sure the spotter is that this is a face


def five_points(mesh: Points) -> Points:
    """Return the middles of the eyes, the tip of the nose and the corners of the mouth, (5, 2).

    Left is the picture's left.
    """
    eyes = [mesh[list(each)].mean(axis=0) for each in (LEFT_EYE, RIGHT_EYE)]
    return np.stack([*eyes, mesh[NOSE_TIP], mesh[LEFT_CORNER], mesh[RIGHT_CORNER]])


def mesh_of(five: Points) -> Points:
    """Return 468 points, (468, 2), of a face with those five.

    The mean mesh is turned, scaled and moved (Umeyama 1991), then drawn the rest of the way, so that
    the five lie exactly where they shall.
    """
    mean = _mean()
    own = five_points(mean)
    mesh = _similar(own, five, mean)
    moved = five_points(mesh)
    reach = REACH * max(float(np.linalg.norm(five[1] - five[0])), 1e-6)
    pull = np.linalg.solve(_near(moved, moved, reach), five - moved)
    return (mesh + _near(mesh, moved, reach) @ pull).astype(np.float32)


@cache
def _mean() -> Points:
    return np.asarray(np.load(MESH, allow_pickle=False), np.float32)


def _similar(source: Points, target: Points, points: Points) -> Points:
    """Return `points` after the similarity that brings `source` nearest to `target`."""
    a = (source - source.mean(axis=0)).astype(np.float64)
    b = (target - target.mean(axis=0)).astype(np.float64)
    norm = max(float((a * a).sum()), 1e-12)
    along, across = (a * b).sum() / norm, (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / norm
    turn = np.array([[along, -across], [across, along]])
    return ((points - source.mean(axis=0)) @ turn.T + target.mean(axis=0)).astype(np.float32)


def _near(points: Points, centres: Points, reach: float) -> NDArray[np.float64]:
    """Return how much each centre has a say at each point, (points, centres)."""
    apart = np.linalg.norm(points[:, None] - centres[None], axis=-1) / reach
    return np.exp(-np.square(apart)) + 1e-9 * (apart == 0)
