"""Jobs: what the queue, the API and the command line show, and the table behind it.

States: queued -> running -> waiting (for a person's answer, then queued again)
-> done | failed | cancelled. Every change is one compare-and-set UPDATE, so that a job
has one fate however many threads and processes look at it.
"""

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from studio.account import Account, Expected, account
from studio.database import EVENTS, JOBS, writing
from studio.errors import NotFound

State = Literal["queued", "running", "waiting", "done", "failed", "cancelled"]
STATES: tuple[State, ...] = ("queued", "running", "waiting", "done", "failed", "cancelled")
UNFINISHED: tuple[State, ...] = ("queued", "running", "waiting")
FINISHED: tuple[State, ...] = ("done", "failed", "cancelled")
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job as it stands now. Times are unix time; `elapsed_s` counts running only."""

    id: str
    workflow: str
    title: str
    owner: str
    state: State
    request: str  # JSON of the Request
    engines: Mapping[str, str]  # role -> engine id
    parent: str  # job this one was edited or retried from, or ""
    created_s: float
    started_s: float | None
    finished_s: float | None
    step: str
    step_n: int
    step_m: int
    item: int
    items: int
    fraction: float  # 0..1 of the whole job
    elapsed_s: float
    eta_s: float | None
    position: int  # 1: next of its queue; 0: not in the queue
    cost: float
    account: Account
    error: str
    error_step: str
    error_id: str
    error_kind: Literal["", "input"]  # "input": the user can mend it, by another file or setting
    result: str  # JSON of the Result, "" until done
    review: str
    review_value: str  # name and JSON of what waits for a person
    seq: int  # grows with every change: pollers compare it

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in FINISHED


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a job."""

    seq: int
    time_s: float
    kind: str  # "submitted", "step", "restarted", "cancelled", ...
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What a job is made of when it is submitted."""

    workflow: str
    title: str
    owner: str
    queue: str
    request: str
    engines: Mapping[str, str]
    expected: Expected
    parent: str
    step_m: int


@dataclass(frozen=True, slots=True)
class Jobs:
    """The table of jobs and their events."""

    database: sa.Engine
    price_per_hour: float

    def add(self, new: NewJob) -> str:
        """Write a queued job and return its id."""
        now, id_ = time.time(), f"{new.workflow}-{secrets.token_hex(5)}"
        row = {
            "id": id_,
            "workflow": new.workflow,
            "title": new.title,
            "owner": new.owner,
            "state": "queued",
            "queue": new.queue,
            "request": new.request,
            "engines": json.dumps(dict(new.engines)),
            "expected": new.expected.model_dump_json(),
            "parent": new.parent,
            "step_m": new.step_m,
            "answers": "{}",
            "created_s": now,
            "queued_s": now,
            "run": 1,
        }
        with writing(self.database) as db:
            db.execute(sa.insert(JOBS).values(row))
            _note(db, id_, "submitted", new.title)
        return id_

    def row(self, id_: str) -> Mapping[str, Any]:
        """Return a job's whole row, whoever owns it.

        Raises:
            NotFound: if there is none.
        """
        query = sa.select(JOBS).where(JOBS.c.id == id_, JOBS.c.deleted_s.is_(None))
        with self.database.connect() as db:
            found = db.execute(query).mappings().first()
        if found is None:
            raise _unknown(id_)
        return dict(found)

    def get(self, id_: str, owner: str) -> Job:
        """Return a job.

        Raises:
            NotFound: if there is none, or it is another's.
        """
        found = self.select(JOBS.c.id == id_, JOBS.c.owner == owner, limit=1)
        if not found:
            raise _unknown(id_)
        return found[0]

    def select(self, *where: sa.ColumnElement[bool], limit: int) -> list[Job]:
        """Return the jobs that match, newest first."""
        query = (
            sa.select(JOBS)
            .where(JOBS.c.deleted_s.is_(None), *where)
            .order_by(JOBS.c.number.desc())
            .limit(limit)
        )
        with self.database.connect() as db:
            rows = db.execute(query).mappings().all()
            places = _places(db) if any(row["state"] == "queued" for row in rows) else {}
        return [self._job(row, places.get(row["id"], 0)) for row in rows]

    def change(
        self,
        id_: str,
        values: Mapping[str, Any],
        *,
        when: Sequence[State] = STATES,
        run: int | None = None,
        event: tuple[str, str] | None = None,
    ) -> bool:
        """Change a job if it is in one of those states (and in that run); tell whether it was."""
        where = [JOBS.c.id == id_, JOBS.c.state.in_(when), JOBS.c.deleted_s.is_(None)]
        if run is not None:
            where.append(JOBS.c.run == run)
        with writing(self.database) as db:
            update = sa.update(JOBS).where(*where).values({**values, "seq": JOBS.c.seq + 1})
            changed = db.execute(update).rowcount == 1
            if changed and event is not None:
                _note(db, id_, *event)
        return changed

    def unsent(self) -> list[tuple[str, str, int]]:
        """Return (id, queue, run) of queued jobs that the durable queue does not know yet."""
        query = (
            sa.select(JOBS.c.id, JOBS.c.queue, JOBS.c.run)
            .where(JOBS.c.state == "queued", JOBS.c.sent < JOBS.c.run, JOBS.c.deleted_s.is_(None))
            .order_by(JOBS.c.queued_s, JOBS.c.number)
        )
        with self.database.connect() as db:
            return [(row[0], row[1], row[2]) for row in db.execute(query)]

    def mark_sent(self, id_: str, run: int) -> None:
        """Note that the durable queue knows that run."""
        with writing(self.database) as db:
            db.execute(sa.update(JOBS).where(JOBS.c.id == id_, JOBS.c.run == run).values(sent=run))

    def stop_asked(self, id_: str) -> bool:
        """Tell whether the user pressed Stop."""
        with self.database.connect() as db:
            return bool(db.execute(sa.select(JOBS.c.stop).where(JOBS.c.id == id_)).scalar())

    def note(self, id_: str, kind: str, text: str) -> None:
        """Write an event."""
        with writing(self.database) as db:
            _note(db, id_, kind, text)

    def events(self, id_: str, after: int) -> list[Event]:
        """Return what happened to a job after the event `after`, oldest first."""
        query = (
            sa.select(EVENTS.c.seq, EVENTS.c.time_s, EVENTS.c.kind, EVENTS.c.text)
            .where(EVENTS.c.job == id_, EVENTS.c.seq > after)
            .order_by(EVENTS.c.seq)
        )
        with self.database.connect() as db:
            return [Event(*row) for row in db.execute(query)]

    def count(self, *where: sa.ColumnElement[bool], deleted: bool = False) -> int:
        """Return how many jobs match; those deleted within a day too, if asked."""
        alive = () if deleted else (JOBS.c.deleted_s.is_(None),)
        query = sa.select(sa.func.count()).select_from(JOBS).where(*alive, *where)
        with self.database.connect() as db:
            return db.execute(query).scalar_one()

    def counts(self) -> dict[State, int]:
        """Return how many jobs are in each state."""
        query = (
            sa.select(JOBS.c.state, sa.func.count())
            .where(JOBS.c.deleted_s.is_(None))
            .group_by(JOBS.c.state)
        )
        with self.database.connect() as db:
            found = {row[0]: row[1] for row in db.execute(query)}
        return {state: found.get(state, 0) for state in STATES}

    def delete(self, id_: str) -> None:
        """Forget a job's content and events; the bare row counts for the limits one more day."""
        now = time.time()
        blank = dict.fromkeys(
            ("title", "request", "result", "review_value", "answers", "error"), ""
        )
        with writing(self.database) as db:
            db.execute(sa.delete(EVENTS).where(EVENTS.c.job == id_))
            db.execute(
                sa.update(JOBS)
                .where(JOBS.c.id == id_, JOBS.c.state.not_in(UNFINISHED))
                .values(deleted_s=now, **blank)
            )
            db.execute(sa.delete(JOBS).where(JOBS.c.deleted_s < now - DAY_S))

    def _job(self, row: sa.RowMapping, position: int) -> Job:
        now, running = time.time(), row["state"] == "running"
        elapsed = row["spent_s"] + (now - row["started_s"] if running else 0.0)
        ends = row["ends_s"]
        same = {name: row[name] for name in _SAME}
        return Job(
            **same,
            engines=json.loads(row["engines"]),
            elapsed_s=elapsed,
            eta_s=max(0.0, ends - now) if running and ends is not None else None,
            position=position,
            cost=elapsed * self.price_per_hour / 3600,
            account=account(row["expected"], row["taken"], elapsed, self.price_per_hour),
        )


_COMPUTED = {"engines", "elapsed_s", "eta_s", "position", "cost", "account"}
_SAME = tuple(name for name in Job.__dataclass_fields__ if name not in _COMPUTED)


def _places(db: sa.Connection) -> dict[str, int]:
    query = (
        sa.select(JOBS.c.id, JOBS.c.queue)
        .where(JOBS.c.state == "queued", JOBS.c.deleted_s.is_(None))
        .order_by(JOBS.c.queued_s, JOBS.c.number)
    )
    places: dict[str, int] = {}
    length: dict[str, int] = {}
    for id_, queue in db.execute(query):
        places[id_] = length[queue] = length.get(queue, 0) + 1
    return places


def _note(db: sa.Connection, id_: str, kind: str, text: str) -> None:
    db.execute(sa.insert(EVENTS).values(job=id_, time_s=time.time(), kind=kind, text=text))


def _unknown(id_: str) -> NotFound:
    return NotFound(f"there is no job {id_!r}", remedy="Look in the Queue for its name.")
