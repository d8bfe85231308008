"""A driving video through the whole workflow; the neural engines with tiny random weights."""

import av
import numpy as np
import pytest

from engines import catalog
from media.film import read_film, write_film
from media.lip_sync import opening
from media.pictures import read_picture
from media.tools import run_ffmpeg
from tests.media import ROOT, shared
from tests.tiny.studio import studio_with
from workflows.talking_head import WORKFLOW
from workflows.talking_head.driving import followed_frames
from workflows.talking_head.script import LEAD_S

pytestmark = pytest.mark.slow


def talk(folder, engines, **fields):
    """Run a job; paths among the fields are taken in."""
    studio = studio_with(folder, **engines)
    portrait = ROOT / "assets" / "portrait.jpg"
    fields = {"avatar": portrait, "captions": "off", "consent": "me", **fields}
    taken = {
        name: studio.store.take_in(value, "application/octet-stream", value.name)
        if hasattr(value, "suffix")
        else value
        for name, value in fields.items()
    }
    job = studio.submit("talking-head", WORKFLOW.request(**taken))
    job = studio.run_here(job.id, lambda _: None)
    if job.state != "done":
        return job, None, {}
    return job, studio.result(job.id).report, studio.export(job.id)


def mouth(film):
    """Return how far the mouth is open in each frame."""
    finder = catalog.entry("face-mesh").build()
    return np.array([opening(finder.find(frame)[0].points) for frame in read_film(film)])


def test_a_portrait_moves_and_speaks_as_the_one_in_a_video(tmp_path):
    video = tmp_path / "her.mp4"
    source = str(shared("video/grid_brbk7n.mpg"))
    run_ffmpeg(["-ss", "0.6", "-t", "1.4", "-f", "mpeg", "-i", source, str(video)])
    job, report, files = talk(tmp_path, {}, driving_video=video)
    assert job.state == "done", job.error
    with av.open(str(files["video"])) as film:
        assert film.streams.video[0].frames == report.frames == round(report.duration_s * 25)
        assert len(film.streams.audio) == 1
    assert 2.0 < report.duration_s < 2.4
    hers, ours = mouth(video), mouth(files["video"])
    late = round(LEAD_S * 25)
    assert np.corrcoef(hers, ours[late : late + hers.size])[0, 1] > 0.9
    for other in (late - 2, late + 2):  # and in time
        assert np.corrcoef(hers, ours[other : other + hers.size])[0, 1] < 0.8
    assert not any("jumps" in each for each in report.warnings)


@pytest.mark.parametrize(
    ("engines", "fields"),
    [
        ({"PortraitAnimator": "liveportrait"}, {"script": "Hi."}),
        (
            {"PortraitDriver": "liveportrait-driver"},
            {"driving_video": "odd/one_frame.mp4", "script": "Hi."},
        ),
    ],
)
def test_liveportrait_makes_whole_films(engines, fields, tmp_path):
    given = {name: shared(value) if "/" in value else value for name, value in fields.items()}
    job, report, files = talk(tmp_path, engines, **given)
    assert job.state == "done", job.error
    is_led = "driving_video" in fields
    assert any("not to other words" in each for each in report.warnings) == is_led
    frames = list(read_film(files["video"]))
    assert len(frames) == report.frames and frames[0].shape == (512, 512, 3)
    portrait = read_picture(ROOT / "assets" / "portrait.jpg", longest_px=512)
    corner = np.abs(frames[-1][-60:, :60].astype(int) - portrait[-60:, :60])
    assert corner.mean() < 4.0  # outside the square: only coded


def test_a_video_without_a_face_is_refused(tmp_path):
    grey = [np.full((96, 96, 3), 90 + 5 * step, np.uint8) for step in range(8)]
    write_film(grey, tmp_path / "grey.mp4", 25)
    job, _, _ = talk(tmp_path / "d", {}, driving_video=tmp_path / "grey.mp4", script="Hi.")
    assert job.state == "failed" and "no face is seen" in job.error


def test_a_video_without_sound_needs_a_script(tmp_path):
    job, _, _ = talk(tmp_path, {}, driving_video=shared("odd/video_no_audio.mp4"))
    assert job.state == "failed" and "has no sound" in job.error and "script" in job.error


@pytest.mark.parametrize(
    ("own_sound", "late", "frames", "followed"),
    [
        (True, 2, 8, (0, 0, 0, 1, 2, 3, 3, 3)),
        (False, 0, 9, (0, 1, 2, 3, 2, 1, 0, 1, 2)),
        (False, 2, 5, (0, 0, 0, 1, 2)),
    ],
)
def test_frames_are_followed_in_time_or_to_and_fro(own_sound, late, frames, followed):
    assert followed_frames(frames, late, 4, is_straight=own_sound) == followed
