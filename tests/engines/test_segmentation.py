from itertools import pairwise

import av
import numpy as np
import pytest

from engines import catalog
from engines.segmentation.selfie import _near_the_sure
from media.pictures import read_picture
from tests import tiny
from tests.media import ROOT, shared


@pytest.fixture(params=catalog.entries("Segmenter"), scope="module")
def segmenter(request):
    return tiny.engine(request.param)


@pytest.fixture(scope="module")
def selfie():
    entry = catalog.entry("selfie-segmenter")
    if lacking := entry.missing():
        pytest.skip(f"{entry.id}: {lacking[0].what} is missing")
    return entry.build()


def matte_of(segmenter, picture):
    (cut,) = segmenter.segment([picture])
    return cut.matte


def test_every_frame_comes_back_with_a_matte_one_at_a_time(segmenter):
    asked = []

    def frames():
        for value in (10, 200, 90):
            asked.append(value)
            yield np.full((48, 64, 3), value, np.uint8)

    cuts = segmenter.segment(frames())
    assert iter(cuts) is cuts
    for count, cut in enumerate(cuts, start=1):
        assert cut.frame.shape == (48, 64, 3) and cut.matte.shape == (48, 64)
        assert cut.matte.dtype == np.float32 and 0 <= cut.matte.min() <= cut.matte.max() <= 1
        assert len(asked) <= count + 1  # no film is held in memory
    assert count == 3


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("portraits/woman_grace_hopper.png", [(260, 250), (260, 500)], [(470, 60), (20, 60)]),
        ("portraits/painting_mona_lisa.png", [(130, 120), (130, 330)], [(20, 40), (280, 60)]),
        ("portraits/woman_astronaut_512.png", [(225, 120), (200, 380)], [(420, 60), (60, 60)]),
    ],
)
def test_people_are_told_from_the_background(selfie, name, inside, outside):
    matte = matte_of(selfie, read_picture(shared(name)))
    assert all(matte[y, x] > 0.97 for x, y in inside)
    assert all(matte[y, x] < 0.03 for x, y in outside)


def test_our_own_drawing_is_cut_out_whole(selfie):
    picture = read_picture(ROOT / "assets" / "portrait.jpg", longest_px=512)
    matte = matte_of(selfie, picture)
    unlike = np.abs(picture.astype(int) - picture[5, 5]).sum(axis=2) > 90  # its background is plain
    assert (matte[unlike] > 0.5).mean() > 0.98
    assert (matte[~unlike][:20_000] < 0.05).mean() > 0.97


def test_the_edge_follows_the_picture_not_the_small_mask(selfie):
    picture = read_picture(shared("portraits/woman_grace_hopper.png"))
    large = np.ascontiguousarray(np.kron(picture, np.ones((2, 2, 1), np.uint8)))
    matte = matte_of(selfie, large)
    row = matte[900]  # a dark sleeve before a blue wall: sharp within a few pixels
    left = row[: row.argmax() + 1]
    assert ((left > 0.1) & (left < 0.9)).sum() < 24


def test_a_matte_stands_still_where_the_picture_does(selfie):
    with av.open(str(shared("video/grid_bbaf2n.mpg"))) as film:
        frames = [each.to_ndarray(format="rgb24") for each in film.decode(video=0)][:12]
    mattes = [cut.matte for cut in selfie.segment(iter(frames))]
    shares = [float(each.mean()) for each in mattes]
    assert max(shares) - min(shares) < 0.02
    steps = [np.abs(b - a).mean() for a, b in pairwise(mattes)]
    assert max(steps) < 0.006
    once, again = selfie.segment([frames[0], frames[0]])
    assert np.array_equal(once.matte, again.matte)


def test_nobody_is_nobody(selfie):
    assert matte_of(selfie, np.full((90, 160, 3), 120, np.uint8)).mean() < 0.02


def test_what_is_perhaps_a_person_counts_only_beside_one():
    mask = np.zeros((200, 200), np.float32)
    mask[40:, 60:140] = 1
    mask[120:, :60] = 0.45  # a hill, says the network in doubt
    kept = _near_the_sure(mask)
    assert kept[160, :30].max() == 0 and kept[160, 56] > 0.2
    assert np.array_equal(kept[mask == 1], mask[mask == 1])
