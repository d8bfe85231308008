"""A mesh from five points."""

import numpy as np
import pytest

from media.canonical_face import five_points, mesh_of

FIVE = np.array([[40, 40], [60, 41], [50, 55], [43, 64], [58, 65]], np.float32)


def test_the_mesh_goes_through_the_five_points():
    mesh = mesh_of(FIVE)
    assert mesh.shape == (468, 2) and mesh.dtype == np.float32
    assert np.abs(five_points(mesh) - FIVE).max() < 0.5
    chin, top = mesh[152], mesh[10]
    assert chin[1] > FIVE[:, 1].max() and top[1] < FIVE[:, 1].min()


@pytest.mark.parametrize("degrees", [-30, 90])
def test_it_turns_and_grows_with_them(degrees):
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = 3 * FIVE @ turn.T + (500, 20)
    expected = 3 * mesh_of(FIVE) @ turn.T + (500, 20)
    assert np.abs(mesh_of(moved.astype(np.float32)) - expected).max() < 0.1
