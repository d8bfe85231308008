"""Takes queued jobs from the table, hands them to the durable queue, and stops it in good order."""

import logging
import time
from collections import deque
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from studio.collect import Collector
from studio.errors import StudioError
from studio.idle import Idle
from studio.jobs import Jobs
from studio.runner import Runner
from studio.settings import Settings

if TYPE_CHECKING:
    from studio.durable import DurableQueue

LOG = logging.getLogger(__name__)
LOOK_S = 0.5  # how often jobs that another process submitted are looked for
COLLECT_S = 3600.0
REST_S = 10.0  # without a job and without an open page, after which the durable queue may rest


@dataclass(slots=True)
class Worker:
    """The background threads of a studio that works on its queue.

    The table is the truth: `submit` only writes a row, in whatever process. What is written there and
    not yet in the durable queue is put there, under a name that makes doing it twice harmless.
    """

    settings: Settings
    jobs: Jobs
    runner: Runner
    collector: Collector
    idle: Idle
    working: bool = field(default=False, init=False)
    _awake: Event = field(default_factory=Event, init=False)
    _thread: Thread | None = field(default=None, init=False)
    _collected_s: float = field(default_factory=time.monotonic, init=False)
    _taken_back: deque[tuple[str, int]] = field(default_factory=deque[tuple[str, int]], init=False)
    _busy_s: float = field(default_factory=time.monotonic, init=False)
    _active: set[str] = field(default_factory=set[str], init=False)

    def start(self) -> None:
        """Begin, in a thread of its own: the page is served before the queue is ready."""
        self._thread = Thread(target=self._serve, name="worker", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look at the table now."""
        self._awake.set()

    def take_back(self, id_: str, run: int) -> None:
        """A queued job was cancelled: its run need not wait for its turn."""
        self._taken_back.append((id_, run))
        self.wake()

    def stop(self, timeout_s: float) -> bool:
        """End; running jobs (told by `stopping`) get that long. Tell whether all of them ended."""
        self._awake.set()
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _serve(self) -> None:
        from studio.durable import DurableQueue  # noqa: PLC0415 - half a second

        self.runner.clear_scratch()
        self.runner.restart_crashed()
        queue = DurableQueue(self.settings, self._work)
        queue.launch()
        self.working = True
        try:
            while not self.runner.stopping.is_set():
                try:
                    self._round(queue)
                except (
                    SQLAlchemyError,
                    StudioError,
                    OSError,
                ):  # a full disk must not end the queue
                    LOG.exception("the queue could not be served")
                self._awake.wait(LOOK_S * (2 if self._rests() else 1))
                self._awake.clear()
            while self._active:
                time.sleep(0.05)
        finally:
            self.working = False
            queue.stop()

    def _round(self, queue: "DurableQueue") -> None:
        now, unsent = time.monotonic(), self.jobs.unsent()
        if unsent or self._active:
            self._busy_s = now
        for id_, name, run in unsent:
            queue.put(name, id_, run)
            self.jobs.mark_sent(id_, run)
        while self._taken_back:
            queue.take_back(*self._taken_back.popleft())
        queue.pace(resting=self._rests())
        self.idle.tick()
        if now - self._collected_s > COLLECT_S:
            self._collected_s = now
            LOG.info("collected %d bytes", self.collector.collect())

    def _rests(self) -> bool:
        return min(time.monotonic() - self._busy_s, self.idle.unseen_s()) > REST_S

    def _work(self, id_: str, run: int) -> None:
        self._active.add(id_)
        try:
            self.runner.run(id_, run)
        finally:
            self._active.discard(id_)
