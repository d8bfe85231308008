"""Kills a studio again and again, with kill -9, while it works on one job.

    report = kill_and_resume("tests.studio.toy:make_studio", folder, job.id, kills=30, seed=1)

The factory is `module:function` and makes a `Studio` of a data folder. Each life is a process of
its own that starts the studio as a server and follows the job; all but the last are killed at a
random moment after the job began to run. What was computed is read from the studio's log, which
has a line for every item of every step that is begun.
"""

import contextlib
import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.forked import processes

LIFE_S = 240.0  # the longest that a life may take, on a busy machine
BEGUN = re.compile(r'"message": "computing (\S+) ([0-9a-f]{64})"')


@dataclass(frozen=True)
class KillReport:
    kills: int  # how often the process was killed before the job ended
    begun: Counter[str]  # key -> how often its computation was begun

    @property
    def repeated(self) -> int:
        """How many computations were begun again."""
        return sum(self.begun.values()) - len(self.begun)


@dataclass(frozen=True)
class Said:
    """How a life finds its job."""

    state: str
    step_n: int
    step: str


@dataclass(frozen=True)
class Life:
    """A studio in a process of its own, and what it says of its job."""

    process: BaseProcess
    said: Connection

    def reaches(self, wanted: Callable[[Said], bool], timeout_s: float) -> bool:
        """Wait until it finds its job like that; False if it ends first."""
        deadline = time.monotonic() + timeout_s
        with contextlib.suppress(EOFError):
            while True:
                assert self.said.poll(max(0.0, deadline - time.monotonic())), "it took too long"
                if wanted(self.said.recv()):
                    return True
        self.process.join(timeout_s)
        return False

    def end(self) -> None:
        """Kill it, and every process that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()  # it may not lead a group yet
        self.process.join()
        self.said.close()


def kill_and_resume(
    factory: str,
    folder: Path,
    job: str,
    *,
    kills: int,
    seed: int,
    shortest_s: float = 0.0,
    longest_s: float = 2.0,
    after: str = "",
    steps: int = 1,
) -> KillReport:
    """See the job through `kills` deaths; each comes a random while after the job came to a step.

    Args:
        factory: makes the studio.
        folder: its data.
        job: its id.
        kills: how many deaths at most; there are fewer if the job is done before.
        seed: of the moments.
        shortest_s: the while is that long at least.
        longest_s: and that long at most.
        after: the step's title; "": any.
        steps: each death comes in or after a step from the first to this one, drawn; the later the
            death, the later the step.
    """
    dice, done = random.Random(seed), 0
    for least in sorted(dice.randint(1, steps) for _ in range(kills)):
        life = begin(factory, folder, job)
        try:
            if not life.reaches(partial(_came_to, least, after), LIFE_S):
                break  # it was done before its time had come
            life.process.join(dice.uniform(shortest_s, longest_s))
            if not life.process.is_alive():
                break
            done += 1
        finally:
            life.end()
    last = begin(factory, folder, job)
    try:
        last.reaches(lambda said: False, LIFE_S)
        assert last.process.exitcode == 0
    finally:
        last.end()
    return KillReport(done, begun(folder))


def _came_to(step_n: int, title: str, said: Said) -> bool:
    return said.state == "running" and said.step_n >= step_n and title in said.step


def begun(folder: Path) -> Counter[str]:
    """Return key -> how often it was begun to be computed, from the logs of a data folder."""
    logs = sorted((folder / "logs").glob("*.jsonl*"))
    return Counter(key for each in logs for _, key in BEGUN.findall(each.read_text()))


def begin(factory: str, folder: Path, job: str) -> Life:
    """Start a life."""
    hears, says = processes().Pipe(duplex=False)
    process = processes().Process(target=live, args=(factory, folder, job, says))
    process.start()
    says.close()
    return Life(process, hears)


def live(factory: str, folder: Path, job: str, says: Connection) -> None:
    """Be one life: the leader of a process group, so that nothing of it outlives it."""
    os.setsid()
    module, _, name = factory.partition(":")
    studio = getattr(import_module(module), name)(folder)
    from studio import durable
    from studio.logs import to_file

    durable.POLL_S = 0.05  # a life is short
    to_file(studio.settings.logs)
    studio.start()
    while not studio.health().working:  # until then the table shows what the last life left
        time.sleep(0.02)
    for each in studio.follow(job):
        says.send(Said(each.state, each.step_n, each.step))
    studio.stop()
    raise SystemExit(0 if studio.job(job).state == "done" else 1)
