"""What the machine holds in memory, and what a job will cost: told by who lends the engines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Holding:
    """One engine in memory."""

    engine: str
    title: str
    device_bytes: int
    host_bytes: int
    lent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """Everything in memory, the budgets, and whether the host's part is pinned."""

    device: str
    in_place: bool  # host and device are one
    device_bytes: int
    device_budget_bytes: int
    host_bytes: int
    host_budget_bytes: int
    pinned_bytes: int
    pinning: str  # why less is pinned than could be; "" where all is well
    engines: tuple[Holding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What engines will cost a job, beside computing."""

    wait_s: float  # for weights
    peak_bytes: int  # on the device, or in memory where host and device are one
    in_place: bool  # they are
    read_bytes: int  # from the disk
    download_bytes: int  # not here yet
    guessed: bool  # an engine was never loaded here: its size is taken from its preset


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a job took so far, as `Forecast` foretells it."""

    wait_s: float = 0.0
    peak_bytes: int = 0


@runtime_checkable
class Keeper(Protocol):
    """Knows what is in memory, and can free it."""

    def holdings(self) -> Holdings:
        """Return what is held where."""
        ...

    def last_item(self, engine: str) -> None:
        """Hear that no item comes after the next one in this engine's lease: its weights may leave."""
        ...

    def smaller(self, engine: str, job: str) -> str:
        """Return the engine that takes over from one that does not fit; "" if there is or may be none."""
        ...

    def free(self, *, host: bool = True) -> int:
        """Drop what nobody uses; return the bytes."""
        ...

    def forecast(self, engines: Sequence[str]) -> Forecast:
        """Return what those engines, one after the other, will cost."""
        ...

    def spent(self, job: str) -> Spent:
        """Return what an expected job took since it was announced."""
        ...

    def idle_s(self) -> float:
        """Return for how long nothing has been lent."""
        ...

    def tend(self) -> None:
        """Free what has been idle for long."""
        ...
