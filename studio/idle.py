"""When nothing happens: memory is freed, and at last the machine is stopped by the user's command."""

import logging
import shlex
import subprocess
import time
from dataclasses import dataclass, field

from studio.database import JOBS
from studio.holdings import Keeper
from studio.jobs import Jobs
from studio.settings import Settings

LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Idle:
    """Looks after a studio that rests.

    Args:
        settings: how long is long.
        jobs: work that waits or runs.
        keeper: what is in memory; None: nothing is.
    """

    settings: Settings
    jobs: Jobs
    keeper: Keeper | None = None
    stopped: bool = field(default=False, init=False)  # the command was run
    _alive_s: float = field(default_factory=time.monotonic, init=False)

    def seen(self) -> None:
        """A page is open."""
        self._alive_s = time.monotonic()

    def unseen_s(self) -> float:
        """Return for how many seconds no page was open."""
        return time.monotonic() - self._alive_s

    def tick(self) -> None:
        """Free what has been idle for long; run the stop command, once, when its time has come.

        A job that waits for an answer keeps the machine only as long as a page is open: it goes on
        after the next start.
        """
        if self.keeper is not None:
            self.keeper.tend()
        if self.stopped or not (self.settings.stop_idle_s and self.settings.stop_command):
            return
        if self.jobs.count(JOBS.c.state.in_(("queued", "running"))):
            self.seen()
        lent_s = self.keeper.idle_s() if self.keeper is not None else float("inf")
        if min(self.unseen_s(), lent_s) >= self.settings.stop_idle_s:
            self.stopped = True
            LOG.warning("idle: running the stop command")
            subprocess.Popen(shlex.split(self.settings.stop_command))
