"""The whole workflow, in a studio of its own, on real pictures and real speech."""

import logging

import av
import numpy as np
import pytest
from pydantic import ValidationError

from engines import catalog
from media.audio import open_audio
from media.film import read_film
from media.pictures import read_picture
from media.subtitles import read_subtitles
from studio.artefacts import Artefact
from studio.errors import BadInput
from tests.dub.studio import make
from tests.media import ROOT, shared
from workflows.talking_head import WORKFLOW, portrait
from workflows.talking_head.sheet import SentenceEdit, Sheet

pytestmark = pytest.mark.slow

UNREAD = Artefact("0" * 64, "image/png", 1, "picture.png")
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
    asked = {"consent": "nobody", **taken, **settings}
    job = studio.submit("talking-head", WORKFLOW.request(**asked))
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
    """With large letters that stand high, in a square: they must move out of the face's way."""
    settings = {"script": "Hello everybody, it is me again.", "caption_style": "bold_pop"}
    drawn, bare = (speak(tmp_path, captions=each, **settings) for each in ("burned", "off"))
    assert drawn.state == bare.state == "done"
    with_, without = (np.stack(list(read_film(each.files["video"]))) for each in (drawn, bare))
    change = np.abs(with_.astype(np.int16) - without).max(axis=(0, 2, 3))
    rows = np.flatnonzero(change > 90)
    finder = catalog.entry("face-mesh").build()
    chin = max(finder.find(each)[0].points[:, 1].max() for each in without[5::8])
    assert rows.size and rows.min() > chin
    assert drawn.report.metrics and all(each.passed is not False for each in drawn.report.metrics)
    told = drawn.files["report_text"].read_text(encoding="utf-8")
    assert "| ✓ | Lag of the mouth" in told and "✗" not in told


def test_one_changed_sentence_is_spoken_again_alone(tmp_path, caplog):
    caplog.set_level(logging.INFO, "studio.steps")

    def of(job, step):
        caplog.clear()
        made = speak(tmp_path, script="One is here. Two is there. Three.", edits=job)
        assert made.state == "done", made.error
        sheet = Sheet.model_validate_json(made.files["sentences"].read_text(encoding="utf-8"))
        return sheet, sum(step in each.getMessage() for each in caplog.records)

    first, spoken = of((), "talk.speak")
    assert spoken == 3 and [each.number for each in first.sentences] == [0, 1, 2]
    slot_s = first.sentences[0].slot_s
    edits = (
        SentenceEdit(number=0, text="One is gone.", slot_s=slot_s),
        SentenceEdit(number=2, take=1),  # at another pace, since this voice always says the same
    )
    second, spoken = of(edits, "talk.speak")
    assert spoken == 2 and [each.text for each in second.sentences][:2] == [
        "One is gone.",
        "Two is there.",
    ]
    assert second.sentences[1].start_s == pytest.approx(first.sentences[1].start_s, abs=1e-4)
    assert second.edits == edits and second.sentences[0].written == "One is here."
    lengths = [each.sentences[2].end_s - each.sentences[2].start_s for each in (first, second)]
    assert lengths[1] != lengths[0]


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


def test_five_points_stand_for_the_finder(tmp_path):
    """On a cat nothing is found; with points it speaks. Wrong ones are told, in a sentence."""
    points = ("0.42,0.30", ".60 0.30", "0.51,0.42", "0.44,0.5", "0.58,0.5")
    made = speak(tmp_path, avatar=shared("portraits/noface_cat.png"), script="Mew.", points=points)
    assert made.state == "done", made.error
    assert any("by hand" in each for each in made.report.warnings) and made.report.face_score < 0.9
    with pytest.raises(ValidationError, match=r"'0\.4;0\.5' is no place in the picture"):
        WORKFLOW.request(points=("0.4;0.5",))
    with pytest.raises(BadInput, match="3 points"):
        WORKFLOW.check(WORKFLOW.request(points=points[:3], script="Hello.", avatar=UNREAD))


def test_a_face_that_only_the_spotter_sees_speaks(tmp_path):
    from PIL import Image

    if lacking := catalog.entry("mtcnn").missing():
        pytest.skip(f"mtcnn: {lacking[0].what} is missing")
    whole = Image.new("RGB", (1100, 1100), (90, 100, 110))
    whole.paste(
        Image.open(shared("portraits/woman_astronaut_512.png")).resize((220, 220)), (60, 70)
    )
    whole.save(tmp_path / "small.png")
    made = speak(tmp_path, avatar=tmp_path / "small.png", script="Hello.", format="square")
    assert made.state == "done", made.error
    assert made.report.face_score > 0.9 and any(
        "pixels high" in each for each in made.report.warnings
    )


def test_a_picture_is_judged_before_a_job_begins():
    finder = catalog.entry("face-mesh").build()
    good = portrait.judge(finder, read_picture(shared("portraits/woman_astronaut_512.png")))
    none = portrait.judge(finder, read_picture(shared("portraits/noface_cat.png")))
    assert not good.unsure and len(good.five) == 5 and good.five[0][0] < good.five[1][0]
    assert none.unsure and none.told == "No face was found in this picture." and none.five == ()


def test_two_faces_are_refused(tmp_path):
    from PIL import Image

    one = Image.open(shared("portraits/woman_astronaut_512.png"))
    both = Image.new("RGB", (1024, 512))
    both.paste(one, (0, 0))
    both.paste(one, (512, 0))
    both.save(tmp_path / "both.png")
    made = speak(tmp_path, avatar=tmp_path / "both.png", script="Hello.")
    assert made.state == "failed" and "2 faces" in made.error and "Crop" in made.error
