"""Runs one job from its row in the table to its fate, and takes care of those a crash left behind."""

import json
import logging
import secrets
import shutil
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError

from studio.artefacts import Store, storage_errors
from studio.database import JOBS
from studio.errors import BadInput, Cancelled, StorageFailed, StudioError, Waiting
from studio.holdings import Keeper, Spent
from studio.jobs import Jobs, State
from studio.library import Library
from studio.logs import about_job
from studio.memory import Memory
from studio.request import Report, Request, Result
from studio.reserve import Reserve
from studio.settings import Settings
from studio.steps import Lender, Run
from studio.timings import Timings
from studio.watch import JobWatcher
from studio.workflow import Workflow, choose

LOG = logging.getLogger(__name__)
TOLD = "memory"  # the kind of event that the lender tells
INSIST_S = 60.0  # how long a job's fate is tried to be written while the disk is full


@dataclass(frozen=True, slots=True)
class Fate:
    """How a run ended: the new state, what else changes in the row, and the event that tells it."""

    state: State
    event: tuple[str, str]
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Everything a job needs to run."""

    settings: Settings
    workflows: Mapping[str, Workflow[Any]]
    jobs: Jobs
    library: Library
    timings: Timings
    store: Store
    memory: Memory
    lender: Lender
    stopping: Event

    def run(self, id_: str, run: int) -> None:
        """Run a queued job; do nothing where it is not queued (any more) for that run."""
        self._reserve.take()
        claimed = {"state": "running", "started_s": time.time(), "worker": self.settings.worker}
        claimed |= {"step": "", "step_n": 0, "ends_s": None, "finished_s": None}
        if not self.jobs.change(id_, claimed, when=("queued",), run=run, event=("started", "")):
            return
        with about_job(id_):
            LOG.info("job started")
            fate = self._fate(self.jobs.row(id_))
            LOG.info("job %s", fate.state)
            self._write(id_, run, fate)

    @property
    def _reserve(self) -> Reserve:
        return Reserve(self.settings.data_dir / "reserve")

    def restart_crashed(self, only: str = "") -> None:
        """Queue again what was running when its process died; give up what crashes always.

        Only the owner of the data folder may call it.
        """
        where = [JOBS.c.state == "running", JOBS.c.worker == self.settings.worker]
        if only:
            where.append(JOBS.c.id == only)
        with self.jobs.database.connect() as db:
            rows = db.execute(sa.select(JOBS).where(*where)).mappings().all()
        for row in rows:
            values, event = self._after_crash(row)
            self.jobs.change(row["id"], values, when=("running",), run=row["run"], event=event)

    def clear_scratch(self) -> None:
        """Delete the scratch folders of steps that a crash ended: only the owner runs steps."""
        if not self.settings.shares_queue:
            for path in self.settings.data_dir.glob("tmp/step-*"):
                shutil.rmtree(path, ignore_errors=True)

    def _after_crash(self, row: sa.RowMapping) -> tuple[dict[str, Any], tuple[str, str]]:
        now, step = time.time(), row["step"] or "its first step"
        if row["stop"]:
            return {"state": "cancelled", "finished_s": now}, ("cancelled", "")
        crashes = row["crashes"] + 1 if row["crash_step"] == row["step"] else 1
        values = {"crashes": crashes, "crash_step": row["step"]}
        if crashes < self.settings.crash_limit:
            text = f"the program ended during «{step}»; the job goes on"
            return {**values, "state": "queued"}, ("restarted", text)
        text = f"The program ended {crashes} times in «{step}», so the job was given up."
        values |= {"state": "failed", "finished_s": now, "error": text, "error_step": row["step"]}
        return values, ("failed", text)

    def _fate(self, row: Mapping[str, Any]) -> Fate:
        watcher: JobWatcher | None = None
        try:
            workflow = choose(dict(self.workflows), row["workflow"])
            request = read_request(workflow, row["request"])
            watcher = self._watcher(row, workflow, request)
            run = self._new_run(row, request, watcher)
            with storage_errors(self.settings.data_dir), self._expected(run, workflow, watcher):
                result = _warned(workflow.run(request, run), self._told(run.job))
            if workflow.shown:
                self.library.add(row, result)
            watcher.learn()
            return _done(result)
        except Waiting as asked:
            if self.jobs.stop_asked(row["id"]):
                return self._stopped(row, "stopped by the user")
            values = {"review": asked.review, "review_value": asked.shown}
            return Fate("waiting", ("waiting", asked.review), values)
        except Cancelled as stop:
            return self._stopped(row, str(stop))
        except StudioError as error:
            return _failed(
                error.sentence, watcher, kind="input" if isinstance(error, BadInput) else ""
            )
        except Exception:  # the job runner's border: whatever it was, the user gets a sentence
            error_id = secrets.token_hex(4)
            LOG.exception("unexpected error %s", error_id)
            step = watcher.step if watcher else ""
            sentence = f"Something unexpected happened in «{step}» (error {error_id}); the log has the details."
            return _failed(sentence, watcher, error_id)

    def _watcher(
        self, row: Mapping[str, Any], workflow: Workflow[Any], request: Request
    ) -> JobWatcher:
        return JobWatcher(self.jobs, self.timings, workflow, row, request.review, self.stopping)

    def _new_run(self, row: Mapping[str, Any], request: Request, watcher: JobWatcher) -> Run:
        return Run(
            store=self.store,
            memory=self.memory,
            engines=json.loads(row["engines"]),
            lender=self.lender,
            watcher=watcher,
            seed=request.seed,
            job=row["id"],
        )

    @contextmanager
    def _expected(
        self, run: Run, workflow: Workflow[Any], watcher: JobWatcher
    ) -> Generator[None, None, None]:
        """Let the lender know what the job will use, for as long as it runs."""
        engines = workflow.lent(run.engines)
        self.lender.expect(run.job, engines, lambda text: self.jobs.note(run.job, TOLD, text))
        try:
            yield
        finally:
            keeper = self.lender if isinstance(self.lender, Keeper) else None
            watcher.spend(keeper.spent(run.job) if keeper else Spent())
            self.lender.withdraw(run.job)

    def _told(self, id_: str) -> tuple[str, ...]:
        """Return what the lender told of a job, in all its runs; each line once."""
        lines = (each.text for each in self.jobs.events(id_, 0) if each.kind == TOLD)
        return tuple(dict.fromkeys(lines))

    def _stopped(self, row: Mapping[str, Any], why: str) -> Fate:
        if self.stopping.is_set() and not self.jobs.stop_asked(row["id"]):
            values = {"run": row["run"] + 1}  # a new run: the durable queue saw this one end
            return Fate("queued", ("interrupted", "goes on when the studio starts again"), values)
        return Fate("cancelled", ("cancelled", why), {})

    def _write(self, id_: str, run: int, fate: Fate) -> None:
        """Write how the run ended; insist while the disk is full, since only this tells the user."""
        now, deadline = time.time(), time.monotonic() + INSIST_S
        values = {
            **fate.values,
            "state": fate.state,
            "ends_s": None,
            "spent_s": JOBS.c.spent_s + (now - JOBS.c.started_s),
            "finished_s": None if fate.state in {"queued", "waiting"} else now,
        }
        while True:
            try:
                self.jobs.change(id_, values, when=("running",), run=run, event=fate.event)
            except StorageFailed:
                if self._reserve.give_back():
                    continue
                if time.monotonic() > deadline:
                    raise
                time.sleep(1.0)
            else:
                return


def read_request(workflow: Workflow[Any], text: str) -> Request:
    """Return the request that was stored as JSON.

    Raises:
        BadInput: if this version of the workflow no longer understands it.
    """
    try:
        return workflow.request.model_validate_json(text)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BadInput(
            f"{workflow.title} no longer knows the setting {where!r} as it was stored",
            remedy="Fill in the form again.",
        ) from error


def _warned(result: Result, told: tuple[str, ...]) -> Result:
    """Return the result with those lines among its report's warnings, if it has a report."""
    report: object = getattr(result, "report", None)
    if not told or not isinstance(report, Report):
        return result
    more = tuple(each for each in told if each not in report.warnings)
    whole = report.model_copy(update={"warnings": (*report.warnings, *more)})
    return result.model_copy(update={"report": whole})


def _done(result: Result) -> Fate:
    values = {"result": result.model_dump_json(), "fraction": 1.0, "review": "", "review_value": ""}
    return Fate("done", ("done", ""), values)


def _failed(sentence: str, watcher: JobWatcher | None, error_id: str = "", kind: str = "") -> Fate:
    step = watcher.step if watcher else ""
    values = {"error": sentence, "error_step": step, "error_id": error_id, "error_kind": kind}
    return Fate("failed", ("failed", sentence), values)
