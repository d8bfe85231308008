"""The stop command runs once, without a shell, and only when nobody needs the machine."""

import sys
import time

from studio.idle import Idle
from tests.studio.toy import ToyRequest, make_studio


def idle_in(folder, seconds=1000.0):
    note = folder / "note; touch hurt"
    code = "import sys; open(sys.argv[1], 'a').write('x')"
    command = f'{sys.executable} -c "{code}" "{note}"'
    studio = make_studio(folder, stop_idle_s=seconds, stop_command=command)
    return studio, Idle(studio.settings, studio._jobs), note


def pass_time(idle):
    idle._alive_s -= 1001.0


def wait_for(path):
    deadline = time.monotonic() + 60
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_runs_once_when_nothing_happens(tmp_path):
    _, idle, note = idle_in(tmp_path)
    idle.tick()
    assert not idle.stopped
    pass_time(idle)
    idle.tick()
    idle.tick()
    wait_for(note)
    time.sleep(0.2)
    assert note.read_text() == "x" and not (tmp_path / "hurt").exists()


def test_a_job_or_an_open_page_keeps_the_machine(tmp_path):
    studio, idle, _ = idle_in(tmp_path)
    studio.submit("toy", ToyRequest())
    pass_time(idle)
    idle.tick()
    assert not idle.stopped
    studio.cancel(studio.jobs()[0].id)
    pass_time(idle)
    idle.seen()
    idle.tick()
    assert not idle.stopped
