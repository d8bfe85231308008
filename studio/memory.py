"""What finished steps gave, by key: one small file each, written whole or not at all.

The first line says what made it (it is not in the key), the rest is the result as JSON.
"""

import json
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock

from studio.artefacts import new_file, storage_errors

WAIT_S = 0.1


@dataclass(frozen=True, slots=True)
class Origin:
    """What made a result, for people and for the collector."""

    job: str = ""
    step: str = ""
    engine: str = ""
    seconds: float = 0.0
    inputs: tuple[str, ...] = ()  # sha256 of the files that went in


@dataclass(frozen=True, slots=True)
class Memory:
    """A folder of results; several jobs of one process may share it."""

    root: Path
    _busy: set[str] = field(default_factory=set[str], init=False, repr=False)
    _guard: Lock = field(default_factory=Lock, init=False, repr=False)

    def recall(self, key: str) -> str | None:
        """Return what was remembered under `key`, or None; the collector sees that it was used."""
        place = self._place(key)
        try:
            text = place.read_text(encoding="utf-8")
            os.utime(place)
        except FileNotFoundError:
            return None
        return text.partition("\n")[2]

    def remember(self, key: str, text: str, origin: Origin = Origin()) -> None:
        """Write `text` under `key`; a reader sees all of it or nothing, even after a power cut.

        Raises:
            StorageFailed: if the disk is full or the folder cannot be written.
        """
        with (
            storage_errors(self.root),
            new_file(self._place(key)) as part,
            part.open("w", encoding="utf-8") as file,
        ):
            file.write(f"{json.dumps(asdict(origin))}\n{text}")
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def alone(self, key: str, check: Callable[[], None]) -> Generator[None, None, None]:
        """Hold `key` for one job at a time, so that equal work is done once.

        Raises:
            Cancelled: (by `check`) if the user pressed Stop while waiting.
        """
        while not self._claim(key):
            check()
            time.sleep(WAIT_S)
        try:
            yield
        finally:
            with self._guard:
                self._busy.discard(key)

    def _claim(self, key: str) -> bool:
        with self._guard:
            if key in self._busy:
                return False
            self._busy.add(key)
            return True

    def _place(self, key: str) -> Path:
        return self.root / key[:2] / f"{key}.json"
