"""Lends engines, one at a time, and keeps the last one."""

from collections.abc import Generator
from contextlib import contextmanager
from threading import RLock
from typing import Any

from engines.catalog import entry


class KeepOne:
    """A lender with one mutex: what needs the device never runs beside something else that does."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._kept: tuple[str, Any] = ("", None)

    def identity(self, engine: str) -> str:
        """Return what the engine's output depends on, as a digest."""
        return entry(engine).identity()

    @contextmanager
    def lease(self, engine: str) -> Generator[Any, None, None]:
        """Lend the engine of that id."""
        with self._lock:
            if self._kept[0] != engine:
                self._kept = (engine, entry(engine).build())
            yield self._kept[1]
