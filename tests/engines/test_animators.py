"""What every engine that lets a portrait speak must keep, with tiny random weights where it has any."""

import cv2
import numpy as np
import pytest

from engines import catalog
from engines.roles import Face
from media.audio import Audio, open_audio, write_audio
from media.pictures import read_picture
from studio.errors import BadInput, Cancelled
from studio.progress import silent
from tests import tiny
from tests.media import ROOT

RATE_HZ = 16_000
FACE_PX = 60  # how high the face is, where a test does not care


@pytest.fixture(params=catalog.entries("PortraitAnimator"), scope="module")
def animator(request):
    return tiny.engine(request.param)


@pytest.fixture(scope="module")
def seen():
    """Return the shipped portrait, and its face."""
    entry = catalog.entry("face-mesh")
    if lacking := entry.missing():
        pytest.skip(f"{entry.id}: {lacking[0].what} is missing")
    pixels = read_picture(ROOT / "assets" / "portrait.jpg", longest_px=512)
    return pixels, entry.build().find(pixels)[0]


def sitter(seen, width, height, face_px=FACE_PX):
    """Return the portrait on a canvas of that size, so that its face is so high and in the middle."""
    pixels, face = seen
    scale = face_px / face.height_px
    middle = face.points.mean(axis=0)
    offset = np.array([width, height]) / 2 - middle * scale
    turn = np.array([[scale, 0, offset[0]], [0, scale, offset[1]]])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    canvas = cv2.warpAffine(
        pixels, turn, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT
    )
    return canvas, Face((face.points * scale + offset).astype(np.float32), face.score, face.turned)


def sound(tmp_path, seconds, pitch_hz=120.0, level=0.3, rate_hz=RATE_HZ):
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    buzz = level * np.sign(np.sin(2 * np.pi * pitch_hz * t)) * (0.6 + 0.4 * np.sin(25 * t))
    audio = Audio(buzz[None].astype(np.float32), rate_hz)
    return open_audio(write_audio(audio, tmp_path / f"{seconds}-{pitch_hz}-{level}.flac"))


def film(animator, portrait, speech, *, fps=25.0, seed=0, progress=silent):
    picture, face = portrait
    return list(animator.animate(picture, face, speech, (), fps=fps, seed=seed, progress=progress))


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("seconds", "fps", "rate_hz"), [(0.02, 25.0, 16_000), (0.7, 24.0, 44_100), (0.7, 30.0, 16_000)]
)
def test_there_are_as_many_frames_as_the_speech_lasts(
    animator, seen, tmp_path, seconds, fps, rate_hz
):
    portrait, told = sitter(seen, 160, 200), []
    frames = film(
        animator,
        portrait,
        sound(tmp_path, seconds, rate_hz=rate_hz),
        fps=fps,
        progress=lambda *now: told.append(now),
    )
    assert len(frames) == max(1, round(seconds * fps))
    assert {(each.shape, each.dtype) for each in frames} == {((200, 160, 3), np.dtype(np.uint8))}
    assert told == sorted(told) and told[-1] == (len(frames), len(frames))


def test_what_is_far_from_the_face_stays_exact(animator, seen, tmp_path):
    picture, face = sitter(seen, 401, 350)
    before = picture.copy()
    reach = 1.7 * face.height_px
    rows, columns = np.mgrid[:350, :401]
    x, y = (face.points.min(axis=0) + face.points.max(axis=0)) / 2
    far = np.maximum(np.abs(columns - x), np.abs(rows - y)) > reach
    frames = film(animator, (picture, face), sound(tmp_path, 0.3))
    assert far.mean() > 0.5
    assert all(np.array_equal(each[far], before[far]) for each in frames)
    assert not same(frames, [before] * len(frames)) and np.array_equal(picture, before)


def test_the_same_seed_gives_the_same_film_and_another_speech_another(animator, seen, tmp_path):
    portrait = sitter(seen, 160, 160)
    speech = sound(tmp_path, 0.5)
    one = film(animator, portrait, speech, seed=3)
    assert same(one, film(animator, portrait, speech, seed=3))
    assert not same(one, film(animator, portrait, speech, seed=4))
    assert not same(one, film(animator, portrait, sound(tmp_path, 0.5, level=0.0), seed=3))


def test_it_can_be_stopped_between_two_frames(animator, seen, tmp_path):
    def stop(done, total):
        if done == 2:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        film(animator, sitter(seen, 160, 160), sound(tmp_path, 0.5), progress=stop)


@pytest.mark.parametrize(
    ("width", "height", "face_px"),
    [(333, 517, 150), (517, 333, 320), (41, 47, 42), (2048, 1500, 300), (90, 1200, 80)],
)
def test_portraits_of_any_size_work_or_are_refused_in_one_sentence(
    animator, seen, tmp_path, width, height, face_px
):
    frames, refusal = [], None
    try:
        frames = film(animator, sitter(seen, width, height, face_px), sound(tmp_path, 0.04))
    except BadInput as error:
        refusal = error
    if refusal is None:
        assert [(each.shape, each.dtype) for each in frames] == [((height, width, 3), np.uint8)]
    else:
        assert "\n" not in refusal.sentence and refusal.remedy


def test_what_pasting_alone_does_is_told(animator, seen):
    told = animator.paste_back(*sitter(seen, 256, 256))
    assert told is None or (told.is_exact_outside and told.psnr_db > 20 and told.scale > 0)
