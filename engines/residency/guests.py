"""Who is lent: engines that were made, and the jobs that will want them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from engines.catalog import Entry
from engines.networks import Hosted
from engines.residency.books import Slot
from engines.residency.networks import Networks
from studio.keys import digest

GIB = 1 << 30


def key_of(entry: Entry) -> str:
    """Return what an engine's networks are known by: those of the same files and dtype are one."""
    if entry.weights is None or "shares" not in entry.capabilities:
        return entry.id
    return digest([entry.weights, entry.settings.get("dtype", "")])


def nothing() -> None:
    """Let no Stop button be asked."""


def unheard(_text: str) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class Guest:
    """An engine that was made."""

    entry: Entry
    engine: Any
    lock: Any  # of engines that need no device
    networks: Networks | None = None
    used_s: float = 0.0
    leased: int = 0
    coming: bool = False  # it is loaded ahead of its turn

    @property
    def key(self) -> str:
        """By which its networks are known in the books."""
        return key_of(self.entry)

    @property
    def hosted(self) -> bool:
        """Whether it has networks that are moved."""
        return isinstance(self.engine, Hosted)

    @property
    def on_device(self) -> bool:
        """Whether it needs the device for itself."""
        return self.hosted or self.entry.needs.cuda


@dataclass(slots=True)
class Expected:
    """A job's engines in the order of its steps, and how far it is."""

    engines: tuple[str, ...]
    keys: frozenset[str]  # of their networks
    tell: Callable[[str], None]
    at: int = 0
    wait_s: float = 0.0  # of the device, for weights
    peak_bytes: int = 0  # of its engines' weights, and beside them on a device

    def reach(self, engine: str) -> None:
        """The job uses that engine now: go on to its next place, if it has one."""
        if engine in self.engines[self.at :]:
            self.at = self.engines.index(engine, self.at)

    def change(self, engine: str, other: str, key: str) -> None:
        """From here on it uses another engine in place of one."""
        rest = [other if each == engine else each for each in self.engines[self.at :]]
        self.engines = (*self.engines[: self.at], *rest)
        self.keys |= {key}

    def count(self, held: Iterable[Slot], wait_s: float, beside_bytes: int) -> None:
        """Note what it waited for its weights, and how much is held for it at this moment."""
        own = sum(each.chunk.nbytes for each in held if each.chunk.id.model in self.keys)
        self.wait_s += wait_s
        self.peak_bytes = max(self.peak_bytes, own + beside_bytes)

    def pass_by(self, engine: str) -> None:
        """The job is done with that engine for now."""
        if self.at < len(self.engines) and self.engines[self.at] == engine:
            self.at += 1


def plain_bytes(guest: Guest) -> int:
    """Return what an engine without networks is said to take."""
    return 0 if guest.hosted else int(guest.entry.needs.memory_gb * GIB)
