import numpy as np
import pytest

from engines import catalog
from media.pictures import read_picture
from tests.media import ROOT, shared

LEFT_EYE, RIGHT_EYE, NOSE, CHIN, UPPER_LIP, LOWER_LIP = 33, 263, 1, 152, 13, 14


@pytest.fixture(params=catalog.entries("FaceFinder"), scope="module")
def finder(request):
    entry = catalog.entry(request.param)
    if lacking := entry.missing():
        pytest.skip(f"{entry.id}: {lacking[0].what} is missing")
    return entry.build()


@pytest.mark.parametrize(
    ("name", "least_px"),
    [
        ("woman_astronaut_512.png", 90),
        ("woman_grace_hopper.png", 170),
        ("painting_mona_lisa.png", 70),
    ],
)
def test_one_face_is_found_where_there_is_one(finder, name, least_px):
    picture = read_picture(shared(f"portraits/{name}"))
    (face,) = finder.find(picture)
    assert face.points.shape == (468, 2) and face.score > 0.9
    assert least_px < face.height_px < picture.shape[0]
    left, right, nose, chin = face.points[[LEFT_EYE, RIGHT_EYE, NOSE, CHIN]]
    assert left[0] < nose[0] < right[0] and max(left[1], right[1]) < nose[1] < chin[1]
    assert (face.points > 0).all() and (face.points < picture.shape[1::-1]).all()


def test_a_cat_is_no_face(finder):
    assert finder.find(read_picture(shared("portraits/noface_cat.png"))) == ()


def test_our_own_drawing_is_a_face(finder):
    (face,) = finder.find(read_picture(ROOT / "assets" / "portrait.jpg"))
    assert face.score > 0.9 and face.turned < 0.15


def test_points_move_with_the_picture(finder):
    picture = read_picture(shared("portraits/woman_astronaut_512.png"))
    (there,) = finder.find(picture)
    moved = np.roll(picture, (24, 16), axis=(0, 1))
    (here,) = finder.find(moved)
    assert np.abs(here.points - there.points - (16, 24)).mean() < 2.0


def test_two_people_are_two_faces(finder):
    one = read_picture(shared("portraits/woman_astronaut_512.png"))
    assert len(finder.find(np.concatenate([one, one], axis=1))) == 2


def test_a_turned_head_is_told(finder):
    straight = read_picture(shared("portraits/woman_astronaut_512.png"))
    turned = read_picture(shared("portraits/painting_mona_lisa.png"))
    assert finder.find(straight)[0].turned < 0.2 < finder.find(turned)[0].turned
