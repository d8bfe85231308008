"""Watches one running job: writes its progress to the table, and passes the Stop button on."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from studio.account import Taken
from studio.errors import Cancelled, Waiting
from studio.holdings import Spent
from studio.jobs import Jobs
from studio.logs import about_step
from studio.steps import Step
from studio.timings import Timings
from studio.workflow import Workflow

LOOK_S = 0.2  # how often the table is written and the Stop button is looked at, at most
TRUST_S = 3.0  # an extrapolated ETA is shown after so long
TRUST_FRACTION = 0.05  # and so much of the work


@dataclass(slots=True)
class JobWatcher:
    """The `Watcher` of one run of one job."""

    jobs: Jobs
    timings: Timings
    workflow: Workflow[Any]
    row: Mapping[str, Any]  # of the table, when the run began
    review: bool  # whether the user asked to look
    stopping: Event  # the whole studio is
    step: str = field(default="", init=False)
    _taken: Taken = field(default_factory=Taken, init=False)
    _begin_s: float = field(default_factory=time.monotonic, init=False)
    _looked_s: float = field(default=0.0, init=False)
    _written_s: float = field(default=0.0, init=False)
    _media_s: float = field(default=0.0, init=False)
    _expected_s: list[float] = field(default_factory=list[float], init=False)
    _known: bool = field(default=False, init=False)  # whether `_expected_s` was learned
    _took_s: dict[tuple[str, str], float] = field(
        default_factory=dict[tuple[str, str], float], init=False
    )
    _with: str = field(default="", init=False)  # the engine of the running step
    _n: int = field(default=0, init=False)
    _items: int = field(default=1, init=False)
    _done: int = field(default=0, init=False)
    _part: float = field(default=0.0, init=False)
    _fraction: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._taken = Taken.model_validate_json(self.row["taken"] or "{}")
        self._expect()

    def started(self, step: Step[Any, Any], engine: str, items: int) -> None:
        """A step begins: always written, since a crash is counted against it."""
        self._with = engine
        self.step, self._items, self._done, self._part = step.title, max(1, items), 0, 0.0
        names = [each.name for each in self.workflow.steps]
        self._n = names.index(step.name) + 1 if step.name in names else self._n
        about_step(step.title)
        self._write()

    def item(self, done: int) -> None:
        """So many items are finished."""
        self._done, self._part = done, 0.0
        self._tick()

    def progress(self, done: int, total: int) -> None:
        """The running item is that far."""
        self._part = min(1.0, max(0.0, done / total)) if total > 0 else 0.0
        self._tick()

    def finished(self, step: Step[Any, Any], seconds: float, computed: int) -> None:
        """A step ended; what it took for all its items is noted, to be learned."""
        self._done, self._part = self._items, 0.0
        self._taken = self._taken.plus(step.title, seconds if computed else 0.0)
        if computed:
            what = (step.name, self._with)
            whole_s = seconds * self._items / computed
            self._took_s[what] = self._took_s.get(what, 0.0) + whole_s
            self.jobs.note(self.row["id"], "step", f"{step.title}: {seconds:.1f} s")
        self._tick()

    def weigh(self, media_s: float) -> None:
        """The job's size in seconds of media."""
        self._media_s = max(0.0, media_s)
        self._taken = self._taken.model_copy(update={"media_s": self._media_s})
        self._expect()

    def spend(self, spent: Spent) -> None:
        """The run is over; what the lender saw of it is noted, and all that was taken is written."""
        more = {
            "wait_s": self._taken.wait_s + spent.wait_s,
            "peak_bytes": max(self._taken.peak_bytes, spent.peak_bytes),
        }
        self._taken = self._taken.model_copy(update=more)
        self._write()

    def learn(self) -> None:
        """Learn what the steps took; called for a job that was done, so that all of them count."""
        if self._media_s:
            for (step, engine), seconds in self._took_s.items():
                self.timings.learn(step, engine, seconds, self._media_s)

    def answer(self, name: str, shown: str) -> str | None:
        """Return what the user answered, or None where nobody asked to look.

        Raises:
            Waiting: to park the job until the user answers.
        """
        if not self.review:
            return None
        answers: dict[str, str] = json.loads(self.row["answers"] or "{}")
        if name in answers:
            return answers[name]
        raise Waiting(name, shown)

    def check(self) -> None:
        """Look at the Stop button, at most every `LOOK_S`.

        Raises:
            Cancelled: if the user pressed it, or the studio is stopping.
        """
        if self.stopping.is_set():
            raise Cancelled("the studio was stopped")
        now = time.monotonic()
        if now - self._looked_s < LOOK_S:
            return
        self._looked_s = now
        if self.jobs.stop_asked(self.row["id"]):
            raise Cancelled("stopped by the user")

    def _tick(self) -> None:
        if time.monotonic() - self._written_s >= LOOK_S:
            self._write()
        self.check()

    def _write(self) -> None:
        self._written_s = time.monotonic()
        eta_s = self._forecast()
        values = {
            "step": self.step,
            "step_n": self._n,
            "step_m": len(self.workflow.steps),
            "item": min(self._done + 1, self._items),
            "items": self._items,
            "fraction": self._fraction,
            "taken": self._taken.model_dump_json(),
            "ends_s": None if eta_s is None else time.time() + eta_s,
        }
        self.jobs.change(self.row["id"], values, when=("running",), run=self.row["run"])

    def _expect(self) -> None:
        """Fill in what each step is expected to take.

        It is nothing where none of the jobs done so far came by it, an equal share before the first.
        The last step tells whether there was one: others may be known from another workflow.
        """
        rates = self.timings.rates() if self._media_s else {}
        learned = [rates.get((each.name, self._engine(each)), 0.0) for each in self.workflow.steps]
        self._known = bool(learned and learned[-1])
        self._expected_s = [self._media_s * rate if self._known else 1.0 for rate in learned]

    def _forecast(self) -> float | None:
        """Bring the fraction up to date and return the seconds that are left, if they can be told."""
        total = sum(self._expected_s)
        if not self._n or total <= 0:
            return None
        part = min(1.0, (self._done + self._part) / self._items)
        passed = sum(self._expected_s[: self._n - 1]) + self._expected_s[self._n - 1] * part
        self._fraction = max(self._fraction, min(1.0, passed / total))
        if self._known:
            return total - passed
        elapsed = time.monotonic() - self._begin_s
        if elapsed < TRUST_S or self._fraction < TRUST_FRACTION:
            return None
        return elapsed * (1 - self._fraction) / self._fraction

    def _engine(self, step: Step[Any, Any]) -> str:
        engines: dict[str, str] = json.loads(self.row["engines"])
        return engines.get(step.role, "") if step.role else ""
