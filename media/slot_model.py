"""What the slot planner works on: slots, weights, placements, and who must wait for whom."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

MAX_SPEED = 1.30
FEW = 20  # partners of one line in cross-talk that are looked at
SHORTEST_S = 0.02


@dataclass(frozen=True, slots=True)
class Slot:
    """A line to be placed."""

    start_s: float  # in the source
    end_s: float
    natural_s: float  # how long the dub lasts at the voice's own speed
    speaker: str = ""
    early_s: float = 0.2  # how far before the source it may start
    late_s: float = 0.6
    hard_end_s: float | None = None  # a cut or an anchor that it should not cross
    locked: bool = False  # starts where the source does, whatever that costs the others


@dataclass(frozen=True, slots=True)
class Weights:
    """What it costs to depart from the source. A cost is for one second, unless it says otherwise."""

    tiers: tuple[float, ...] = (1.05, 1.10, 1.15, 1.19, 1.24, MAX_SPEED)  # speeds
    tier_costs: tuple[float, ...] = (
        0.25,
        1.0,
        3.0,
        6.0,
        30.0,
        150.0,
    )  # a second saved in each tier
    over_cost: float = 1000.0  # saved beyond the last tier: only where there is no other way
    slowest: float = 1.06  # longest a line is drawn out
    slow_cost: float = 0.6
    short_cost: float = (
        0.7  # shorter than in the source: mouths that still move, and nobody is heard
    )
    early_free_s: float = 0.12
    early_costs: tuple[float, float] = (1.6, 8.0)  # within it, beyond it
    late_cuts_s: tuple[float, float] = (0.25, 0.45)
    late_costs: tuple[float, float, float] = (0.4, 2.5, 10.0)  # up to each cut, beyond both
    outside_s: float = 0.8  # beyond a line's window: first stretch
    outside_costs: tuple[float, float] = (25.0, 100.0)  # in that stretch, beyond it
    locked_cost: float = 2000.0  # a locked line moved
    overrun_cost: float = 0.15  # past the source's end
    hard_cost: float = 60.0  # past a hard end
    smooth_cost: float = 1.0  # a change of speed between neighbours of one speaker, times seconds
    far_smooth_cost: float = 0.2  # the same across a pause of 2 s or more
    gap_s: float = 0.08  # least pause between two lines


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a line goes. All of it is spoken, in `duration_s`."""

    start_s: float
    duration_s: float
    speed: float  # natural / rendered
    slack_s: float  # seconds by which this line makes itself or others miss their place; 0: it fits
    price: float  # what the whole track would gain if the line were one second shorter


@dataclass(frozen=True, slots=True)
class Schedule:
    """The whole track."""

    placements: tuple[Placement, ...]
    cost: float
    solved: bool = True  # False: placed by the greedy fallback


@dataclass(frozen=True, slots=True)
class Order:
    """Line `later` starts `room_s` after the end of line `earlier`, or afterwards; negative: overlap."""

    earlier: int
    later: int
    room_s: float


def orders(slots: Sequence[Slot], gap_s: float) -> Iterator[Order]:
    """Yield who waits for whom. Together with starts in the order of the source this is complete.

    Lines of one speaker never overlap. Lines of two speakers overlap no more than in the source;
    one that was said within another may stand anywhere in it.
    """
    following = _next_of_speaker(slots)
    for i, slot in enumerate(slots):
        same = following[i]
        for j in range(i + 1, min(len(slots), i + 1 + FEW)):
            other = slots[j]
            if other.speaker == slot.speaker:
                break
            shared_s = min(slot.end_s, other.end_s) - other.start_s
            if shared_s <= 0:
                yield Order(i, j, gap_s)
                same = None  # whoever follows starts after that one
                break
            if other.end_s > slot.end_s and other.start_s > slot.start_s:
                yield Order(i, j, -shared_s)
        if same is not None:
            yield Order(i, same, gap_s)


def gap_for(slots: Sequence[Slot], total_s: float, gap_s: float) -> float:
    """Return a pause that leaves room for the lines, however many they are."""
    return min(gap_s, 0.25 * total_s / max(1, len(slots)))


def rooms_s(slots: Sequence[Slot], total_s: float) -> list[float]:
    """Return how long each line may last until the next of its speaker begins in the source."""
    following = _next_of_speaker(slots)
    ends = [total_s if j is None else slots[j].start_s for j in following]
    return [max(0.0, end - slot.start_s) for slot, end in zip(slots, ends, strict=True)]


def neighbours(slots: Sequence[Slot]) -> list[tuple[int, int]]:
    """Return the pairs of lines that one speaker says one after the other."""
    return [(i, j) for i, j in enumerate(_next_of_speaker(slots)) if j is not None]


def in_order(starts_s: Sequence[float]) -> bool:
    """Tell whether nothing starts before what comes before it."""
    return all(a <= b for a, b in pairwise(starts_s))


def _next_of_speaker(slots: Sequence[Slot]) -> list[int | None]:
    found: list[int | None] = [None] * len(slots)
    seen: dict[str, int] = {}
    for i in range(len(slots) - 1, -1, -1):
        found[i] = seen.get(slots[i].speaker)
        seen[slots[i].speaker] = i
    return found
