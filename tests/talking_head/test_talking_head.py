"""The whole workflow, in a studio of its own, on real pictures and real speech."""

import logging

import av
import numpy as np
import pytest

from engines import catalog
from media.audio import open_audio
from media.film import read_film
from media.subtitles import read_subtitles
from tests.dub.studio import make
from tests.media import ROOT, shared
from workflows.talking_head import WORKFLOW

SCRIPT = "Good morning. [PAUSE 0.6] Bring five apples, please!"


@pytest.fixture(autouse=True)
def _engines():
    for id_ in ("face-mesh", "puppet", "flite", "espeak-clock"):
        if lacking := catalog.entry(id_).missing():
            pytest.skip(f"{id_}: {lacking[0].what} is missing")


class Made:
    """A finished job: its state, its report, its files."""

    def __init__(self, studio, job):
        self.state, self.error, self.job = job.state, job.error, job.id
        self.report = studio.result(job.id).report if job.state == "done" else None
        self.files = studio.export(job.id) if job.state == "done" else {}


def speak(tmp_path, *, avatar=ROOT / "assets" / "portrait.jpg", audio=None, **settings):
    """Run a job in the data folder `tmp_path`."""
    studio = make(tmp_path)
    taken = {
        name: studio.store.take_in(path, "application/octet-stream")
        for name, path in (("avatar", avatar), ("audio", audio))
        if path is not None
    }
    job = studio.submit("talking-head", WORKFLOW.request(**taken, **settings))
    return Made(studio, studio.run_here(job.id, lambda _: None))


def test_a_portrait_says_a_script(tmp_path):
    made = speak(tmp_path, script=SCRIPT)
    assert made.state == "done", made.error
    report = made.report
    with av.open(str(made.files["video"])) as film:
        picture, sound = film.streams.video[0], film.streams.audio[0]
        assert (picture.width, picture.height, picture.codec.name) == (512, 512, "h264")
        assert picture.frames == report.frames == round(report.duration_s * 25)
        assert abs(picture.duration * picture.time_base - sound.duration * sound.time_base) < 0.045
        assert len(film.streams.subtitles) == 1
    assert abs(report.loudness_lufs + 16) < 0.6 and report.true_peak_dbtp <= -1.0
    assert abs(report.lip_lag_frames) <= 1 and report.lip_correlation > 0.35
    assert report.silent_opening < 0.3
    cues = read_subtitles(made.files["subtitles"])
    assert " ".join(each.text for each in cues).split() == [
        "Good",
        "morning.",
        "Bring",
        "five",
        "apples,",
        "please!",
    ]
    speech = open_audio(made.files["audio"])
    assert abs(speech.duration_s - report.duration_s) < 0.01


def test_a_recording_moves_the_mouth(tmp_path):
    made = speak(tmp_path, audio=shared("speech/en_LJ001-0002.flac"), format="youtube")
    assert made.state == "done", made.error
    report = made.report
    assert (report.width_px, report.height_px) == (1280, 720)
    assert abs(report.lip_lag_frames) <= 1 and report.lip_correlation > 0.4
    assert "subtitles" not in made.files and any("captions" in each for each in report.warnings)


def test_captions_are_drawn_below_the_chin(tmp_path):
    drawn, bare = (
        speak(tmp_path, script="Hello.", captions=captions, format="tiktok")
        for captions in ("burned", "off")
    )
    assert drawn.state == bare.state == "done"
    with_, without = (
        np.stack(list(read_film(each.files["video"]))[10:13]).astype(int) for each in (drawn, bare)
    )
    rows = np.flatnonzero(np.abs(with_ - without).max(axis=(0, 2, 3)) > 90)
    assert with_.shape[1:3] == (1920, 1080) and rows.size and rows.min() > 0.6 * 1920


def test_one_changed_sentence_is_spoken_again_alone(tmp_path, caplog):
    caplog.set_level(logging.INFO, "studio.steps")
    for script, spoken in (("One is here. Two is there.", 2), ("One is here. Two is gone.", 1)):
        caplog.clear()
        assert speak(tmp_path, script=script).state == "done"
        computed = [
            each.getMessage() for each in caplog.records if "talk.speak" in each.getMessage()
        ]
        assert len(computed) == spoken


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("portraits/noface_cat.png", "no face was found"),
        ("odd/zero_byte.mp4", "not a picture"),
        ("odd/random_bytes.wav", "not a picture"),
    ],
)
def test_a_picture_that_will_not_work_is_told_why(name, says, tmp_path):
    made = speak(tmp_path, avatar=shared(name), script="Hello.")
    assert made.state == "failed" and says in made.error and made.error.count(".") <= 4


def test_two_faces_are_refused(tmp_path):
    from PIL import Image

    one = Image.open(shared("portraits/woman_astronaut_512.png"))
    both = Image.new("RGB", (1024, 512))
    both.paste(one, (0, 0))
    both.paste(one, (512, 0))
    both.save(tmp_path / "both.png")
    made = speak(tmp_path, avatar=tmp_path / "both.png", script="Hello.")
    assert made.state == "failed" and "2 faces" in made.error and "Crop" in made.error
