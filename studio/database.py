"""The tables, and the one way to connect to them (SQLite or Postgres)."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateColumn

from studio.errors import StorageFailed

METADATA = sa.MetaData()
POSTGRES_LOCK = "pg_advisory_xact_lock(7860)"
# What SQLite and Postgres say where the disk, not the statement, is at fault.
DISK_TROUBLE = ("is full", "readonly", "disk I/O", "unable to open", "No space left")


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False, default="", server_default="")


def _number(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.Integer, nullable=False, default=0, server_default="0")


JOBS = sa.Table(
    "jobs",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(64), nullable=False, unique=True),
    _text("workflow"),
    _text("title"),
    sa.Column("owner", sa.String(200), nullable=False, default="", index=True),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("queue", sa.String(16), nullable=False),
    _text("request"),
    _text("engines"),  # JSON, role -> engine id
    _text("expected"),  # JSON of studio.account: what it was expected to take
    _text("taken"),  # and what it took
    _text("parent"),
    sa.Column("created_s", sa.Float, nullable=False),
    sa.Column("queued_s", sa.Float, nullable=False),  # when it last took its place in the queue
    sa.Column("started_s", sa.Float),  # of the run that goes on, or went on last
    sa.Column("finished_s", sa.Float),
    sa.Column("spent_s", sa.Float, nullable=False, default=0.0),  # of the runs before that one
    sa.Column("ends_s", sa.Float),  # when it is expected to be done
    _text("step"),
    _number("step_n"),
    _number("step_m"),
    _number("item"),
    _number("items"),
    sa.Column("fraction", sa.Float, nullable=False, default=0.0),
    _text("error"),
    _text("error_step"),
    _text("error_id"),
    _text("error_kind"),
    _text("result"),
    _text("review"),
    _text("review_value"),
    _text("answers"),  # JSON, review name -> JSON
    _number("seq"),
    _number("run"),  # counts how often it was queued
    _number("sent"),  # the last run that was handed to the durable queue
    _number("stop"),  # 1: the user pressed Stop
    _number("crashes"),
    _text("crash_step"),
    _text("worker"),  # which machine runs it
    sa.Column("deleted_s", sa.Float),  # kept a day, without content, so that limits still count it
)

EVENTS = sa.Table(
    "events",
    METADATA,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("job", sa.String(64), nullable=False, index=True),
    sa.Column("time_s", sa.Float, nullable=False),
    _text("kind"),
    _text("text"),
)

TIMINGS = sa.Table(
    "timings",
    METADATA,
    sa.Column("machine", sa.String(64), primary_key=True),
    sa.Column("step", sa.String(200), primary_key=True),
    sa.Column("engine", sa.String(100), primary_key=True),
    sa.Column("seconds", sa.Float, nullable=False),  # for `media_s` seconds of media
    sa.Column("media_s", sa.Float, nullable=False),
    _number("runs"),
)

LIBRARY = sa.Table(
    "library",
    METADATA,
    sa.Column("job", sa.String(64), primary_key=True),
    sa.Column("owner", sa.String(200), nullable=False, index=True),
    _text("workflow"),
    _text("title"),
    sa.Column("created_s", sa.Float, nullable=False),
    _text("result"),  # JSON of the Result, its report in it
    _text("recipe"),  # JSON: request, engines, parent
    _number("favourite"),
)

PINS = sa.Table(
    "pins",
    METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("owner", sa.String(200), primary_key=True),
    _text("why"),
)


CHARACTERS = sa.Table(
    "characters",
    METADATA,
    sa.Column("id", sa.String(80), primary_key=True),
    sa.Column("owner", sa.String(200), nullable=False, default="", index=True),
    sa.Column("changed_s", sa.Float, nullable=False),
    _text("body"),  # JSON of the Character
)


def connect(url: str) -> sa.Engine:
    """Return the database at `url`, its tables made where they are missing."""
    if url.startswith("sqlite"):
        engine = sa.create_engine(url)
        event.listen(engine, "connect", _prepare_sqlite)
    else:
        engine = sa.create_engine(with_driver(url), pool_pre_ping=True)
    with writing(engine) as connection:
        alone = "BEGIN IMMEDIATE" if url.startswith("sqlite") else f"SELECT {POSTGRES_LOCK}"
        connection.exec_driver_sql(alone)  # several processes may start at once
        METADATA.create_all(connection)
        _add_new_columns(connection)
    return engine


@contextmanager
def writing(database: sa.Engine) -> Generator[sa.Connection, None, None]:
    """Lend a transaction, committed at the end of the block.

    Raises:
        StorageFailed: if the disk is full or cannot be written.
    """
    try:
        with database.begin() as connection:
            yield connection
    except OperationalError as error:
        if any(words in str(error.orig) for words in DISK_TROUBLE):
            raise StorageFailed(
                f"the table of jobs cannot be written ({error.orig})",
                remedy="Free some space, or give this user the right to write there.",
            ) from error
        raise


def with_driver(url: str) -> str:
    """Name the Postgres driver that is installed, where the address names none."""
    scheme, rest = url.split("://", 1)
    return f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else url


def _add_new_columns(connection: sa.Connection) -> None:
    """Bring the tables of an older version up to date; columns are only ever added."""
    inspector = sa.inspect(connection)
    for table in METADATA.sorted_tables:
        known = {column["name"] for column in inspector.get_columns(table.name)}
        for column in (each for each in table.columns if each.name not in known):
            text = str(CreateColumn(column).compile(dialect=connection.dialect))
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {text}")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    pragmas = ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON")
    for pragma in pragmas:  # secure_delete: what is deleted is overwritten
        connection.execute(f"PRAGMA {pragma}")
