"""Several processes on one data folder: a studio and commands, and commands alone."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.studio.toy import ToyRequest, make_studio

ROOT = Path(__file__).parents[2]
COMMAND = """
import sys
from pathlib import Path
from tests.studio.toy import ToyRequest, make_studio
studio = make_studio(Path(sys.argv[1]))
job = studio.submit("toy", ToyRequest(words=tuple(sys.argv[2].split()), pause_s=float(sys.argv[3])))
sys.stdout.write(job.id + "\\n")
sys.stdout.flush()
try:
    job = studio.run_here(job.id, lambda job: None)
except KeyboardInterrupt:
    sys.exit(130)
sys.exit(0 if job.state == "done" else 1)
"""


def command(folder, words, pause_s):
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(folder), words, str(pause_s)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def records(folder):
    """Return what is remembered: file -> inode, which changes when it is written anew."""
    return {path: path.stat().st_ino for path in folder.glob("memory/??/*.json")}


def until(is_so):
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def processes():
    """Commands to be ended, whatever happens."""
    begun = []
    yield begun
    for each in begun:
        each.kill()
        each.wait()


def test_a_command_hands_its_job_to_the_studio_that_runs(tmp_path, processes):
    studio = make_studio(tmp_path)
    studio.start()
    processes.append(command(tmp_path, "a b", 0.1))
    assert processes[0].wait(60) == 0
    (job,) = studio.jobs()
    studio.stop()
    assert job.state == "done"
    assert studio.store.has(studio.result(job.id).book)


def test_two_commands_take_turns_and_leave_the_queue_alone(tmp_path, processes):
    studio = make_studio(tmp_path)
    queued = studio.submit("toy", ToyRequest(words=("z",)))
    processes += [command(tmp_path, "a b", 0.3), command(tmp_path, "a c", 0.3)]
    assert [each.wait(60) for each in processes] == [0, 0]
    two, one = studio.jobs(states=("done",))
    first, second = sorted((one, two), key=lambda job: job.started_s)
    assert first.finished_s <= second.started_s
    assert studio.job(queued.id).state == "queued"


def test_ctrl_c_leaves_a_job_that_goes_on_where_it_was(tmp_path, processes):
    studio = make_studio(tmp_path)
    held = tmp_path / "held"  # a word that is being said until the file is gone
    held.touch()
    processes.append(command(tmp_path, f"a {held} c", 0.0))
    id_ = processes[0].stdout.readline().strip()
    until(lambda: studio.job(id_).item == 2)
    processes[0].send_signal(signal.SIGINT)
    assert processes[0].wait(60) == 130
    held.unlink()
    job = studio.job(id_)
    kinds = [event.kind for event in studio.events(id_)]
    assert job.state == "cancelled" and "interrupted" in kinds
    remembered = records(tmp_path)
    studio.retry(id_)
    assert studio.run_here(id_, lambda _: None).state == "done"
    assert len(remembered) == 3, "two steps and the first word"
    assert remembered.items() <= records(tmp_path).items(), "none of them was made again"


def test_a_killed_command_is_taken_up_by_the_next(tmp_path, processes):
    studio = make_studio(tmp_path)
    held = tmp_path / "held"
    held.touch()
    processes.append(command(tmp_path, f"a {held}", 0.0))
    id_ = processes[0].stdout.readline().strip()
    until(lambda: studio.job(id_).step == "Say each word")
    processes[0].kill()
    processes[0].wait()
    held.unlink()
    assert studio.job(id_).state == "running"
    job = studio.run_here(id_, lambda _: None)
    assert job.state == "done"
    assert "restarted" in [event.kind for event in studio.events(id_)]
    assert not list(tmp_path.glob("tmp/*"))
