"""One process owns a data folder: the kernel's lock on a file tells which, and dies with it."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from studio.artefacts import storage_errors
from studio.errors import Busy

Kind = Literal["server", "command"]
WAIT_S = 0.1


@dataclass(frozen=True, slots=True)
class Holder:
    """Who owns the folder."""

    pid: int
    kind: Kind


@dataclass(slots=True)
class FolderLock:
    """The lock file of a data folder."""

    path: Path
    _handle: int | None = field(default=None, init=False, repr=False)

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._handle is not None

    def take(self, kind: Kind) -> None:
        """Own the folder until `give_back`, or until this process ends.

        Raises:
            Busy: if somebody else owns it.
            StorageFailed: if the file cannot be made.
        """
        if not self.try_take(kind):
            other = self.holder()
            who = f"process {other.pid} ({_NAMES[other.kind]})" if other else "another process"
            raise Busy(
                f"{who} already works in {self.path.parent}",
                remedy="Use or stop that one, or give this one another UNDERSTUDY_DATA_DIR.",
            )

    def try_take(self, kind: Kind) -> bool:
        """Own the folder if nobody does; tell whether it worked.

        Raises:
            StorageFailed: if the file cannot be made.
        """
        with storage_errors(self.path.parent):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps({"pid": os.getpid(), "kind": kind}).encode(), 0)
        self._handle = handle
        return True

    def give_back(self) -> None:
        """Let others own the folder."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def holder(self) -> Holder | None:
        """Return who wrote into the lock file last; ask only when it could not be taken."""
        try:
            seen = json.loads(self.path.read_text(encoding="utf-8"))
            return Holder(seen["pid"], seen["kind"])
        except (OSError, ValueError, KeyError):
            return None


@contextmanager
def waiting_lock(
    path: Path, check: Callable[[], None] = lambda: None
) -> Generator[None, None, None]:
    """Hold the lock file `path`, against threads and processes, until the `with` block ends.

    Args:
        path: made where it is not there, with its folder; it stays.
        check: called while waiting; raises to give up.

    Raises:
        StorageFailed: if the file cannot be made.
    """
    with storage_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        while not _locked(handle):
            check()
            time.sleep(WAIT_S)
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


_NAMES: dict[Kind, str] = {"server": "the studio", "command": "a command"}
