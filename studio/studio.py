"""The studio: one object per process, through which tabs, API and command line reach the kernel."""

import json
import logging
import shutil
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from threading import Event as Flag
from threading import Thread
from typing import Any

from studio.account import Expected
from studio.artefacts import Artefact, Store, storage_errors
from studio.characters import Character, Characters
from studio.collect import Collector
from studio.database import JOBS, connect
from studio.erase import Eraser, Traces
from studio.errors import BadInput, LimitReached, NotFound
from studio.fields import fields_of
from studio.holdings import Keeper
from studio.idle import Idle
from studio.jobs import DAY_S, Event, Job, Jobs, NewJob, State
from studio.library import Library
from studio.lock import FolderLock
from studio.memory import Memory
from studio.request import Request, Result
from studio.runner import Runner
from studio.settings import Settings
from studio.steps import Lender, artefacts_in, read_answer
from studio.timings import Timings
from studio.worker import Worker
from studio.workflow import Need, Workflow, choose

LOG = logging.getLogger(__name__)
FOLLOW_S = 0.2
STOP_S = 5.0
TITLE_CHARS = 48  # of what is said, in a job's title

EnginesFor = Callable[[Sequence[Need], str], dict[str, str]]
"""Decides role -> engine id for needs and a quality name ("": the machine's default)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Numbers for /health, /metrics and the Engine Room."""

    working: bool  # whether this process takes jobs from the queue
    jobs: Mapping[State, int]
    disk_free_bytes: int
    disk_total_bytes: int
    uptime_s: float


def _never(_engines: Iterable[str]) -> bool:
    return False


class Studio:
    """Jobs, results and files of one data folder. Every read and change asks for the owner.

    Args:
        settings: What it may use.
        workflows: What it can do, by name.
        lender: Lends engines to running steps.
        engines_for: Decides which engines serve a request.
        uses_gpu: Tells whether any of those engines works on the GPU: such jobs run one by one.
        copies: Tells whether any of those engines copies voices: then it is asked whose they are.
    """

    def __init__(
        self,
        settings: Settings,
        workflows: Mapping[str, Workflow[Any]],
        lender: Lender,
        engines_for: EnginesFor,
        *,
        uses_gpu: Callable[[Iterable[str]], bool] = _never,
        copies: Callable[[Iterable[str]], bool] = _never,
    ) -> None:
        self.settings, self.workflows = settings, workflows
        with storage_errors(settings.data_dir):
            settings.data_dir.mkdir(parents=True, exist_ok=True)
        database = connect(settings.database)
        self.store = Store(settings.data_dir)
        self.memory = Memory(settings.data_dir / "memory")
        self.library = Library(database, self.store, settings.exports)
        self.timings = Timings(database)
        self.collector = Collector(settings, database)
        self.characters = Characters(database, self.store)
        self._eraser = Eraser(
            settings=settings,
            database=database,
            characters=self.characters,
            collector=self.collector,
            cancel=self.cancel,
            delete=self.delete,
        )
        self._jobs = Jobs(database, settings.price_per_hour)
        self._engines_for, self._uses_gpu, self._copies = engines_for, uses_gpu, copies
        self._stopping = Flag()
        self._runner = Runner(
            settings=settings,
            workflows=workflows,
            jobs=self._jobs,
            library=self.library,
            timings=self.timings,
            store=self.store,
            memory=self.memory,
            lender=lender,
            stopping=self._stopping,
        )
        shared = f"lock-{settings.worker}" if settings.shares_queue else "lock"
        self._lock = FolderLock(settings.data_dir / shared)
        self.keeper = lender if isinstance(lender, Keeper) else None
        self.idle = Idle(settings, self._jobs, self.keeper)
        self._worker = Worker(settings, self._jobs, self._runner, self.collector, self.idle)
        self._began_s = time.monotonic()

    # -- submitting and reading ---------------------------------------------------------------

    def submit(self, workflow: str, request: Request, *, owner: str = "", parent: str = "") -> Job:
        """Queue a job; characters that it only names are looked up.

        Raises:
            BadInput: if the request cannot be worked on.
            LimitReached: if the queue or the owner's day is full.
            MissingWeights: if no engine serves a need.
            NotFound: if there is no such workflow or character, or an uploaded file is gone.
        """
        kind = choose(dict(self.workflows), workflow)
        request = self.characters.resolved(request, owner)
        kind.check(request)
        files = list(artefacts_in(request))
        for each in files:
            self.store.path(each)
        self._check_limits(owner, new=True)
        engines = self._engines_for(kind.needs(request), request.quality)
        if self._copies(engines.values()):
            kind.check_copies(request)
        new = NewJob(
            workflow=workflow,
            title=_title(request, files) or kind.title,
            owner=owner,
            queue="gpu" if self._uses_gpu(engines.values()) else "cpu",
            request=request.model_dump_json(),
            engines=engines,
            expected=self._expected(kind, engines),
            parent=parent,
            step_m=len(kind.steps),
        )
        job = self.job(self._jobs.add(new), owner)
        self._worker.wake()
        return job

    def _expected(self, kind: Workflow[Any], engines: Mapping[str, str]) -> Expected:
        """Return what the preflight tells of such a job."""
        rates = self.timings.rates()
        known = ((each.title, (each.name, engines.get(each.role, ""))) for each in kind.steps)
        told = {title: rates[which] for title, which in known if which in rates}
        order = kind.lent(engines)
        if self.keeper is None or not order:
            return Expected(rates=told)
        cost = self.keeper.forecast(order)
        return Expected(rates=told, wait_s=cost.wait_s, peak_bytes=cost.peak_bytes)

    def job(self, id_: str, owner: str = "") -> Job:
        """Return a job as it stands.

        Raises:
            NotFound: if there is none, or it is another's.
        """
        return self._jobs.get(id_, owner)

    def jobs(self, owner: str = "", states: Sequence[State] = (), limit: int = 100) -> list[Job]:
        """Return the owner's jobs, newest first."""
        where = [JOBS.c.owner == owner]
        if states:
            where.append(JOBS.c.state.in_(states))
        return self._jobs.select(*where, limit=limit)

    def events(self, id_: str, owner: str = "", after: int = 0) -> list[Event]:
        """Return what happened to a job after the event `after`, oldest first.

        Raises:
            NotFound: if there is none, or it is another's.
        """
        self.job(id_, owner)
        return self._jobs.events(id_, after)

    def follow(self, id_: str, owner: str = "") -> Generator[Job, None, None]:
        """Yield a job now and after each change, until it is finished or waits for an answer.

        Raises:
            NotFound: if there is none, or it is another's, or it is deleted meanwhile.
        """
        seen = -1
        while True:
            job = self.job(id_, owner)
            if job.seq != seen:
                seen = job.seq
                yield job
            if job.finished or job.state == "waiting":
                return
            time.sleep(FOLLOW_S)

    def result(self, id_: str, owner: str = "") -> Result:
        """Return what a job made.

        Raises:
            NotFound: until it is done, or if it is another's.
        """
        job = self.job(id_, owner)
        if job.state != "done":
            raise NotFound(f"the job {id_} is {job.state}, it has no result", remedy="Wait for it.")
        return choose(dict(self.workflows), job.workflow).result.model_validate_json(job.result)

    def export(self, id_: str, owner: str = "") -> Mapping[str, Path]:
        """Return field name -> nicely named file, of a job's result.

        Raises:
            NotFound: until it is done, if it is another's, or if a file is no longer stored.
            StorageFailed: if the exports folder cannot be written.
        """
        return self.library.export(id_, self.result(id_, owner))

    # -- changing -----------------------------------------------------------------------------

    def cancel(self, id_: str, owner: str = "") -> Job:
        """Stop a job: at once where it does not run, within two seconds where it does."""
        run = self._jobs.row(self.job(id_, owner).id)["run"]
        ended = {"state": "cancelled", "finished_s": time.time()}
        if self._jobs.change(
            id_, ended, when=("queued", "waiting"), event=("cancelled", "stopped by the user")
        ):
            self._worker.take_back(id_, run)
        else:
            self._jobs.change(id_, {"stop": 1}, when=("running",), event=("stop asked", ""))
        return self.job(id_, owner)

    def retry(self, id_: str, owner: str = "") -> Job:
        """Queue a failed or cancelled job again; its finished steps are recalled.

        Raises:
            LimitReached: if the queue is full.
        """
        job = self.job(id_, owner)
        if job.state in {"failed", "cancelled"}:
            self._check_limits(owner, new=False)
            fresh = {
                "error": "",
                "error_step": "",
                "error_id": "",
                "error_kind": "",
                "crashes": 0,
                "fraction": 0.0,
            }
            self._queue_again(id_, fresh, ("failed", "cancelled"), ("queued again", ""))
        return self.job(id_, owner)

    def answer(self, id_: str, owner: str, value_json: str) -> Job:
        """Continue a waiting job with what the user made of the value that was shown.

        Characters that the answer only names are looked up.

        Raises:
            BadInput: if the job does not wait, or the answer is not of that value's kind; it waits on.
            NotFound: if there is no such job or character.
        """
        row = self._jobs.row(self.job(id_, owner).id)
        if row["state"] != "waiting":
            raise BadInput(f"the job {id_} is {row['state']}, it waits for no answer")
        name: str = row["review"]
        shown = read_answer(self.workflows[row["workflow"]].reviews[name], name, value_json)
        answer = self.characters.resolved(shown, owner).model_dump_json()
        answers = {**json.loads(row["answers"]), name: answer}
        fresh = {"answers": json.dumps(answers), "review": "", "review_value": ""}
        self._queue_again(id_, fresh, ("waiting",), ("answered", row["review"]))
        return self.job(id_, owner)

    def delete(self, id_: str, owner: str = "") -> None:
        """Forget a job, its result, its exports, and every file that nothing else needs.

        Raises:
            BadInput: while it is unfinished.
        """
        job = self.job(id_, owner)
        if not job.finished:
            raise BadInput(f"the job {id_} is {job.state}", remedy="Cancel it first.")
        self._jobs.delete(id_)
        self.library.remove(id_)
        self.collector.forget(id_, job.result + job.request)

    def save_character(self, character: Character, owner: str = "") -> Character:
        """Write a new or changed character; files that it had before, and nothing needs, go away.

        Raises:
            BadInput, NotFound, LimitReached: as `Characters.save`.
        """
        before = self.characters.own(character.id, owner) if character.id else None
        saved = self.characters.save(character, owner)
        old = {each.sha256 for each in artefacts_in(before)} if before else set[str]()
        self._eraser.drop(frozenset(old - {each.sha256 for each in artefacts_in(saved)}))
        return saved

    def traces(self, character: str, owner: str = "") -> Traces:
        """Return what `forget_character` would delete.

        Raises:
            NotFound: if there is no such character, or it is another's.
        """
        return self._eraser.traces(self.characters.find(character, owner), owner)

    def forget_character(self, character: str, owner: str = "") -> Traces:
        """Delete a character (by id or name) and everything that was made of it.

        Raises:
            NotFound: if there is none, or it is another's.
            BadInput: if it is the studio's, or a job of it does not stop at once.
        """
        return self._eraser.erase(character, owner)

    # -- working ------------------------------------------------------------------------------

    def start(self) -> None:
        """Own the data folder and work on the queue, in the background.

        Raises:
            Busy: if another process owns the folder.
        """
        self._lock.take("server")
        self._worker.start()

    def stop(self) -> None:
        """Stop working; what runs goes on at the next start, its finished steps remembered."""
        self._stopping.set()
        if self._worker.stop(STOP_S):
            self._lock.give_back()  # else the end of the process does it, when nothing runs any more

    def run_here(self, id_: str, on_change: Callable[[Job], None], owner: str = "") -> Job:
        """See one job through, as a command does: watch it where a studio is running, else run it.

        Two commands at once take turns. Ctrl-C cancels what runs here; `retry` goes on from there.

        Returns:
            The job, finished or waiting for an answer.

        Raises:
            KeyboardInterrupt: as it came, after the job has stopped.
        """
        seen = -1
        while True:
            job = self.job(id_, owner)
            if job.seq != seen:
                seen = job.seq
                on_change(job)
            if job.finished or job.state == "waiting":
                return job
            if self._lock.try_take("command"):
                try:
                    self._run_alone(id_, owner, on_change)
                finally:
                    self._lock.give_back()
            time.sleep(FOLLOW_S)

    def _run_alone(self, id_: str, owner: str, on_change: Callable[[Job], None]) -> None:
        self._runner.clear_scratch()
        self._runner.restart_crashed(only=id_)
        run, ended = self._jobs.row(id_)["run"], Flag()

        def work() -> None:
            try:
                self._runner.run(id_, run)
            finally:
                ended.set()

        Thread(target=work, name=f"job {id_}", daemon=True).start()
        seen = -1
        try:
            while not ended.wait(FOLLOW_S):
                job = self.job(id_, owner)
                if job.seq != seen:
                    seen = job.seq
                    on_change(job)
        except KeyboardInterrupt:
            self._jobs.note(id_, "interrupted", "by Ctrl-C")
            self.cancel(id_, owner)
            ended.wait()  # not Thread.join: once interrupted, that returns at once on Python 3.11
            raise

    def _queue_again(
        self, id_: str, values: Mapping[str, Any], when: Sequence[State], event: tuple[str, str]
    ) -> None:
        again = {"state": "queued", "run": JOBS.c.run + 1, "queued_s": time.time()}
        again |= {"stop": 0, "finished_s": None}
        self._jobs.change(id_, {**values, **again}, when=when, event=event)
        self._worker.wake()

    def _check_limits(self, owner: str, *, new: bool) -> None:
        waiting = self._jobs.count(JOBS.c.state == "queued")
        if waiting >= self.settings.queue_limit:
            raise LimitReached(f"{waiting} jobs are waiting already", remedy="Try again later.")
        limit = self.settings.daily_limit_per_owner
        today = (JOBS.c.owner == owner, JOBS.c.created_s > time.time() - DAY_S)
        if new and limit and self._jobs.count(*today, deleted=True) >= limit:
            raise LimitReached(
                f"you submitted {limit} jobs within 24 hours, which is the limit here",
                remedy="Try again later.",
            )

    def health(self) -> Health:
        """Return how things are."""
        disk = shutil.disk_usage(self.settings.data_dir)
        return Health(
            working=self._worker.working,
            jobs=self._jobs.counts(),
            disk_free_bytes=disk.free,
            disk_total_bytes=disk.total,
            uptime_s=time.monotonic() - self._began_s,
        )


def _title(request: Request, files: Sequence[Artefact]) -> str:
    """Return what a job is called: after its first character or file, and what that one says."""
    fields = {name: getattr(request, name) for name in type(request).model_fields}
    people = [each.name for each in fields.values() if isinstance(each, Character)]
    who = next(iter([*people, *(each.name for each in files)]), "")
    told = [view.name for view in fields_of(type(request)) if view.extra.get("tells")]
    words = " ".join(str(fields[name]) for name in told).split()
    said = shorten(" ".join(words), TITLE_CHARS, placeholder="…")
    return ": ".join(filter(None, (who, said)))
