"""Stop, pressed in the middle of a step: the job ends at once and leaves nothing half-made."""

import time

import psutil
import pytest

from tests.dub.studio import SAID, SAMPLE, ask, make

pytestmark = pytest.mark.slow

PROMISED_S = 2.0  # of the processor: other processes take their time too
PATIENCE_S = 60.0
STEPS = (
    "Look into the file",
    "Separate voices and background",
    "Write down what is said",
    "Speak the lines",
    "Mix",
    "Put the film together",
)
HEARD = STEPS[:3]  # need no subtitles


def wait_for(studio, job, holds, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        now = studio.job(job.id)
        if holds(now):
            return now
        time.sleep(0.02)
    pytest.fail(f"{now.state} in «{now.step}» after {seconds} s: {now.error}")
    return None


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    studio = make(tmp_path_factory.mktemp("cancel"))
    studio.start()
    yield studio
    studio.stop()


@pytest.mark.parametrize("title", STEPS)
def test_stop_ends_a_dub_in_any_step(studio, title):
    before = {each.pid for each in psutil.Process().children(recursive=True)}
    said = {} if title in HEARD else {"subtitles": SAID}  # what comes later need not wait for it
    job = studio.submit("dub", ask(studio, video=SAMPLE, **said))
    now = wait_for(studio, job, lambda j: j.step == title or j.finished, 120)
    began_s = time.process_time()
    studio.cancel(job.id)
    now = wait_for(studio, job, lambda j: j.finished, PATIENCE_S)
    assert time.process_time() - began_s < PROMISED_S
    assert now.state in {"cancelled", "done"}, now.error  # a short step may be over before
    children = psutil.Process().children(recursive=True)
    alive = [each for each in children if each.status() != psutil.STATUS_ZOMBIE]
    assert not [each for each in alive if each.pid not in before]
    assert not list(studio.settings.data_dir.glob("tmp/step-*"))


def test_what_was_stopped_goes_on_and_is_done(studio):
    stopped = next(each for each in studio.jobs() if each.state == "cancelled")
    again = studio.retry(stopped.id)
    assert wait_for(studio, again, lambda j: j.finished, 180).state == "done"
