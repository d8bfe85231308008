"""kill -9 in the middle of a dub, with real processes: the same film, and nothing done twice over."""

import pytest

from tests.dub.studio import SAID, SAMPLE, ask, make, result, run
from tests.studio.kill_helper import kill_and_resume


@pytest.mark.parametrize(("kills", "seed"), [(4, 3), pytest.param(30, 5, marks=pytest.mark.slow)])
def test_a_dub_that_is_killed_ends_with_the_same_files(tmp_path, kills, seed):
    calm = make(tmp_path / "calm")
    expected = result(calm, run(calm, ask(calm, video=SAMPLE, subtitles=SAID)))
    wild = make(tmp_path / "wild")
    job = wild.submit("dub", ask(wild, video=SAMPLE, subtitles=SAID))
    report = kill_and_resume(
        "tests.dub.studio:make", tmp_path / "wild", job.id, kills=kills, seed=seed, longest_s=3.0
    )
    assert report.kills >= min(kills, 3), "the job was too short for this test"
    assert wild.result(job.id) == expected
    assert report.repeated <= report.kills
