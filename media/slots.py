"""Where the lines of a dub go: one linear program places a whole track at once.

A line has a slot in the source and a natural length in the dub. The program chooses when each line
starts and how fast it is spoken: even speed costs least, being early more than being late, and no
line is ever cut. Weights follow the dubbing literature: M. Federico et al., Interspeech 2020 (early
is worse than late, relaxation up to 300 ms is not heard); Y. Virkar et al., 2022 (even speed is what
listeners want most); W. Brannon et al., TACL 2023 (people who dub keep the rate and let timing slip).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from media.slot_greedy import place_greedily
from media.slot_model import (
    MAX_SPEED,
    SHORTEST_S,
    Order,
    Placement,
    Schedule,
    Slot,
    Weights,
    gap_for,
    in_order,
    orders,
    rooms_s,
)
from media.slot_program import SlotProgram, Solution

__all__ = [
    "MAX_SPEED", "Placement", "Schedule", "Slot", "Weights",
    "check", "plan", "solve", "speed_at_share",
]  # fmt: skip

NOTICED_S = 0.02  # less is not worth telling
FIT_S = 1e-5
GOAL_SPEED = 1.12  # of 95 % of the speech: a little below what the report asks, for estimates err
LEAST_GAIN = 0.05


def solve(slots: Sequence[Slot], total_s: float, weights: Weights | None = None) -> Schedule:
    """Place every line at once.

    Args:
        slots: in any order; nothing in them is refused.
        total_s: length of the track.
        weights: what departures cost.

    Returns:
        One placement a slot, in the order of `slots`. Lines of one speaker never overlap, those of two
        speakers no more than they did in the source, and all lie within the track. A line that has no
        place is spoken whole all the same: it tells its `slack_s`, and others wait for it.
    """
    if not slots:
        return Schedule((), 0.0)
    w = weights or Weights()
    total_s = max(total_s, SHORTEST_S)
    turn = sorted(range(len(slots)), key=lambda i: max(0.0, slots[i].start_s))
    tidy = [_sane(slots[i]) for i in turn]
    solution = SlotProgram(tidy, total_s, w).solve()
    found = solution or place_greedily(tidy, total_s, w.gap_s)
    placed = _placements(tidy, found, total_s, w)
    back: list[Placement] = [*placed]
    for place, i in zip(placed, turn, strict=True):
        back[i] = place
    return Schedule(tuple(back), found.cost, solution is not None)


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
        The schedule, and for each line which text it uses (0: as translated). It stops early when
        every line fits and 95 % of the speech is slow enough.
    """
    now, level = list(slots), [0] * len(slots)
    left = int(budget_share * len(slots) + 0.999)
    at_once = max(1, -(-left // max(1, rounds)))
    schedule = solve(now, total_s)
    for _ in range(rounds):
        picked = _worth_rewriting(schedule, now, shorter_s, level)
        if not picked or _is_easy(schedule):
            break
        for i in picked[:at_once]:
            if level[i] == 0 and left == 0:
                continue
            left -= level[i] == 0
            now[i] = replace(now[i], natural_s=shorter_s[i][level[i]])
            level[i] += 1
        schedule = solve(now, total_s)
    return schedule, tuple(level)


def check(slots: Sequence[Slot], schedule: Schedule, total_s: float) -> tuple[str, ...]:
    """Return what is wrong with a schedule, one sentence each; nothing where all is well.

    Lines are counted from 1. Times missed by less than 20 ms are not told; overlaps and ends are exact.
    """
    turn = sorted(range(len(slots)), key=lambda i: max(0.0, slots[i].start_s))
    tidy = [_sane(slots[i]) for i in turn]
    placed = [schedule.placements[i] for i in turn]
    found: list[tuple[int, str]] = []
    for i, slot, place in zip(turn, tidy, placed, strict=True):
        found += [(i, each) for each in _faults(slot, place, total_s)]
    if not in_order([round(each.start_s, 5) for each in placed]):
        found.append((-1, "lines start in another order than in the source"))
    for order in orders(tidy, 0.0):
        first, second = placed[order.earlier], placed[order.later]
        over_s = first.start_s + first.duration_s - second.start_s + order.room_s
        if over_s > FIT_S:
            other = turn[order.later] + 1
            found.append((turn[order.earlier], f"talks {over_s:.3f} s into line {other}"))
    return tuple(f"line {i + 1} {text}" if i >= 0 else text for i, text in sorted(found))


def speed_at_share(schedule: Schedule, share: float) -> float:
    """Return the speed that `share` (0..1) of the speaking time does not exceed."""
    ranked = sorted((place.speed, place.duration_s) for place in schedule.placements)
    left_s = share * sum(length_s for _, length_s in ranked)
    for speed, length_s in ranked:
        left_s -= length_s
        if left_s <= 0:
            return speed
    return ranked[-1][0] if ranked else 1.0


def _is_easy(schedule: Schedule) -> bool:
    fits = all(place.slack_s == 0 for place in schedule.placements)
    return fits and speed_at_share(schedule, 0.95) <= GOAL_SPEED


def _worth_rewriting(
    schedule: Schedule,
    slots: Sequence[Slot],
    shorter_s: Sequence[Sequence[float]],
    level: list[int],
) -> list[int]:
    """Return the lines whose next shorter text helps, the most helpful first."""
    gains: list[tuple[float, int]] = []
    for i, place in enumerate(schedule.placements):
        if level[i] < len(shorter_s[i]) and not slots[i].locked:
            gain = place.price * (slots[i].natural_s - shorter_s[i][level[i]])
            if gain > LEAST_GAIN:
                gains.append((-gain, i))
    return [i for _, i in sorted(gains)]


def _sane(slot: Slot) -> Slot:
    """Return the slot with lengths above nothing."""
    start_s = max(0.0, slot.start_s)
    return replace(
        slot,
        start_s=start_s,
        end_s=max(slot.end_s, start_s + SHORTEST_S),
        natural_s=max(slot.natural_s, SHORTEST_S),
        early_s=max(0.0, slot.early_s),
        late_s=max(0.0, slot.late_s),
    )


def _placements(
    slots: Sequence[Slot], found: Solution, total_s: float, w: Weights
) -> list[Placement]:
    gap_s = gap_for(slots, total_s, w.gap_s)
    ratios = [1.0 if abs(float(r) - 1) < 1e-6 else float(r) for r in found.ratios]
    places = [
        Placement(
            start_s=max(0.0, round(float(start_s), 6)),
            duration_s=round(slot.natural_s * ratio, 6),
            speed=1 / ratio,
            slack_s=0.0,
            price=float(price),
        )
        for slot, start_s, ratio, price in zip(
            slots, found.starts_s, ratios, found.prices, strict=True
        )
    ]
    slack_s = _blame(slots, places, list(orders(slots, gap_s)), rooms_s(slots, total_s))
    return [
        replace(place, slack_s=round(each, 6) if each > NOTICED_S else 0.0)
        for place, each in zip(places, slack_s, strict=True)
    ]


def _blame(
    slots: Sequence[Slot], places: Sequence[Placement], waits: Sequence[Order], rooms: list[float]
) -> list[float]:
    """Return the slack of every line: what it misses itself, and what others miss because of it.

    Lines that touch push each other. Whoever misses its place in such a train, the line of the train
    that is longest for its own room is to blame.
    """
    over_s = [slot.natural_s - room_s for slot, room_s in zip(slots, rooms, strict=True)]
    pushed_by, pulled_by = list(range(len(slots))), list(range(len(slots)))
    tight = [wait for wait in waits if _touch(places, wait)]
    into: defaultdict[int, list[int]] = defaultdict(list)
    out: defaultdict[int, list[int]] = defaultdict(list)
    for wait in tight:
        into[wait.later].append(wait.earlier)
        out[wait.earlier].append(wait.later)
    for i in range(len(slots)):
        pushed_by[i] = max([i, *(pushed_by[j] for j in into[i])], key=lambda k: (over_s[k], -k))
    for i in range(len(slots) - 1, -1, -1):
        pulled_by[i] = max([i, *(pulled_by[j] for j in out[i])], key=lambda k: (over_s[k], -k))
    slack_s = [0.0] * len(slots)
    for i, (slot, place) in enumerate(zip(slots, places, strict=True)):
        late_s, early_s = _missed(slot, place)
        for culprit, missed_s in (
            (pushed_by[i], late_s),
            (pulled_by[i], early_s),
            (i, slot.natural_s / MAX_SPEED - place.duration_s),
            (i, place.start_s + place.duration_s - (slot.hard_end_s or float("inf"))),
        ):
            slack_s[culprit] = max(slack_s[culprit], missed_s)
    return slack_s


def _touch(places: Sequence[Placement], wait: Order) -> bool:
    first, second = places[wait.earlier], places[wait.later]
    return second.start_s - first.start_s - first.duration_s - wait.room_s < FIT_S


def _missed(slot: Slot, place: Placement) -> tuple[float, float]:
    """Return by how much a line starts after, and before, the window in which it should."""
    early_s, late_s = (0.0, 0.0) if slot.locked else (slot.early_s, slot.late_s)
    late = place.start_s - slot.start_s - late_s
    return max(0.0, late), max(0.0, slot.start_s - early_s - place.start_s)


def _faults(slot: Slot, place: Placement, total_s: float) -> Iterator[str]:
    end_s = place.start_s + place.duration_s
    late_s, early_s = _missed(slot, place)
    if place.slack_s > 0:
        yield f"needs {place.slack_s:.2f} s more than there is room"
    if place.speed > MAX_SPEED + 1e-6:
        yield f"is spoken at {place.speed:.2f} times its own speed"
    if late_s > NOTICED_S:
        yield f"starts {place.start_s - slot.start_s:.2f} s late"
    if early_s > NOTICED_S:
        yield f"starts {slot.start_s - place.start_s:.2f} s early"
    if slot.hard_end_s is not None and end_s > slot.hard_end_s + NOTICED_S:
        yield f"ends {end_s - slot.hard_end_s:.2f} s after the point it must not cross"
    if end_s > total_s + FIT_S:
        yield f"ends {end_s - total_s:.3f} s after the track"
    if place.start_s < 0:
        yield "starts before the track"
