import numpy as np
import pytest

from media.backdrop import cover, out_of_focus, plain, setting

GREEN, SKIN = np.array([20, 180, 40]), np.array([205, 160, 140])


@pytest.fixture
def scene():
    """A round head with a soft border before green: the frame, its matte, its true colours."""
    y, x = np.mgrid[0:240, 0:320]
    distance = np.hypot(x - 160, y - 130)
    matte = np.clip((84 - distance) / 12, 0, 1).astype(np.float32)
    true = SKIN + 12 * np.sin(x / 9.0)[..., None]
    frame = true * matte[..., None] + GREEN * (1 - matte[..., None])
    return np.clip(frame + 0.5, 0, 255).astype(np.uint8), matte, true


def test_a_picture_fills_the_frame_and_keeps_its_middle():
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[45:55, 45:55] = 255
    filled = cover(picture, 320, 160)
    assert filled.shape == (160, 320, 3)
    rows, columns = np.nonzero(filled[..., 0] > 128)
    assert abs(rows.mean() - 79.5) < 1 and abs(columns.mean() - 159.5) < 1


def test_a_colour_is_that_colour():
    assert (plain("#1f4E5f", 6, 4) == (0x1F, 0x4E, 0x5F)).all()


def test_the_old_background_leaves_the_edge(scene):
    frame, matte, true = scene
    made = setting(frame, matte, plain("#000000", 320, 240), 0.0).over(frame, matte)
    wanted = true * matte[..., None]
    edge = (matte > 0.1) & (matte < 0.9)
    naive = frame * matte[..., None]
    assert np.abs(made - wanted)[edge].mean() < 6 < np.abs(naive - wanted)[edge].mean()
    assert np.array_equal(made[matte == 1], frame[matte == 1])
    assert (made[matte == 0] == 0).all()


@pytest.mark.parametrize("colour", ["#102850", "#f0e0c0", "#000000", "#ffffff"])
def test_colours_come_nearer_and_stay_within_limits(scene, colour):
    frame, matte, _ = scene
    backdrop = plain(colour, 320, 240)
    before = frame[matte == 1].mean(axis=0)
    means = [
        setting(frame, matte, backdrop, strength).over(frame, matte)[matte == 1].mean(axis=0)
        for strength in (0, 0.5, 1)
    ]
    target = backdrop[0, 0].astype(float)
    far = [float(np.linalg.norm(each - target)) for each in means]
    assert np.allclose(means[0], before) and far[0] > far[1] > far[2]
    assert np.abs(means[2] - before).max() < 40  # skin stays skin


def test_light_from_behind_reaches_round_the_edge(scene):
    frame, matte, _ = scene
    white = plain("#ffffff", 320, 240)
    inner = (matte == 1) & (np.hypot(*(np.mgrid[0:240, 0:320] - [[[130]], [[160]]])) > 66)
    dark, lit = (setting(frame, matte, white, each).over(frame, matte) for each in (0, 1))
    assert lit[inner].mean() > dark[inner].mean() + 1


def test_blur_takes_the_background_only(scene):
    frame, matte, _ = scene
    frame = frame.copy()
    frame[10:14, 20:24] = 255  # a lamp
    behind = out_of_focus(frame, matte, 0.6)
    assert behind.shape == frame.shape
    middle = behind[120:140, 150:170].astype(int)
    assert np.abs(middle - GREEN).max() < 16  # nothing of the person bleeds out
    lamp = behind[:40, :50].astype(int).sum(axis=2) - GREEN.sum()
    assert (lamp > 6).sum() > 16 * 4 and lamp.max() < 300  # it became a disc
