"""Kills a studio again and again, with kill -9, while it works on one job.

    report = kill_and_resume("tests.studio.toy:make_studio", folder, job.id, kills=30, seed=1)

The factory is `module:function` and makes a `Studio` of a data folder. Each life is a process of
its own that starts the studio as a server and follows the job; all but the last are killed at a
random moment after the job began to run. What was computed is read from the studio's log, which
has a line for every item of every step that is begun.
"""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
BEGUN = re.compile(r'"message": "computing (\S+) ([0-9a-f]{64})"')


@dataclass(frozen=True)
class KillReport:
    kills: int  # how often the process was killed before the job ended
    begun: Counter[str]  # key -> how often its computation was begun
    output: str  # of the last life

    @property
    def repeated(self) -> int:
        """How many computations were begun again."""
        return sum(self.begun.values()) - len(self.begun)


def kill_and_resume(
    factory: str,
    folder: Path,
    job: str,
    *,
    kills: int,
    seed: int,
    shortest_s: float = 0.0,
    longest_s: float = 2.0,
    timeout_s: float = 120.0,
    after: str = "running",
) -> KillReport:
    """See the job through `kills` deaths; each comes `shortest_s` to `longest_s` after the job (re)started, or said `after` (state and step)."""
    dice, done = random.Random(seed), 0
    for _ in range(kills):
        life = _live(factory, folder, job)
        try:
            if _reaches(life, after, timeout_s):
                time.sleep(dice.uniform(shortest_s, longest_s))
            if life.poll() is not None:
                break  # it was done before its time had come
            done += 1
        finally:
            _kill(life)
    last = _live(factory, folder, job)
    try:
        output = last.communicate(timeout=timeout_s)[0]
    finally:
        _kill(last)
    assert last.returncode == 0, output
    return KillReport(done, begun(folder), output)


def begun(folder: Path) -> Counter[str]:
    """Return key -> how often it was begun to be computed, from the logs of a data folder."""
    logs = sorted((folder / "logs").glob("*.jsonl*"))
    return Counter(key for each in logs for _, key in BEGUN.findall(each.read_text()))


def _live(factory: str, folder: Path, job: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.studio.kill_helper", factory, str(folder), job]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _reaches(life: subprocess.Popen[str], words: str, timeout_s: float) -> bool:
    """Wait until a life says that its job is there; False if it ends first."""
    deadline = time.monotonic() + timeout_s
    assert life.stdout is not None
    for line in life.stdout:
        if words in line:
            return True
        assert time.monotonic() < deadline
    return False


def _kill(life: subprocess.Popen[str]) -> None:
    if life.poll() is None:
        os.killpg(life.pid, signal.SIGKILL)
    life.wait()


def main() -> None:
    """Be one life."""
    factory, folder, job = sys.argv[1:]
    module, _, name = factory.partition(":")
    studio = getattr(import_module(module), name)(Path(folder))
    from studio.logs import to_file

    to_file(studio.settings.logs)
    studio.start()
    while not studio.health().working:  # until then the table shows what the last life left
        time.sleep(0.02)
    for each in studio.follow(job):
        sys.stdout.write(f"{each.state} {each.step} {each.error}\n")
        sys.stdout.flush()
    studio.stop()
    sys.exit(0 if studio.job(job).state == "done" else 1)


if __name__ == "__main__":
    main()
