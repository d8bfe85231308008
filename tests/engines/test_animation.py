import numpy as np
import pytest

from engines import catalog
from engines.animation.pose import Pose, poses
from engines.roles import Part, Phone
from media.audio import Audio, open_audio, write_audio
from media.pictures import read_picture
from studio.errors import Cancelled
from studio.progress import silent
from tests.media import ROOT, shared

FPS = 25
RATE_HZ = 16_000


@pytest.fixture(params=catalog.entries("PortraitAnimator"), scope="module")
def animator(request):
    entry = catalog.entry(request.param)
    if lacking := entry.missing():
        pytest.skip(f"{entry.id}: {lacking[0].what} is missing")
    return entry.build()


@pytest.fixture(scope="module")
def finder():
    entry = catalog.entry("face-mesh")
    if lacking := entry.missing():
        pytest.skip(f"{entry.id}: {lacking[0].what} is missing")
    return entry.build()


@pytest.fixture(scope="module")
def portrait():
    return read_picture(ROOT / "assets" / "portrait.jpg", longest_px=512)


@pytest.fixture(scope="module")
def face(finder, portrait):
    return finder.find(portrait)[0]


def tone(parts, tmp_path):
    """Write silence (0) and buzzing (1) of half a second each."""
    t = np.arange(RATE_HZ // 2) / RATE_HZ
    buzz = 0.3 * np.sign(np.sin(2 * np.pi * 120 * t)) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))
    samples = np.concatenate([buzz * part for part in parts])[None].astype(np.float32)
    return open_audio(write_audio(Audio(samples, RATE_HZ), tmp_path / "tone.flac"))


def film(animator, portrait, face, speech, phones=(), seed=0, progress=silent, part=None):
    return animator.animate(
        portrait, face, speech, phones, fps=float(FPS), seed=seed, progress=progress, part=part
    )


def opening(finder, picture):
    (face,) = finder.find(picture)
    return float(np.linalg.norm(face.points[13] - face.points[14])) / face.height_px


def test_there_are_as_many_frames_as_the_speech_lasts(animator, portrait, face, tmp_path):
    told = []
    frames = film(
        animator, portrait, face, tone([1, 0, 1], tmp_path), progress=lambda *now: told.append(now)
    )
    assert iter(frames) is frames  # one at a time, never a list
    shapes = {(each.shape, each.dtype) for each in frames}
    assert shapes == {(portrait.shape, np.dtype(np.uint8))}
    assert told == sorted(told) and told[-1] == (38, 38)


def test_the_mouth_opens_with_sound_and_stays_shut_in_silence(
    animator, finder, portrait, face, tmp_path
):
    frames = list(film(animator, portrait, face, tone([0, 0, 1, 1, 0, 0], tmp_path)))
    open_ = np.array([opening(finder, each) for each in frames])
    rest = opening(finder, portrait)
    assert open_[28:48].mean() > rest + 0.02
    assert np.abs(open_[3:20] - rest).max() < 0.012  # only blinks and breath
    assert np.abs(open_[56:] - rest).max() < 0.012


def test_sounds_shape_the_mouth(animator, finder, portrait, face, tmp_path):
    speech = tone([1, 1, 1, 1], tmp_path)
    phones = [Phone("ɑ", 0.1, 0.6), Phone("m", 0.7, 1.2), Phone("u", 1.3, 1.9)]
    frames = list(film(animator, portrait, face, speech, phones))
    wide, shut, round_ = (frames[at] for at in (9, 24, 41))
    assert opening(finder, wide) > opening(finder, shut) + 0.03

    def width(picture):
        (found,) = finder.find(picture)
        return np.linalg.norm(found.points[61] - found.points[291]) / found.height_px

    assert width(round_) < width(wide) - 0.01


def test_the_same_seed_gives_the_same_film(animator, portrait, face, tmp_path):
    speech = tone([1, 0, 1, 1, 0, 0], tmp_path)
    one, again, other = (
        list(film(animator, portrait, face, speech, seed=seed)) for seed in (3, 3, 4)
    )
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_what_is_far_from_the_face_stays_exact(animator, finder, tmp_path):
    small = read_picture(ROOT / "assets" / "portrait.jpg", longest_px=256)
    wide = np.full((600, 900, 3), 90, np.uint8)
    wide[200:456, 320:576] = small
    face = finder.find(wide)[0]
    reach = round(3.2 * face.height_px / 2)
    x, y = face.points.mean(axis=0).astype(int)
    outside = np.ones(wide.shape[:2], bool)
    outside[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach] = False
    assert outside.any()
    for frame in film(animator, wide, face, tone([1, 1], tmp_path)):
        assert np.array_equal(frame[outside], wide[outside])


def test_nothing_jumps_from_frame_to_frame(animator, portrait, face):
    speech = open_audio(shared("speech/en_LJ001-0002.flac"))
    before, steps = None, []
    for frame in film(animator, portrait, face, speech):
        if before is not None:
            steps.append(np.abs(frame.astype(int) - before).mean())
        before = frame.astype(int)
    assert 0 < max(steps) < 6.0


PHONES = (Phone("ɑ", 1.0, 1.4), Phone("m", 1.4, 1.8), Phone("u", 3.2, 3.9), Phone("i", 5.0, 5.8))


@pytest.mark.parametrize("phones", [PHONES, ()])
def test_parts_are_the_whole_film(animator, portrait, face, tmp_path, phones):
    """The middle of a speech, animated with two seconds of sound around it, is the same film."""
    if animator.looks_back:
        pytest.skip("it goes on from the frames before")
    rough = np.random.default_rng(1).normal(size=8 * 48_000) * 0.1
    rough *= np.repeat(np.random.default_rng(2).random(80), 4800)
    whole = open_audio(write_audio(Audio(rough[None].astype(np.float32), 48_000), tmp_path / "w"))
    excerpt = open_audio(write_audio(whole.cut(1, 6), tmp_path / "e"))
    first, stop = round(3.2 * FPS), round(3.8 * FPS)
    expected = film(animator, portrait, face, whole, phones, 2, part=Part(first, stop))
    near = [Phone(each.symbol, each.start_s - 1, each.end_s - 1) for each in phones]
    part = Part(first - FPS, stop - FPS, 1.0)
    made = film(animator, portrait, face, excerpt, near, 2, part=part)
    for one, other in zip(made, expected, strict=True):
        assert np.array_equal(one, other)


def test_it_can_be_stopped(animator, portrait, face, tmp_path):
    def stop(done, total):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        list(film(animator, portrait, face, tone([1] * 8, tmp_path), progress=stop))


@pytest.mark.parametrize("seconds", [0.02, 0.3, 7.0])
def test_silence_closes_the_mouth_of_every_pose(seconds):
    quiet = Audio(np.zeros((1, round(RATE_HZ * seconds)), np.float32), RATE_HZ)
    made = poses(quiet, (), range(max(1, round(seconds * FPS))), FPS, 1)
    assert max(each.jaw for each in made) < 0.02
    assert all(0 <= each.blink <= 1 for each in made)
    if seconds > 5:
        assert max(each.blink for each in made) > 0.8


def test_a_smile_goes_softly_into_speech():
    from engines.animation.mouth import Mouth

    mouth = Mouth.__new__(Mouth)
    mouth._half = 50.0
    kept = [mouth._motion(Pose(jaw=jaw)).kept for jaw in np.linspace(0, 0.3, 61)]
    assert kept[0] == 1 and min(kept) < 0.6
    assert np.abs(np.diff(kept)).max() < 0.06
