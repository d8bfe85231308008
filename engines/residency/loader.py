"""Two threads that move bytes: one from the files to the host, one from the host to the device."""

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any

from engines.residency.books import Books, Move
from engines.residency.device import Device

LOG = logging.getLogger(__name__)
LOOK_S = 0.2  # how often who waits looks at the Stop button


@dataclass(slots=True)
class Loader:
    """Carries out what the books decide. `changed` is the one mutex of everything.

    Args:
        books: what is where; touched only by who holds `changed`.
        device: where it goes.
    """

    books: Books
    device: Device
    changed: Condition = field(default_factory=Condition)
    failed: BaseException | None = None  # why the last transfer failed, since the plan changed
    threads: list[Thread] = field(default_factory=list[Thread])
    closed: bool = False

    def start(self) -> None:
        """Begin, if it has not begun."""
        if self.threads:
            return
        for name, ask in (("reader", self.books.next_read), ("copier", self.books.next_copy)):
            thread = Thread(target=self._serve, args=(ask,), name=name, daemon=True)
            self.threads.append(thread)
            thread.start()

    def close(self) -> None:
        """End, when what is under way is done."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        for each in self.threads:
            each.join()

    def wait(self, met: Callable[[], bool], check: Callable[[], None]) -> None:
        """Wait until `met`; the caller holds `changed`, which others get meanwhile.

        Raises:
            OSError, MemoryError: if a transfer failed.
            Cancelled: of `check`.
        """
        self.changed.notify_all()
        while not met():
            if self.failed is not None:
                failed, self.failed = self.failed, None
                raise failed
            self.changed.wait(LOOK_S)
            check()

    def _serve(self, ask: Callable[[], Move | None]) -> None:
        while True:
            with self.changed:
                move = None
                while move is None:
                    if self.closed:
                        return
                    move = self._asked(ask)
                    if move is None:
                        self.changed.wait()
            failure: BaseException | None = None
            try:
                move.place.fill(move.buffer, move.chunk, move.source)
            except (OSError, RuntimeError, ValueError, MemoryError) as error:
                failure = error
            with self.changed:
                if failure is None:
                    self.books.settle(move)
                else:
                    LOG.warning("a transfer of %s failed: %s", move.chunk.id, failure)
                    self.books.fail(move)
                    self.failed = failure
                self.changed.notify_all()

    def _asked(self, ask: Callable[[], Move | None]) -> Move | None:
        if self.failed is not None:  # nothing is tried again until the plan changes
            return None
        try:
            return ask()
        except (MemoryError, RuntimeError) as error:
            self.failed = error
            self.changed.notify_all()
            return None


@contextmanager
def held(lock: Any, check: Callable[[], None]) -> Generator[None, None, None]:
    """Hold `lock` in the `with` block; `check` is called while it is waited for."""
    while not lock.acquire(timeout=LOOK_S):
        check()
    try:
        yield
    finally:
        lock.release()
