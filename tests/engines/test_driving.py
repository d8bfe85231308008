"""Portraits that are led by a face in a film."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from engines import catalog
from engines.animation.performance import Acting, gaze_of
from engines.roles import Part, Performance
from media.audio import Audio, open_audio, write_audio
from media.pictures import read_picture
from media.probe import probe
from media.steady import frames_between, steady
from studio.errors import Cancelled
from studio.progress import silent
from tests import tiny
from tests.media import ROOT, shared

FPS = 25


@pytest.fixture(params=catalog.entries("PortraitDriver"), scope="module")
def driver(request):
    return tiny.engine(request.param)


@pytest.fixture(scope="module")
def finder():
    return tiny.engine("face-mesh")


@pytest.fixture(scope="module")
def portrait():
    return read_picture(ROOT / "assets" / "portrait.jpg", longest_px=256)


@pytest.fixture(scope="module")
def face(finder, portrait):
    return finder.find(portrait)[0]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A woman who says a sentence of two seconds and blinks in its first."""
    path = tmp_path_factory.mktemp("clip") / "steady.mp4"
    steady(probe(shared("video/grid_brbk7n.mpg")), path, FPS, longest_px=360)
    return path


@pytest.fixture(scope="module")
def performance(clip, finder):
    found = [finder.find(each)[0].points for each in frames_between(clip, 0, 45, FPS)]
    return Performance(
        np.stack(found), float(FPS), lambda first, stop: frames_between(clip, first, stop, FPS)
    )


def test_a_film_is_read_from_any_frame(clip):
    whole = list(frames_between(clip, 0, 1_000, FPS))
    assert len(whole) == 75 and whole[0].shape == (288, 360, 3)
    for first, stop in ((0, 3), (24, 27), (51, 52), (74, 90)):
        part = list(frames_between(clip, first, stop, FPS))
        assert np.array_equal(part, whole[first:stop])


def test_another_rate_keeps_the_time(tmp_path):
    out = tmp_path / "s.mp4"
    steady(probe(shared("video/grid_brbk7n.mpg")), out, 30, longest_px=100)
    frames = list(frames_between(out, 0, 1_000, 30))
    assert len(frames) == 90 and frames[0].shape == (80, 100, 3)


def test_there_is_a_frame_for_each_that_is_followed(driver, performance, portrait, face):
    told, wanted = [], [3, 3, 4, 5, 4]
    frames = driver.drive(
        portrait, face, performance, wanted, progress=lambda *now: told.append(now)
    )
    assert iter(frames) is frames
    made = list(frames)
    assert [(each.shape, each.dtype) for each in made] == [(portrait.shape, np.uint8)] * 5
    assert np.abs(made[0].astype(int) - made[1]).max() <= 1  # batches differ in their last digits
    assert np.abs(made[2].astype(int) - made[4]).max() <= 1
    assert not np.array_equal(made[1], made[3]) and told[-1] == (5, 5)


def test_parts_meet(driver, performance, portrait, face):
    def made(frames):
        return list(driver.drive(portrait, face, performance, frames, progress=silent))

    whole, later = made(range(30, 36)), made(range(33, 36))
    apart = [np.abs(a.astype(int) - b).mean() for a, b in zip(whole[3:], later, strict=True)]
    steps = [np.abs(a.astype(int) - b).mean() for a, b in pairwise(whole)]
    assert max(apart) < 0.01 * max(steps)


def test_it_can_be_stopped(driver, performance, portrait, face):
    def stop(done, total):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        list(driver.drive(portrait, face, performance, [1, 2, 3], progress=stop))


def test_the_puppet_does_what_the_face_does(finder, performance, portrait, face):
    wanted = range(0, len(performance.points), 3)
    made = tiny.engine("puppet-driver").drive(portrait, face, performance, wanted, progress=silent)

    def opening(points):
        return float(
            np.linalg.norm(points[13] - points[14]) / np.linalg.norm(points[10] - points[152])
        )

    ours = [opening(finder.find(frame)[0].points) for frame in made]
    theirs = [opening(performance.points[frame]) for frame in wanted]
    assert np.corrcoef(ours, theirs)[0, 1] > 0.8


def test_the_puppet_says_other_words_than_the_face(finder, performance, portrait, face, tmp_path):
    """It is silent for a second, whatever the face in the film does, and then speaks."""
    said = open_audio(shared("speech/en_LJ001-0002.flac")).cut(0, 0.8)
    quiet = np.zeros((1, said.sample_rate_hz), np.float32)
    sound = Audio(np.concatenate([quiet, said.samples], axis=1), said.sample_rate_hz)
    path = write_audio(sound, tmp_path / "said.flac")

    def made(frames):
        words = (open_audio(path), (), Part(frames.start, frames.stop))
        saying, driver = replace(performance, words=words), tiny.engine("puppet-driver")
        return driver.drive(portrait, face, saying, frames, progress=silent)

    films = list(made(range(40)))
    meshes = [finder.find(frame)[0].points for frame in films]
    openings = [np.linalg.norm(each[13] - each[14]) for each in meshes]
    assert max(openings[:22]) < 0.25 * max(openings[24:])
    later = np.array(list(made(range(30, 40))), int)  # in parts it is the same
    assert np.abs(later - np.array(films[30:], int)).max() <= 2


def test_a_blink_is_a_blink(performance):
    acting = Acting(performance.points, performance.fps)
    blink = np.array([each.blink for each in acting.poses()])
    assert 20 <= blink.argmax() <= 24 and blink.max() > 0.7 and np.median(blink) < 0.05
    rest = acting.poses()[acting.rest]
    assert rest.jaw < 0.05 and rest.blink < 0.1


def test_eyes_that_look_aside_are_seen(face):
    dark = np.full((256, 256, 3), 230, np.uint8)
    found = []
    for shift in (-3, 0, 3):
        picture = dark.copy()
        for eye in ((33, 133), (362, 263)):
            x, y = face.points[list(eye)].mean(axis=0).round().astype(int)
            picture[y - 3 : y + 4, x + shift - 2 : x + shift + 3] = 20
        found.append(gaze_of(picture, face.points))
    assert found[0] < found[1] - 0.05 < found[2] - 0.1


def test_what_pasting_alone_does_is_told(driver, portrait, face):
    told = driver.paste_back(portrait, face)
    assert told is None or (told.is_exact_outside and told.psnr_db > 20 and told.scale > 0)
