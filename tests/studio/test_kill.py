"""kill -9, with real processes: whatever moment it hits, the job ends as if nothing had been."""

import pytest

from tests.studio.kill_helper import kill_and_resume
from tests.studio.toy import ToyRequest, make_studio

WORDS = tuple(f"word{n}" for n in range(20))
FACTORY = "tests.studio.kill_toy:make"


def calm(folder, pause_s):
    studio = make_studio(folder)
    job = studio.submit("toy", ToyRequest(words=WORDS, pause_s=pause_s))
    studio.run_here(job.id, lambda _: None)
    return studio.result(job.id)


@pytest.mark.parametrize(("kills", "seed"), [(4, 1)])
def test_killed_at_random_moments_the_job_ends_with_the_same_files(tmp_path, kills, seed):
    pause_s = 0.05 * kills
    expected = calm(tmp_path / "calm", 0.0)
    studio = make_studio(tmp_path / "wild")
    job = studio.submit("toy", ToyRequest(words=WORDS, pause_s=pause_s))
    report = kill_and_resume(
        FACTORY, tmp_path / "wild", job.id, kills=kills, seed=seed, longest_s=1.0
    )
    assert report.kills >= kills - 1, "the job was too short for this test"
    assert studio.result(job.id) == expected
    assert report.repeated <= report.kills
    assert len(report.begun) == len(WORDS) + 4
    kinds = [event.kind for event in studio.events(job.id)]
    assert kinds.count("restarted") >= 1 and kinds.count("done") == 1


def test_what_crashes_three_times_in_a_step_is_given_up(tmp_path):
    studio = make_studio(tmp_path)
    job = studio.submit("toy", ToyRequest(words=("word",), pause_s=30))
    with pytest.raises(AssertionError):
        kill_and_resume(
            "tests.studio.toy:make_studio",
            tmp_path,
            job.id,
            kills=3,
            seed=3,
            longest_s=0.5,
            after="Say each word",
        )
    job = studio.job(job.id)
    assert job.state == "failed"
    assert job.error_step == "Say each word"
    assert "3 times in «Say each word»" in job.error
