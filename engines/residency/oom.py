"""When memory runs out: a short ladder, each rung tried once and told, then a clear refusal.

The smaller sibling of an engine is no rung: what it makes is another result and has another key, so
the run takes it, above the lease (`studio.steps`), where the user allowed it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from studio.errors import OutOfMemory


class Rung(IntEnum):
    """What is tried, in this order."""

    DROP_OTHERS = 1
    EMPTY_CACHE = 2
    TILE = 3
    STREAM = 4
    GIVE_UP = 5


WORDS: Mapping[Rung, str] = {
    Rung.DROP_OTHERS: "dropped the weights of other engines",
    Rung.EMPTY_CACHE: "gave unused memory back to the device",
    Rung.TILE: "works on pictures in tiles",
    Rung.STREAM: "keeps the network on the device in parts only",
}


@dataclass(slots=True)
class Ladder:
    """The rungs of one lease. Each returns whether it changed anything; else the next is tried.

    Args:
        rungs: what can be done here; a missing rung is skipped.
        tell: is told each rung that helped.
    """

    rungs: Mapping[Rung, Callable[[], bool]]
    tell: Callable[[str], None]
    reached: Rung | None = field(default=None, init=False)

    def climb(self, engine: str, need: str) -> Rung:
        """Take the next rung that changes something.

        Args:
            engine: for whom.
            need: what was asked and what there is, for the last rung's words.

        Raises:
            OutOfMemory: at the top.
        """
        for rung in Rung:
            if self.reached is not None and rung <= self.reached:
                continue
            self.reached = rung
            if rung is Rung.GIVE_UP:
                break
            if rung in self.rungs and self.rungs[rung]():
                self.tell(f"Memory ran out for {engine}: {WORDS[rung]}, and tried again.")
                return rung
        raise OutOfMemory(
            f"{engine} does not fit: {need}",
            remedy="Choose a smaller quality or a shorter or smaller input, or close other programs.",
        )


def tile(networks: Sequence[object]) -> bool:
    """Let networks that can work in tiles and slices; tell whether one can."""
    found = False
    for network in networks:
        for name in ("enable_tiling", "enable_slicing"):
            method = getattr(network, name, None)
            if callable(method):
                method()
                found = True
    return found
