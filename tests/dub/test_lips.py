"""The lips follow the dub, on a talking clip of three seconds; all else of the picture stays."""

import json

import numpy as np
import pytest

from media.probe import probe
from media.repicture import find_shots, read_frames
from media.verify import picture_hash
from studio.errors import Cancelled
from tests.dub.studio import ask, make, result, run
from tests.media import shared
from workflows.dub import WORKFLOW

pytestmark = pytest.mark.slow

CUES = "1\n00:00:00,400 --> 00:00:02,400\nset blue in a one again\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lips")
    (folder / "said.srt").write_text(CUES, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def studio(place):
    return make(place / "data")


def order(studio, place, clip, **fields):
    said = place / "said.srt"
    usual = {"subtitles": said, "translated_subtitles": said, "source_language": "en"}
    usual |= {"target_language": "es", "speakers": 1, "clone_voices": False, "lip_sync": True}
    return ask(studio, video=shared(clip), **{**usual, **fields})


@pytest.fixture(scope="module")
def dubbed(studio, place):
    return run(studio, order(studio, place, "video/grid_sbia1a.mpg"))


def test_the_lips_follow_and_the_report_tells_how_well(studio, dubbed):
    made = result(studio, dubbed)
    assert dubbed.engines["LipSyncer"] == "mouth-warp"
    assert made.report.metric("lips_shots").value == 1
    before, after = (made.report.metric(f"lips_{each}").value for each in ("before", "after"))
    assert after > 0.5 and after > before + 0.1
    assert abs(made.report.metric("lips_lag").value) <= 1
    assert made.report.metric("picture_copied").passed is None


def test_the_film_has_every_frame_at_its_time_and_only_the_face_changed(studio, dubbed):
    before = probe(shared("video/grid_sbia1a.mpg"))
    after = probe(studio.store.path(result(studio, dubbed).video))
    pairs = list(zip(read_frames(before), read_frames(after), strict=True))
    assert max(abs(float(a.at_s - b.at_s)) for a, b in pairs) < 0.002
    apart = np.array([np.abs(a.pixels().astype(int) - b.pixels()).mean(axis=2) for a, b in pairs])
    assert apart[:, :40].mean() < 2 and apart.max() > 40  # coding there, another mouth here


def test_what_did_not_change_is_not_made_again(studio, place, dubbed):
    again = run(studio, order(studio, place, "video/grid_sbia1a.mpg", container="mkv"))
    origins = (
        json.loads(each.read_text().splitlines()[0])
        for each in studio.settings.data_dir.glob("memory/*/*.json")
    )
    titles = [each["step"] for each in origins if each["job"] == again.id]
    assert "Put the film together" in titles
    assert not {"Look for faces", "Let the lips follow"} & set(titles)


def test_where_nobody_is_seen_the_picture_is_copied_and_the_report_says_why(studio, place):
    job = run(studio, order(studio, place, "odd/avsync_flash_beep.mp4"))
    made = result(studio, job)
    assert any("no face is seen" in each for each in made.report.warnings)
    before, after = probe(shared("odd/avsync_flash_beep.mp4")), studio.store.path(made.video)
    assert picture_hash(before) == picture_hash(probe(after))


def test_the_one_who_speaks_is_told_from_the_one_who_is_silent(studio, place):
    from workflows.dub import lips

    media = studio.store.take_in(shared("video/made_two_faces.mp4"), "video/mp4")
    job = studio.submit("dub", order(studio, place, "video/made_two_faces.mp4"))
    made = result(studio, studio.run_here(job.id, lambda _: None))
    info = probe(studio.store.path(made.video))
    frames = zip(read_frames(probe(studio.store.path(media))), read_frames(info), strict=True)
    apart = np.mean([np.abs(a.pixels().astype(int) - b.pixels()) for a, b in frames], axis=(0, 3))
    left, right = apart[:, :360], apart[:, 360:]
    assert left.max() > 3 * right.max()
    assert lips.follow in WORKFLOW.steps


def test_it_is_off_unless_asked_for(place, studio):
    request = order(studio, place, "video/grid_sbia1a.mpg", lip_sync=False)
    assert not {"LipSyncer", "FaceFinder"} & {each.role for each in WORKFLOW.needs(request)}


def test_shots_are_found_and_looking_can_be_stopped():
    info = probe(shared("video/made_talk_4shots.mp4"))
    shots = list(find_shots(info))
    assert [each.frames for each in shots] == [75] * 4
    assert [each.start_s for each in shots] == pytest.approx([0, 3, 6, 9], abs=0.01)
    assert len(list(read_frames(info, shots[2]))) == 75

    def stop():
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        next(read_frames(info, check=stop))


def test_new_lips_that_follow_less_well_are_told_from_better_ones():
    from workflows.dub.lips import Read, _is_worse

    dice = np.random.default_rng(3)
    level = np.repeat(dice.uniform(-50, -10, 20), 5) + dice.normal(0, 1, 100)
    follows, strays = level / 100 + 1, dice.uniform(0, 1, 100)
    assert _is_worse(Read(tuple(follows), tuple(strays), tuple(level)))
    assert not _is_worse(Read(tuple(strays), tuple(follows), tuple(level)))
    assert not _is_worse(Read(tuple(follows[:5]), tuple(strays[:5]), tuple(level[:5])))
