"""YuNet with a network that takes red for faces: what it must find is known to the pixel."""

import numpy as np
import pytest

from engines.faces.yunet import FILE, YuNet
from studio.errors import BadInput, MissingWeights
from tests import tiny
from tests.tiny.yunet import BIASES, FIVE, write

RED, BLUE, PALE = (255, 0, 0), (0, 0, 255), (215, 0, 0)


@pytest.fixture(scope="module")
def folder():
    return tiny.weights("yunet")


@pytest.fixture(scope="module")
def engine(folder):
    return YuNet(weights=folder)


def painted(width, height, *squares):
    """Return a black picture with squares: left, top, side, colour."""
    picture = np.zeros((height, width, 3), np.uint8)
    for left, top, side, colour in squares:
        picture[top : top + side, left : left + side] = colour
    return picture


def points(left, top, side):
    """Return where the network sees the points of a face that fills that cell."""
    return np.array(FIVE) * side + (left + side / 2, top + side / 2)


@pytest.mark.parametrize("size", [(300, 200), (33, 47), (320, 17)])
def test_a_face_is_where_it_is(engine, size):
    (face,) = engine.spot(painted(*size, (16, 8, 8, RED)))
    assert face.points == pytest.approx(points(16, 8, 8), abs=1e-4)
    assert face.points.dtype == np.float32 and face.score == pytest.approx(0.9933, abs=1e-4)


def test_faces_of_every_size_are_found_in_a_large_picture(engine):
    """The small one at full size; the large one, 256 pixels high, where the picture is shrunk."""
    found = engine.spot(painted(1280, 960, (40, 24, 8, RED), (512, 384, 128, RED)))
    assert found[0].points == pytest.approx(points(512, 384, 128), abs=1e-3)
    sizes = [round(float(np.ptp(each.points[:, 1])), 2) for each in found]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 8 * sizes[-1]
    assert any(np.allclose(each.points, points(40, 24, 8), atol=1e-3) for each in found)


def test_points_are_those_of_the_picture_and_not_of_what_was_looked_at(engine):
    """A picture of 3200 × 800 is looked at by half."""
    (face,) = engine.spot(painted(3200, 800, (2400, 640, 16, RED)))
    assert face.points == pytest.approx(points(2400, 640, 16), abs=1e-3)


def test_of_two_boxes_for_one_face_the_surer_one_stays(engine, folder):
    picture = painted(160, 96, (48, 40, 8, PALE), (56, 40, 8, RED))
    (face,) = engine.spot(picture)
    assert face.points == pytest.approx(points(56, 40, 8), abs=1e-4)
    both = YuNet(weights=folder, overlap=0.5).spot(picture)
    assert [round(each.score, 3) for each in both] == [0.993, 0.953]
    assert len(YuNet(weights=folder, sure=0.96, overlap=0.5).spot(picture)) == 1


def test_colours_are_told_apart(engine):
    assert engine.spot(painted(96, 96, (48, 40, 8, BLUE))) == ()


def test_absent_damaged_and_wrong_files_are_told(tmp_path, folder):
    picture = painted(96, 96, (48, 40, 8, RED))
    with pytest.raises(MissingWeights, match=FILE):
        YuNet(weights=tmp_path).spot(picture)
    whole = (folder / FILE).read_bytes()
    for held in (b"", b"\x00" * 1000, whole[: len(whole) // 2], whole[:-9]):
        (tmp_path / FILE).write_bytes(held)
        with pytest.raises(BadInput, match=FILE):
            YuNet(weights=tmp_path).spot(picture)
    for wrong in ({**BIASES, "kps": BIASES["bbox"]}, {"cls": BIASES["cls"]}):
        write(tmp_path / FILE, wrong)
        with pytest.raises(BadInput, match=FILE):
            YuNet(weights=tmp_path).spot(picture)
    write(tmp_path / FILE, {**BIASES, "bbox": [0.5, 0.5, 1e9, float("nan")]})
    assert YuNet(weights=tmp_path).spot(picture) == ()
    (tmp_path / FILE).write_bytes(whole)
    assert len(YuNet(weights=tmp_path).spot(picture)) == 1
