"""The timing of a dub as one linear program, solved by HiGHS through scipy.

A line's rendered length is natural_s * (1 + slow - fast - over). Everything that a listener may mind
is a cost; the only hard rules are the order of the lines, the pauses between them, and the track.
Source of the solver: Q. Huangfu, J. Hall, "Parallelizing the dual revised simplex method", 2018.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.slot_model import Order, Slot, Weights, gap_for, neighbours, orders

Floats = NDArray[np.float64]

LEAST_RATIO = 0.1  # rendered over natural, in a track that has no room at all
NEAR_S = 2.0


@dataclass(frozen=True, slots=True)
class Solution:
    """Arrays of one value a line, in the order of the slots."""

    starts_s: Floats
    ratios: Floats  # rendered over natural
    prices: Floats
    cost: float


class SlotProgram:
    """The program; the variables of line i stand at i * width, then one for each pair of neighbours."""

    def __init__(self, slots: Sequence[Slot], total_s: float, weights: Weights) -> None:
        self._slots, self._total_s, self._w = slots, total_s, weights
        self._tiers = len(weights.tiers)
        # one line: start, slow, fast..., over, early 3, late 4 + 1 outside, overrun, past the hard
        # end, too short
        self._over = 2 + self._tiers
        self._early = self._over + 1
        self._late = self._early + 4
        self._past = self._late + 5
        self._width = self._past + 3
        self._pairs = neighbours(slots)
        size = len(slots) * self._width + len(self._pairs)
        self._cost, self._low = np.zeros(size), np.zeros(size)
        self._high = np.full(size, np.inf)
        self._columns: list[int] = []
        self._values: list[float] = []
        self._lengths: list[int] = []
        self._right: list[float] = []
        self._owners: list[int] = []
        self._signs: list[float] = []
        self._spoken_s = sum(slot.natural_s for slot in slots)
        for i, slot in enumerate(slots):
            self._weigh(i, slot)
            self._place(i, slot)
        for order in orders(slots, gap_for(slots, total_s, weights.gap_s)):
            self._part(order)
        for k, (i, j) in enumerate(self._pairs):
            self._smooth(len(slots) * self._width + k, i, j)
        for i in range(len(slots) - 1):
            self._row([i * self._width, (i + 1) * self._width], [1.0, -1.0], 0.0)

    def solve(self) -> Solution | None:
        """Solve it; None where the solver gives up."""
        from scipy.optimize import (  # noqa: PLC0415 - half a second to import
            linprog,  # pyright: ignore[reportUnknownVariableType]
        )
        from scipy.sparse import csr_array  # noqa: PLC0415

        starts = np.concatenate([[0], np.cumsum(self._lengths)])
        shape = (len(self._lengths), len(self._cost))
        matrix = csr_array((self._values, self._columns, starts), shape=shape)
        bounds = np.column_stack([self._low, self._high])
        found: Any = linprog(
            self._cost, A_ub=matrix, b_ub=np.array(self._right), bounds=bounds, method="highs"
        )
        if found.status != 0 or not np.isfinite(found.x).all():
            return None
        return self._read(found.x, -found.ineqlin.marginals, float(found.fun))

    def _weigh(self, i: int, slot: Slot) -> None:
        """Set the bounds and costs of a line's variables."""
        w, b, natural_s = self._w, i * self._width, slot.natural_s
        self._high[b] = self._total_s
        self._bound(b + 1, [w.slowest - 1], [w.slow_cost * natural_s])
        saved = [0.0, *(1 - 1 / tier for tier in w.tiers)]
        least = min(LEAST_RATIO, 0.5 * self._total_s / max(self._spoken_s, 1e-9))
        steps = [*np.diff(saved), max(0.0, 1 - least - saved[-1])]
        self._bound(b + 2, steps, [each * natural_s for each in (*w.tier_costs, w.over_cost)])
        early_s, late_s = (0.0, 0.0) if slot.locked else (slot.early_s, slot.late_s)
        outside = [w.locked_cost] * 2 if slot.locked else [*w.outside_costs]
        first_s = min(early_s, w.early_free_s)
        steps = [first_s, early_s - first_s, w.outside_s, np.inf]
        self._bound(b + self._early, steps, [*w.early_costs, *outside])
        cuts = [0.0, *(min(late_s, each) for each in w.late_cuts_s), late_s]
        steps = [*np.diff(cuts), w.outside_s, np.inf]
        self._bound(b + self._late, steps, [*w.late_costs, *outside])
        costs = [w.overrun_cost, w.hard_cost, w.short_cost]
        self._bound(b + self._past, [np.inf] * 3, costs)

    def _bound(self, at: int, highs: Sequence[float], costs: Sequence[float]) -> None:
        self._high[at : at + len(highs)] = highs
        self._cost[at : at + len(costs)] = costs

    def _place(self, i: int, slot: Slot) -> None:
        """Tie a line's variables to its place in the source and in the track."""
        b = i * self._width
        columns, values = self._end(i)
        self._row(columns, values, self._total_s - slot.natural_s, i)
        self._row([*columns, b + self._past], [*values, -1.0], slot.end_s - slot.natural_s, i)
        if slot.hard_end_s is not None:
            last_s = slot.hard_end_s - slot.natural_s
            self._row([*columns, b + self._past + 1], [*values, -1.0], last_s, i)
        shorter, values = self._ratio(i, -slot.natural_s)
        least_s = slot.end_s - slot.start_s
        self._row(
            [*shorter, b + self._past + 2], [*values, -1.0], slot.natural_s - least_s, i, sign=-1.0
        )
        late = list(range(b + self._late, b + self._late + 5))
        early = list(range(b + self._early, b + self._early + 4))
        self._row([b, *late], [1.0, *[-1.0] * 5], slot.start_s)
        self._row([b, *early], [-1.0] * 5, -slot.start_s)

    def _part(self, order: Order) -> None:
        i = order.earlier
        columns, values = self._end(i)
        right = -order.room_s - self._slots[i].natural_s
        self._row([*columns, order.later * self._width], [*values, -1.0], right, i)

    def _smooth(self, at: int, i: int, j: int) -> None:
        w, first, second = self._w, self._slots[i], self._slots[j]
        near = second.start_s - first.end_s < NEAR_S
        least_s = min(first.natural_s, second.natural_s)
        self._cost[at] = (w.smooth_cost if near else w.far_smooth_cost) * least_s
        for sign in (1.0, -1.0):
            here, there = self._ratio(i, -sign), self._ratio(j, sign)
            self._row([*here[0], *there[0], at], [*here[1], *there[1], -1.0], 0.0)

    def _ratio(self, i: int, sign: float) -> tuple[list[int], list[float]]:
        """Rendered over natural length, without its constant 1."""
        b = i * self._width
        return list(range(b + 1, b + self._over + 1)), [sign, *[-sign] * (self._tiers + 1)]

    def _end(self, i: int) -> tuple[list[int], list[float]]:
        """Where line i ends, without its constant natural length."""
        columns, values = self._ratio(i, self._slots[i].natural_s)
        return [i * self._width, *columns], [1.0, *values]

    def _row(
        self,
        columns: Sequence[int],
        values: Sequence[float],
        right: float,
        owner: int = -1,
        *,
        sign: float = 1.0,
    ) -> None:
        """Add "sum of values * columns <= right"; the owner is whose length stands in it, by `sign`."""
        self._columns += columns
        self._values += values
        self._lengths.append(len(columns))
        self._right.append(right)
        self._owners.append(owner)
        self._signs.append(sign)

    def _read(self, x: Floats, duals: Floats, cost: float) -> Solution:
        n, w = len(self._slots), self._w
        table = x[: n * self._width].reshape(n, self._width)
        slow, fast = table[:, 1], table[:, 2 : self._over + 1]
        ratios = 1 + slow - fast.sum(axis=1)
        # A price is the derivative of the cost by natural_s: of the line's own costs, of the rows in
        # which its length stands (their duals), and of the smoothness of which it is the shorter half.
        prices = slow * w.slow_cost + fast @ np.array([*w.tier_costs, w.over_cost])
        owners = np.array(self._owners)
        owned = owners >= 0
        signed = duals * np.array(self._signs)
        np.add.at(prices, owners[owned], signed[owned] * ratios[owners[owned]])
        for k, (i, j) in enumerate(self._pairs):
            shorter = i if self._slots[i].natural_s <= self._slots[j].natural_s else j
            at = n * self._width + k
            prices[shorter] += self._cost[at] / self._slots[shorter].natural_s * x[at]
        return Solution(table[:, 0].copy(), ratios, prices, cost)
