"""Logs: one JSON line each, with the job and the step it is about."""

import json
import logging
import logging.handlers
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

from studio.artefacts import storage_errors

LOG = logging.getLogger(__name__)
_JOB: ContextVar[str] = ContextVar("job", default="")
_STEP: ContextVar[str] = ContextVar("step", default="")

FILE_BYTES = 10_000_000
FILES = 5


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON. A request's content is never in it, only the job's id."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "job": _JOB.get(),
            "step": _STEP.get(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(
            {name: value for name, value in line.items() if value}, ensure_ascii=False
        )


def to_file(folder: Path, *, screen: bool = True) -> None:
    """Log everything from INFO up into `folder`, and warnings to standard error if `screen`.

    A thread that ends by an error is told too. What web clients note of every request is left out:
    addresses may carry a signature.

    Raises:
        StorageFailed: if the folder cannot be written.
    """
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = logging.handlers.RotatingFileHandler(
            folder / "studio.jsonl", maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8"
        )
    handlers: list[logging.Handler] = [file]
    if screen:
        handlers.append(logging.StreamHandler(sys.stderr))
        handlers[-1].setLevel(logging.WARNING)
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    threading.excepthook = _tell
    for handler in handlers:
        handler.setFormatter(JsonLines())
        root.addHandler(handler)


def _tell(ended: threading.ExceptHookArgs) -> None:
    """Log why a thread ended."""
    if ended.exc_value is not None:
        name = ended.thread.name if ended.thread is not None else "?"
        LOG.critical("the thread %s ended", name, exc_info=ended.exc_value)


@contextmanager
def about_job(job: str) -> Generator[None, None, None]:
    """Mark what is logged inside as being about `job`."""
    token = _JOB.set(job)
    try:
        yield
    finally:
        _JOB.reset(token)
        _STEP.set("")


def about_step(step: str) -> None:
    """Mark what this thread logs from here on as being about `step`."""
    _STEP.set(step)
