"""What is cut out of a picture and pasted back: the same inside, exact outside."""

import numpy as np
import pytest

from engines.animation.crop import Crop, upright
from engines.roles import Face
from media.pictures import read_picture
from tests.media import ROOT

SIZE = 512


def face_at(x, y, height):
    """Return a face of that middle and height: only the points that measure it."""
    points = np.full((468, 2), (x, y), np.float32)
    points[10, 1], points[152, 1] = y - height / 2, y + height / 2
    return Face(points, 1.0, 0.0)


def picture(width, height):
    pixels = read_picture(ROOT / "assets" / "portrait.jpg", longest_px=512)
    return np.ascontiguousarray(np.resize(pixels, (height, 512, 3))[:, :width])


def psnr(a, b):
    return 10 * np.log10(255**2 / np.square(a.astype(float) - b).mean())


@pytest.mark.parametrize("height", [60, 120, 200])
def test_what_was_not_touched_comes_back(height):
    whole = picture(500, 480)
    crop = upright(face_at(240, 250, height), whole, share=0.45, at=0.45, size_px=SIZE)
    back = crop.onto(whole)(crop.cut(whole))
    assert psnr(back, whole) > 45


@pytest.mark.parametrize(
    ("width", "height", "at"),
    [(333, 517, (150, 200)), (500, 300, (20, 280)), (40, 47, (20, 20)), (512, 2000, (500, 1990))],
)
@pytest.mark.parametrize("tall", [20, 150, 400])
def test_nothing_changes_outside(width, height, at, tall):
    whole = picture(width, height)
    crop = upright(face_at(*at, tall), whole, share=0.45, at=0.45, size_px=SIZE)
    pasted = crop.onto(whole)(255 - crop.cut(whole))
    left, top = -crop.turn[:, 2] / crop.turn[0, 0]
    side = SIZE / crop.turn[0, 0]
    rows, columns = np.mgrid[:height, :width]
    outside = (
        (rows < top - 1) | (rows > top + side) | (columns < left - 1) | (columns > left + side)
    )
    assert np.array_equal(pasted[outside], whole[outside])
    assert pasted.shape == whole.shape and not np.array_equal(pasted, whole)
    if tall / 0.45 < min(width, height):  # there is room: the square lies within
        assert left > -1 and top > -1 and left + side < width + 1 and top + side < height + 1
        assert crop.turn[0, 0] == pytest.approx(SIZE / (tall / 0.45), rel=0.02)


def test_it_fades_but_where_the_picture_ends():
    whole = np.zeros((300, 300, 3), np.uint8)
    patch = np.full((SIZE, SIZE, 3), 255, np.uint8)
    inside = upright(face_at(150, 150, 60), whole, share=0.45, at=0.5, size_px=SIZE)
    seen = inside.onto(whole)(patch)[..., 0]
    assert seen[150, 150] == 255 and seen[83:87, 150].max() < 60 and seen[80, 150] == 0
    edge = upright(face_at(150, 10, 60), whole, share=0.45, at=0.5, size_px=SIZE)
    seen = edge.onto(whole)(patch)[..., 0]
    assert seen[0, 150] == 255 and seen[130:, 150].max() < 60


def test_a_turned_square_is_exact_outside_too():
    whole = picture(400, 400)
    c, s = np.cos(0.4) * 2, np.sin(0.4) * 2
    crop = Crop(np.array([[c, s, -300.0], [-s, c, -100.0]]), 256)
    pasted = crop.onto(whole)(np.full((256, 256, 3), 255, np.uint8))
    rows, columns = np.mgrid[:400, :400]
    x = c * columns + s * rows - 300
    y = -s * columns + c * rows - 100
    outside = (x < -1) | (y < -1) | (x > 256) | (y > 256)
    assert outside.any() and np.array_equal(pasted[outside], whole[outside])
    assert pasted[np.hypot(x - 128, y - 128) < 30].min() > 250
    assert psnr(crop.onto(whole)(crop.cut(whole)), whole) > 45
    away = Crop(np.array([[1.0, 0, 900], [0, 1, 900]]), 256)  # left of the picture and above
    assert np.array_equal(away.onto(whole)(whole[:256, :256]), whole)


def test_the_measure_tells_what_is_lost_and_where():
    whole = picture(500, 480)
    fine = upright(face_at(240, 250, 120), whole, share=0.45, at=0.45, size_px=SIZE)
    told = fine.paste_back(whole)
    assert told.psnr_db > 45 and told.is_exact_outside and told.scale > 1
    coarse = upright(face_at(240, 250, 120), whole, share=0.45, at=0.45, size_px=64)
    told = coarse.paste_back(whole)
    assert told.psnr_db < 40 and told.is_exact_outside and told.scale < 0.3
    beside = Crop(np.array([[1.0, 0, 900], [0, 1, 900]]), 256)  # nothing of it is in the picture
    assert beside.paste_back(whole).psnr_db == 99
