"""The timing of a dub without a solver: each line as late as it must, then as early as it must.

Used where the linear program fails. Even speed and prices are lost; order, pauses, track and the
speed limit hold as they do there.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from media.slot_model import MAX_SPEED, Order, Slot, gap_for, orders, rooms_s
from media.slot_program import Floats, Solution

TIGHTER = 0.85  # of every length, where the track has no room for all lines at the highest speed
ROUNDS = 60


def place_greedily(slots: Sequence[Slot], total_s: float, gap_s: float) -> Solution:
    """Return starts and lengths, found in one pass forward and one backward."""
    gap_s = gap_for(slots, total_s, gap_s)
    waits = list(orders(slots, gap_s))
    natural_s = np.array([slot.natural_s for slot in slots])
    rooms = np.maximum(np.array(rooms_s(slots, total_s)) - gap_s, 1e-3)
    ratios = 1 / np.clip(natural_s / rooms, 1.0, MAX_SPEED)
    starts_s = np.zeros(len(slots))
    for _ in range(ROUNDS):
        starts_s = _pull(
            _push(slots, natural_s * ratios, waits), natural_s * ratios, waits, total_s
        )
        if starts_s.min() >= 0:
            break
        if (ratios > 1 / MAX_SPEED).any():
            ratios = np.full(len(slots), 1 / MAX_SPEED)
        else:
            ratios = ratios * TIGHTER
    prices = np.maximum(0.0, natural_s - rooms)
    return Solution(np.maximum(starts_s, 0.0), ratios, prices, float(prices.sum()))


def _push(slots: Sequence[Slot], lengths_s: Floats, waits: Sequence[Order]) -> Floats:
    """Start every line at its place in the source, or when those before it are over."""
    before: defaultdict[int, list[Order]] = defaultdict(list)
    for wait in waits:
        before[wait.later].append(wait)
    starts_s = np.zeros(len(slots))
    for i, slot in enumerate(slots):
        after_s = [starts_s[w.earlier] + lengths_s[w.earlier] + w.room_s for w in before[i]]
        starts_s[i] = max([slot.start_s, starts_s[i - 1] if i else 0.0, *after_s])
    return starts_s


def _pull(starts_s: Floats, lengths_s: Floats, waits: Sequence[Order], total_s: float) -> Floats:
    """Move lines up so that all are over when the track is; below 0 where that is impossible."""
    after: defaultdict[int, list[Order]] = defaultdict(list)
    for wait in waits:
        after[wait.earlier].append(wait)
    pulled_s = starts_s.copy()
    last = len(starts_s) - 1
    for i in range(last, -1, -1):
        ends_s = [pulled_s[w.later] - w.room_s for w in after[i]]
        latest_s = min([total_s, *ends_s]) - lengths_s[i]
        pulled_s[i] = min(starts_s[i], latest_s, pulled_s[i + 1] if i < last else np.inf)
    return pulled_s
