"""The plan: which stages come, what each needs, and who of those in memory is needed last.

Pure. Eviction by farthest next use is Belady's (1966); prefetching follows the four rules of Cao,
Felten, Karlin and Li, "A study of integrated prefetching and caching strategies" (SIGMETRICS 1995):
fetch what is missing next; give up what is needed farthest; never give up what is needed sooner than
what it makes room for; do it at the first opportunity.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf

from engines.residency.chunks import ChunkId

NEVER = inf


@dataclass(frozen=True, slots=True)
class Stage:
    """One use of the device: the models that must be there, for how long, and beside what."""

    id: str
    needs: tuple[str, ...]  # keys of models
    compute_s: float = 0.0
    activation_bytes: int = 0  # what the work takes beside the weights
    passes: int = 1  # how often each chunk is used, in order


@dataclass(frozen=True, slots=True)
class Plan:
    """Stages in their order."""

    stages: tuple[Stage, ...] = ()
    _uses: Mapping[str, tuple[int, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        uses: dict[str, list[int]] = {}
        for index, stage in enumerate(self.stages):
            for model in dict.fromkeys(stage.needs):
                uses.setdefault(model, []).append(index)
        object.__setattr__(self, "_uses", {key: tuple(each) for key, each in uses.items()})

    def next_use(self, model: str, after: int) -> float:
        """Return the first stage at or after `after` that needs `model`, or `NEVER`."""
        uses = self._uses.get(model, ())
        place = bisect_left(uses, after)
        return uses[place] if place < len(uses) else NEVER


def victims(
    held: Iterable[tuple[ChunkId, int]],
    need_bytes: int,
    next_use: Callable[[ChunkId], float],
    soonest: float,
) -> tuple[ChunkId, ...] | None:
    """Choose what to drop so that `need_bytes` become free, the farthest next use first.

    Args:
        held: chunks that may be dropped, with their bytes.
        need_bytes: how many must become free; 0 or less: nothing is dropped.
        next_use: when a chunk is needed next.
        soonest: only what is needed later than this may go.

    Returns:
        What to drop, or None where that is not enough.
    """
    chosen: list[ChunkId] = []
    if need_bytes <= 0:
        return ()
    able = [(next_use(id_), id_, nbytes) for id_, nbytes in held]
    able.sort(key=lambda each: (-each[0], each[1].model, -each[1].index))
    for use, id_, nbytes in able:
        if use <= soonest:
            break
        chosen.append(id_)
        need_bytes -= nbytes
        if need_bytes <= 0:
            return tuple(chosen)
    return None
