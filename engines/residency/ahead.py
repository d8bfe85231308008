"""Brings engines in that were never loaded, while an earlier stage computes.

What was loaded once is fetched ahead chunk by chunk, by the loader. Before that an engine has no
chunks: here a thread builds it, one at a time, when what computes has all its weights, and as far as
it fits without driving out what is needed sooner.

Only engines in float32 are built so. For others transformers sets torch's default dtype, which is the
whole process's: a tensor that the computing stage makes meanwhile would be of that dtype. Their files
are read ahead instead, so that they come from memory when they are built in their turn.
"""

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Thread
from typing import Protocol

from engines.catalog import Entry
from engines.residency.guests import Guest
from engines.residency.loader import Loader
from engines.weights import folder

LOG = logging.getLogger(__name__)
BLOCK_BYTES = 8 << 20
PLAIN = "float32"  # torch's default dtype
FAULTS = (MemoryError, OSError, RuntimeError, ValueError, LookupError, TypeError, AttributeError)
"""What loading weights may raise, `StudioError`s among them: it is raised again by the lease."""


class Host(Protocol):
    """The manager, as far as it is asked here."""

    def next_unbuilt(self, skip: set[str]) -> str | None:
        """Return the next engine of the plan that is not loaded; the caller holds the mutex."""
        ...

    def promise(self, engine: str) -> Guest | None:
        """Make room for an engine without harm and keep it free; None: there is none, or no need."""
        ...

    def build(self, guest: Guest) -> None:
        """Load what was promised room."""
        ...

    def settle(self, guest: Guest) -> None:
        """The room that was promised is in the books now, or not needed any more."""
        ...


@dataclass(slots=True)
class Ahead:
    """One thread that comes and goes.

    Args:
        host: the manager.
        loader: whose mutex guards everything.
    """

    host: Host
    loader: Loader
    _skip: set[str] = field(default_factory=set[str], init=False)  # until the plan changes
    _read: set[str] = field(default_factory=set[str], init=False)  # whose files were read
    _thread: Thread | None = field(default=None, init=False)

    def renew(self) -> None:
        """The plan changed: what was left out may have its turn; the caller holds the mutex."""
        self._skip.clear()

    def look(self) -> None:
        """Begin the next one, if there is one; the caller holds the mutex."""
        if self._thread is not None or self.loader.closed:
            return
        engine = self.host.next_unbuilt(self._skip)
        if engine is not None:
            self._skip.add(engine)
            self._thread = Thread(target=self._work, args=(engine,), name="ahead", daemon=True)
            self._thread.start()

    def join(self) -> None:
        """Wait until the one under way is done."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self, engine: str) -> None:
        guest: Guest | None = None
        try:
            guest = self.host.promise(engine)
            if guest is None:
                return
            if is_plain(guest):
                self._build(guest)
            elif engine not in self._read:
                self._read.add(engine)
                read(guest.entry, lambda: self.loader.closed)
        finally:
            with self.loader.changed:
                if guest is not None:
                    self.host.settle(guest)
                self._thread = None
                self.look()

    def _build(self, guest: Guest) -> None:
        from safetensors import SafetensorError  # noqa: PLC0415 - slow to import

        try:
            self.host.build(guest)
        except (*FAULTS, SafetensorError) as error:
            LOG.info("%s was not built ahead: %s", guest.entry.id, error)  # its lease says why


def is_plain(guest: Guest) -> bool:
    """Tell whether building it leaves the process's default dtype as it is."""
    known = inspect.signature(type(guest.engine).__init__).parameters.get("dtype")
    usual = PLAIN if known is None else known.default
    return guest.entry.settings.get("dtype", usual) == PLAIN


def read(entry: Entry, ended: Callable[[], bool]) -> int:
    """Read an engine's files, so that the system keeps them in memory; return the bytes.

    Args:
        entry: whose.
        ended: tells whether to stop.
    """
    total = 0
    for part in entry.weights.parts() if entry.weights is not None else ():
        for path in sorted(folder(part).rglob("*")):
            if not path.is_file():
                continue
            with path.open("rb", buffering=0) as file:
                while not ended() and (block := file.read(BLOCK_BYTES)):
                    total += len(block)
    return total
