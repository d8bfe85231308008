"""kill -9 in the middle of a dub, with real processes: the same film, and nothing done twice over."""

import pytest

from tests.dub.studio import SAID, SAMPLE, ask, make, result, run
from tests.studio.kill_helper import kill_and_resume
from workflows.dub import WORKFLOW

KILLS = 30


@pytest.mark.slow
def test_a_dub_that_is_killed_thirty_times_ends_with_the_same_files(tmp_path, heard_sample):
    calm = make(heard_sample(tmp_path / "calm"))
    expected = result(calm, run(calm, ask(calm, video=SAMPLE, subtitles=SAID)))
    wild = make(tmp_path / "wild")
    job = wild.submit("dub", ask(wild, video=SAMPLE, subtitles=SAID))
    report = kill_and_resume(
        "tests.dub.studio:make",
        tmp_path / "wild",
        job.id,
        kills=KILLS,
        seed=5,
        longest_s=0.5,
        steps=len(WORKFLOW.steps) - 2,
    )
    assert report.kills >= KILLS - 5, "the job was too short for this test"
    assert wild.result(job.id) == expected
    assert report.repeated <= report.kills
