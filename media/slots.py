"""Where the lines of a dub go: one linear program places a whole track at once.

A line has a slot in the source and a natural length in the dub. The program chooses when each line
starts and how fast it is spoken: even speed costs least, being early more than being late, and no
line is ever cut. Weights follow the dubbing literature: M. Federico et al., Interspeech 2020 (early
is worse than late, relaxation up to 300 ms is not heard); Y. Virkar et al., 2022 (even speed is what
listeners want most). Solved by HiGHS (Q. Huangfu, J. Hall, 2018) through scipy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FIT = 1e-6


@dataclass(frozen=True, slots=True)
class Slot:
    """A line to be placed."""

    start_s: float  # in the source
    end_s: float
    natural_s: float  # how long the dub lasts at the voice's own speed
    speaker: str = ""
    early_s: float = 0.2  # how far before the source it may start
    late_s: float = 0.6
    hard_end_s: float | None = None  # a cut or an anchor that it must not cross


@dataclass(frozen=True, slots=True)
class Weights:
    """What it costs to depart from the source; seconds and speeds."""

    tiers: tuple[float, ...] = (1.05, 1.10, 1.15, 1.20, 1.30)  # speeds
    tier_costs: tuple[float, ...] = (0.25, 1.0, 3.0, 8.0, 20.0)  # a second saved in each tier
    slowest: float = 1.06  # longest a line is drawn out
    slow_cost: float = 0.6
    early_free_s: float = 0.12
    early_costs: tuple[float, float] = (1.6, 8.0)
    late_cuts_s: tuple[float, float] = (0.25, 0.45)
    late_costs: tuple[float, float, float] = (0.4, 1.5, 5.0)
    overrun_cost: float = 0.15  # a second past the source's end
    smooth_cost: float = 1.0  # a change of speed between neighbours
    slack_cost: float = 60.0  # a second that does not fit
    gap_s: float = 0.08  # least pause between two lines


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a line goes. It lasts `duration_s`, never less; `slack_s` of it had no room."""

    start_s: float
    duration_s: float
    speed: float  # natural / rendered
    slack_s: float
    price: float  # what the whole track would gain if the line were one second shorter


@dataclass(frozen=True, slots=True)
class Schedule:
    """The whole track."""

    placements: tuple[Placement, ...]
    cost: float


def solve(slots: Sequence[Slot], total_s: float, weights: Weights | None = None) -> Schedule:
    """Place every line at once.

    Args:
        slots: in order of `start_s`.
        total_s: length of the track.
        weights: what departures cost.

    Returns:
        One placement a slot. Lines of one speaker never overlap, of two speakers no more than they did
        in the source, except by the slack that is told.
    """
    if not slots:
        return Schedule((), 0.0)
    w = weights or Weights()
    program = _Program(slots, total_s, w)
    solved = program.solve()
    if solved is None:  # a hard end before a line's earliest start: it cannot be kept
        return solve([replace(each, hard_end_s=None) for each in slots], total_s, w)
    return solved


class _Program:
    """The linear program; the variables of line i stand at i * width."""

    def __init__(self, slots: Sequence[Slot], total_s: float, w: Weights) -> None:
        self._slots, self._total_s, self._w = slots, total_s, w
        tiers = len(w.tiers)
        self._start, self._slow, self._fast = 0, 1, 2
        self._early, self._late, self._over, self._slack = (
            2 + tiers,
            4 + tiers,
            7 + tiers,
            8 + tiers,
        )
        self._width = 9 + tiers
        n = len(slots)
        self._size = n * self._width + max(0, n - 1)
        self._cost, self._low = np.zeros(self._size), np.zeros(self._size)
        self._high = np.full(self._size, np.inf)
        self._rows: list[tuple[list[int], list[float], float, int]] = []
        for i, slot in enumerate(slots):
            self._bound(i, slot)
        for i in range(n - 1):
            near = slots[i + 1].start_s - slots[i].end_s < 2.0
            least = min(slots[i].natural_s, slots[i + 1].natural_s)
            self._cost[n * self._width + i] = w.smooth_cost * least * (1.0 if near else 0.2)
        for i, slot in enumerate(slots):
            self._constrain(i, slot)

    def solve(self) -> Schedule | None:
        """Solve it; None where there is no solution."""
        from scipy.optimize import (  # noqa: PLC0415 - half a second to import
            linprog,  # pyright: ignore[reportUnknownVariableType]
        )
        from scipy.sparse import csr_array  # noqa: PLC0415

        columns = [c for row in self._rows for c in row[0]]
        values = [v for row in self._rows for v in row[1]]
        lines = np.repeat(np.arange(len(self._rows)), [len(row[0]) for row in self._rows])
        shape = (len(self._rows), self._size)
        matrix = csr_array((values, (lines, columns)), shape=shape)
        right = np.array([row[2] for row in self._rows])
        bounds = np.column_stack([self._low, self._high])
        found: Any = linprog(self._cost, A_ub=matrix, b_ub=right, bounds=bounds, method="highs")
        if found.status != 0:
            return None
        return self._read(found.x, -found.ineqlin.marginals, float(found.fun))

    def _bound(self, i: int, slot: Slot) -> None:
        w, b, natural = self._w, i * self._width, slot.natural_s
        self._low[b] = max(0.0, slot.start_s - slot.early_s)
        self._high[b] = max(self._low[b], slot.start_s + slot.late_s)
        self._high[b + self._slow] = w.slowest - 1
        self._cost[b + self._slow] = w.slow_cost * natural
        saved = [1 - 1 / tier for tier in w.tiers]
        for k, (upper, lower) in enumerate(zip(saved, [0.0, *saved[:-1]], strict=True)):
            self._high[b + self._fast + k] = upper - lower
            self._cost[b + self._fast + k] = w.tier_costs[k] * natural
        self._high[b + self._early] = w.early_free_s
        self._high[b + self._late : b + self._late + 2] = w.late_cuts_s
        self._cost[b + self._early : b + self._early + 2] = w.early_costs
        self._cost[b + self._late : b + self._late + 3] = w.late_costs
        self._cost[b + self._over], self._cost[b + self._slack] = w.overrun_cost, w.slack_cost

    def _ratio(self, i: int, sign: float) -> tuple[list[int], list[float]]:
        """Rendered over natural length, without its constant 1."""
        b, tiers = i * self._width, len(self._w.tiers)
        columns = [b + self._slow, *range(b + self._fast, b + self._fast + tiers)]
        return columns, [sign, *[-sign] * tiers]

    def _end(self, i: int) -> tuple[list[int], list[float]]:
        """Where line i ends less its slack, without its constant natural length."""
        b, natural = i * self._width, self._slots[i].natural_s
        columns, values = self._ratio(i, natural)
        return [b, *columns, b + self._slack], [1.0, *values, -1.0]

    def _constrain(self, i: int, slot: Slot) -> None:
        b, natural = i * self._width, slot.natural_s
        columns, values = self._end(i)
        for j in range(i + 1, len(self._slots)):
            other = self._slots[j]
            same = other.speaker == slot.speaker
            shared = 0.0 if same else max(0.0, min(slot.end_s, other.end_s) - other.start_s)
            room = shared if shared > 0 else -self._w.gap_s
            self._add([*columns, j * self._width], [*values, -1.0], room - natural, i)
            if same and other.start_s >= slot.end_s:
                break
            if other.start_s > slot.end_s + natural:
                break
        last = min(each for each in (self._total_s, slot.hard_end_s) if each is not None)
        self._add(columns, values, last - natural, i)
        self._add([*columns, b + self._over], [*values, -1.0], slot.end_s - natural, i)
        late, early = b + self._late, b + self._early
        self._add([b, late, late + 1, late + 2], [1.0, -1.0, -1.0, -1.0], slot.start_s, -1)
        self._add([b, early, early + 1], [-1.0, -1.0, -1.0], -slot.start_s, -1)
        if i + 1 < len(self._slots):
            change = len(self._slots) * self._width + i
            for sign in (1.0, -1.0):
                here, there = self._ratio(i, -sign), self._ratio(i + 1, sign)
                self._add([*here[0], *there[0], change], [*here[1], *there[1], -1.0], 0.0, -1)

    def _add(self, columns: list[int], values: list[float], right: float, owner: int) -> None:
        self._rows.append((columns, values, right, owner))

    def _read(self, x: Floats, duals: Floats, cost: float) -> Schedule:
        n, w = len(self._slots), self._w
        table = x[: n * self._width].reshape(n, self._width)
        slow = table[:, self._slow]
        fast = table[:, self._fast : self._fast + len(w.tiers)]
        ratio = 1 + slow - fast.sum(axis=1)
        price = slow * w.slow_cost + fast @ np.array(w.tier_costs)
        for (_, _, _, owner), dual in zip(self._rows, duals, strict=True):
            if owner >= 0:
                price[owner] += dual * ratio[owner]
        natural = np.array([each.natural_s for each in self._slots])
        for i in range(n - 1):
            k = i if natural[i] <= natural[i + 1] else i + 1
            at = n * self._width + i
            price[k] += self._cost[at] / natural[k] * x[at]
        placements = [
            Placement(
                round(float(table[i, 0]), 6),
                round(float(natural[i] * ratio[i]), 6),
                float(1 / ratio[i]),
                float(table[i, self._slack]) if table[i, self._slack] > FIT else 0.0,
                float(price[i]),
            )
            for i in range(n)
        ]
        return Schedule(_settled(self._slots, placements, self._total_s, w.gap_s), cost)


def plan(
    slots: Sequence[Slot],
    total_s: float,
    shorter_s: Sequence[Sequence[float]],
    budget_share: float = 0.2,
    rounds: int = 5,
) -> tuple[Schedule, tuple[int, ...]]:
    """Spend a budget of rewrites where they help the whole track most, by price.

    Args:
        slots: as for `solve`.
        total_s: length of the track.
        shorter_s: natural lengths of ever shorter texts of each line; may be empty.
        budget_share: how many of the lines may be rewritten, 0..1.
        rounds: how often the prices are looked at anew.

    Returns:
        The schedule, and for each line which text it uses (0: as translated).
    """
    now, level = list(slots), [0] * len(slots)
    left = int(budget_share * len(slots) + 0.999)
    schedule = solve(now, total_s)
    for _ in range(rounds):
        gains = sorted(
            (
                (place.price * (now[i].natural_s - shorter_s[i][level[i]]), -i)
                for i, place in enumerate(schedule.placements)
                if level[i] < len(shorter_s[i])
            ),
            reverse=True,
        )
        picked = [-i for gain, i in gains if gain > 0.05 and (level[-i] or left)]
        picked = picked[: max(1, left // rounds)]
        if not picked:
            break
        for i in picked:
            left -= level[i] == 0
            now[i] = replace(now[i], natural_s=shorter_s[i][level[i]])
            level[i] += 1
        schedule = solve(now, total_s)
    return schedule, tuple(level)


def _settled(
    slots: Sequence[Slot], placements: Sequence[Placement], total_s: float, gap_s: float
) -> tuple[Placement, ...]:
    """Give lines that found no room their whole length: what follows waits, or all move up."""
    placed = list(placements)
    if all(each.slack_s == 0 for each in placed):
        return tuple(placed)
    free_s: dict[str, float] = {}
    for i in sorted(range(len(placed)), key=lambda k: placed[k].start_s):
        start_s = max(placed[i].start_s, free_s.get(slots[i].speaker, 0.0))
        placed[i] = replace(placed[i], start_s=start_s)
        free_s[slots[i].speaker] = start_s + placed[i].duration_s + gap_s
    ends_s: dict[str, float] = {}
    for i in sorted(range(len(placed)), key=lambda k: -placed[k].start_s):
        last_s = min(total_s, ends_s.get(slots[i].speaker, total_s))
        start_s = max(0.0, min(placed[i].start_s, last_s - placed[i].duration_s))
        placed[i] = replace(placed[i], start_s=start_s)
        ends_s[slots[i].speaker] = start_s - gap_s
    return tuple(placed)
