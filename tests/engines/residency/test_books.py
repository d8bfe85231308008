"""The planner's invariants, on a virtual clock (numbers: as the manager's design lists them)."""

import random
from dataclasses import replace
from itertools import combinations
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.residency.books import Books
from engines.residency.chunks import ChunkId, Model, even
from engines.residency.plan import NEVER, Plan, Stage, victims
from engines.residency.replay import Machine, checksum, estimate, replayed
from studio.errors import OutOfMemory
from tests.engines.residency.drawn import largest, models, plans, speeds

MANY = settings(max_examples=40, deadline=None)
FEW = settings(max_examples=30, deadline=None)


def roomy(plan, found, extra):
    """Return a size on which every stage fits whole."""
    sizes = {each.key: each.nbytes for each in found}
    return extra + max(
        sum(sizes[key] for key in stage.needs) + stage.activation_bytes for stage in plan.stages
    )


class Auditor:
    """Looks at every event whether what must hold holds."""

    def __init__(self):
        self.leased = frozenset()
        self.events = 0

    def __call__(self, replay):
        books, self.events = replay.books, self.events + 1
        ready = books.entered and books.ready()
        extra = books.plan.stages[books.at].activation_bytes if ready else 0
        for shelf, place in ((books.ram, replay.host), (books.vram, replay.device)):
            real = sum(slot.buffer.nbytes for slot in shelf.held.values())
            assert real == shelf.used_bytes == place.live_bytes  # 8: the books equal a recount
            assert all(slot.buffer.live for slot in shelf.held.values())
        assert replay.device.live_bytes + extra <= replay.device.capacity - books.spare_bytes  # 1
        assert replay.host.live_bytes <= replay.host.capacity  # 1
        if ready:
            for id_ in books.leased:  # 2 and 3: there, whole, and the right bytes
                slot = books.vram.held[id_]
                assert slot.settled and slot.buffer.content == checksum(id_)
        assert replay.device.back_bytes == 0  # 4


def run(replay, plan, found):
    replay.watch = auditor = Auditor()
    result = replay.run(plan, found)
    assert auditor.events
    return result


@MANY
@given(plans(), models(), speeds(), st.integers(0, 200), st.integers(0, 300), st.booleans())
def test_1_to_4_sizes_leases_and_bytes(plan, found, speed, room, host, thrifty):
    size = roomy(plan, found, room)
    machine = Machine(size, largest(found) * 2 + host, *speed)
    replay = replayed(machine, thrifty=thrifty)
    cost = run(replay, plan, found)
    assert cost.peak_bytes <= size
    assert replay.now_s == pytest.approx(cost.compute_s + cost.stall_s, abs=1e-6)
    assert not replay.books.leased


@MANY
@given(plans(), models(), speeds(), st.integers(0, 200))
def test_14_what_is_larger_than_the_device_is_streamed(plan, found, speed, host):
    worst = max(each.activation_bytes for each in plan.stages)
    machine = Machine(largest(found) * 2 + worst, largest(found) * 2 + host, *speed)
    replay = replayed(machine)
    cost = run(replay, plan, found)
    assert cost.peak_bytes <= machine.device_bytes


def test_14_what_is_larger_than_host_and_device_streams_from_the_disk():
    big = even("big", 1000, 20)
    replay = replayed(Machine(200, 150, 1000.0, 1000.0))
    cost = run(replay, Plan((Stage("s", ("big",), 1.0, 0, 3),)), [big])
    assert cost.read_bytes > 2 * big.nbytes  # in every pass
    assert cost.peak_bytes <= 200


def test_14_a_part_that_fits_stays_while_the_rest_streams():
    big = even("big", 1000, 10)
    replay = replayed(Machine(900, 2000, 1e9, 1e9))
    cost = run(replay, Plan((Stage("s", ("big",), 1.0, 0, 10),)), [big])
    assert (
        cost.copied_bytes <= 700 + 11 * 300
    )  # seven stay; three go round ten times, and set out again


def test_14_not_even_a_chunk_fits():
    replay = replayed(Machine(90, 2000, 1e9, 1e9))
    assert replay.books.log.maxlen  # a studio lives for weeks
    with pytest.raises(OutOfMemory, match="at least 100 bytes"):
        run(replay, Plan((Stage("s", ("big",), 1.0),)), [even("big", 1000, 10)])


def fetches(sequence, capacity, choose):
    """Return how many units a demand policy fetches; `choose` picks one to drop."""
    held, count, used = set(), 0, []
    for index, needs in enumerate(sequence):
        for unit in needs:
            if unit not in held:
                count += 1
                if len(held) == capacity:
                    able = [each for each in held if each not in needs]
                    held.remove(choose(able, index, used))
                held.add(unit)
        for unit in needs:
            used = [each for each in used if each != unit] + [unit]
    return count


def optimum(sequence, capacity):
    """Return the fewest fetches of any policy, by brute force over what may stay."""
    states = {frozenset(): 0}
    for needs in sequence:
        after = {}
        for held, count in states.items():
            cost = count + len(needs - held)
            rest = held - needs
            for size in range(min(len(rest), capacity - len(needs)) + 1):
                for kept in combinations(sorted(rest), size):
                    state = needs | set(kept)
                    after[state] = min(after.get(state, inf), cost)
        states = after
    return min(states.values())


def ours(sequence, capacity):
    found = [even(key, 10, 1) for key in sorted({unit for needs in sequence for unit in needs})]
    plan = Plan(tuple(Stage("", tuple(sorted(needs)), 1.0) for needs in sequence))
    replay = replayed(Machine(capacity * 10, 10_000, 1e9, 1e9), prefetch=False)
    replay.hand_off = False
    return replay.run(plan, found).copied_bytes // 10


sequences = st.lists(
    st.frozensets(st.sampled_from("abcdef"), min_size=1, max_size=3), min_size=1, max_size=9
)


@FEW
@given(sequences, st.integers(3, 5))
def test_5_equal_chunks_are_fetched_as_seldom_as_can_be(sequence, capacity):
    assert ours(sequence, capacity) == optimum(sequence, capacity)


def test_5_never_more_than_the_simple_policies_on_long_plans():
    for seed in range(20):
        rng = random.Random(seed)
        units = [f"m{n}" for n in range(12)]
        sequence = [frozenset(rng.sample(units, rng.randint(1, 4))) for _ in range(80)]
        capacity = rng.randint(4, 9)
        lru = fetches(sequence, capacity, lambda able, _, used: min(able, key=used.index))
        mru = fetches(sequence, capacity, lambda able, _, used: max(able, key=used.index))
        rand = fetches(sequence, capacity, lambda able, _, used, rng=rng: rng.choice(sorted(able)))
        assert ours(sequence, capacity) <= min(lru, mru, rand), seed


class Rules:
    """6: the four rules of integrated prefetching, checked at every transfer that begins."""

    def __init__(self, books):
        self.books, self.begun = books, 0

    def __getattr__(self, name):
        return getattr(self.books, name)

    def next_copy(self):
        books = self.books
        before = dict(books.vram.held)
        wanted = next(
            (
                (when, chunk)
                for when, chunk in books._wanted(books.vram.counts)
                if chunk.id not in before
            ),
            None,
        )
        free = {id_ for id_, _ in books._free(books.vram)}
        uses = {id_: books._keep(id_) for id_ in free}
        room = books._limit() - books.vram.used_bytes
        idle = not books.vram.busy
        move = books.next_copy()
        dropped = [id_ for id_ in before if id_ not in books.vram.held]
        if move is None:
            if idle and wanted is not None:  # 4: at the first opportunity
                when, chunk = wanted
                source = books.ram.held.get(chunk.id)
                able = sum(before[id_].chunk.nbytes for id_ in free if uses[id_] > when)
                assert source is None or not source.settled or room + able < chunk.nbytes
            return None
        self.begun += 1
        when, chunk = wanted
        assert move.chunk.id == chunk.id  # 1: the next that is missing
        kept = free - set(dropped)
        for id_ in dropped:
            assert uses[id_] > when  # 3: never what is needed sooner
            assert all(uses[id_] >= uses[other] for other in kept)  # 2: the farthest
        return move


@MANY
@given(plans(), models(), speeds(), st.integers(0, 100))
def test_6_the_four_rules(plan, found, speed, room):
    machine = Machine(roomy(plan, found, room), 10_000, *speed)
    replay = replayed(machine)
    rules = replay.books = Rules(replay.books)
    run(replay, plan, found)
    assert rules.begun


@MANY
@given(plans(), models(), speeds(), st.integers(0, 100))
def test_6_and_7_prefetch_never_waits_longer_than_none(plan, found, speed, room):
    """But for one chunk, the one that is under way when a stage begins."""
    machine = Machine(roomy(plan, found, room), 10_000, *speed)
    with_, without = replayed(machine), replayed(machine, prefetch=False)
    with_.hand_off = without.hand_off = False
    one = largest(found) / speed[0] + largest(found) / speed[1]
    waits = [run(each, plan, found) for each in (with_, without)]
    assert waits[0].stall_s <= waits[1].stall_s + one * len(plan.stages)
    best = estimate(machine, plan, found)
    assert best.stall_s <= waits[1].stall_s + one * len(plan.stages)


def test_7_a_stage_waits_for_one_chunk_of_a_prefetch_at_most():
    small, big = even("small", 10, 1), even("big", 1000, 10)
    plan = Plan((Stage("a", ("small",), 0.05), Stage("b", ("big",), 1.0)))
    replay = replayed(Machine(2000, 5000, 1e9, 1000.0))
    replay.run(plan, [small, big])
    for each in (small, big):
        replay.books.register(each)
    replay.books.forget("small")
    replay.books.register(small)
    replay.books.forget("big")
    replay.books.register(big)
    again = Plan((Stage("c", ("big",), 0.25), Stage("d", ("small",), 1.0)))
    replay.books.replan(again, 0)
    replay.until(replay.now_s + 0.25)  # two and a half chunks of the big one are under way
    replay.books.replan(Plan((Stage("d", ("small",), 1.0), *again.stages)), 0)
    cost = replay.stage(0)
    assert 0 < cost.wait_s <= 0.1 + 0.01 + 1e-6


class Trouble:
    """Raises at the n-th step of a transfer."""

    def __init__(self, at, error):
        self.at, self.error, self.steps = at, error, 0

    def __call__(self, step, chunk):
        self.steps += 1
        if self.steps == self.at:
            raise self.error(step)


@MANY
@given(
    plans(most=6),
    models(),
    st.integers(1, 40),
    st.sampled_from([OSError, MemoryError]),
)
def test_8_after_any_failure_the_books_are_right_and_a_retry_succeeds(plan, found, at, error):
    replay = replayed(Machine(roomy(plan, found, 50), 10_000, 100.0, 100.0))
    replay.device.fault = replay.host.fault = Trouble(at, error)
    for each in found:
        replay.books.register(each)
    replay.books.replan(plan, 0)
    audit = replay.watch = Auditor()
    index = 0
    while index < len(plan.stages):
        try:
            replay.stage(index)
        except (OSError, MemoryError):
            audit(replay)
            assert not replay.books.leased
            replay.books.replan(plan, index)  # the retry
            continue
        index += 1
    audit(replay)


def test_9_what_was_changed_on_the_device_is_pristine_again_after_it_came_back():
    one, two = even("one", 100, 4), even("two", 100, 4)
    plan = Plan((Stage("a", ("one",), 1.0), Stage("b", ("two",), 1.0), Stage("c", ("one",), 1.0)))
    replay = replayed(Machine(100, 1000, 1e6, 1e6), prefetch=False)
    for each in (one, two):
        replay.books.register(each)
    replay.books.replan(plan, 0)
    replay.stage(0)
    for slot in replay.books.vram.held.values():
        slot.buffer.content ^= 1  # a LoRA is fused into the copy on the device
    replay.stage(1)
    replay.watch = Auditor()
    replay.stage(2)  # the auditor compares each chunk's bytes


@MANY
@given(plans(), plans(), models(), speeds(), st.integers(0, 11))
def test_10_the_plan_may_change_at_any_moment(plan, other, found, speed, at):
    both = Plan(plan.stages + other.stages)
    replay = replayed(Machine(roomy(both, found, 20), 10_000, *speed))
    for each in found:
        replay.books.register(each)
    replay.watch = Auditor()
    replay.books.replan(plan, 0)
    changed = min(at, len(plan.stages) - 1)
    for index in range(changed):
        replay.stage(index)
    replay.books.enter(changed)
    replay.until(inf, replay.books.ready)
    replay.until(replay.now_s + plan.stages[changed].compute_s / 2)
    now = Plan((plan.stages[changed], *other.stages))
    replay.books.replan(now, 0)
    replay.until(replay.now_s + plan.stages[changed].compute_s / 2)
    replay.books.leave()
    for index in range(1, len(now.stages)):
        replay.stage(index)


@FEW
@given(plans(), models(), speeds())
def test_11_the_same_plan_gives_the_same_log(plan, found, speed):
    machine = Machine(roomy(plan, found, 20), 500, *speed)
    logs = []
    for _ in range(2):
        replay = replayed(machine)
        run(replay, plan, found)
        logs.append((replay.books.log, replay.now_s))
    assert logs[0] == logs[1]


@MANY
@given(plans(most=5), models(), speeds(), st.floats(0, 20))
def test_12_cancel_at_any_time_frees_every_lease(plan, found, speed, when):
    class Stopped(Exception):
        pass

    replay = replayed(Machine(roomy(plan, found, 20), 10_000, *speed))
    audit = Auditor()

    def watch(replay):
        audit(replay)
        if replay.now_s >= when and replay.books.entered:
            raise Stopped

    replay.watch = watch
    try:
        replay.run(plan, found)
    except Stopped:
        assert not replay.books.leased and not replay.books.entered
        stopped = replay.now_s
        replay.watch = audit
        replay.books.prefetch = False
        replay.until(stopped + 2 * (largest(found) / min(speed)) + 1)
        assert not replay._flying  # what was under way landed; nothing hangs


def test_15_the_estimate_is_the_log_of_the_real_run():
    found = [even("a", 300, 3), even("b", 500, 5), even("c", 400, 4)]
    stages = tuple(Stage(f"{n}", (key,), 0.5, 20) for n, key in enumerate("abcabca"))
    machine = Machine(700, 900, 800.0, 3000.0)
    guess = estimate(machine, Plan(stages), found)
    replay = replayed(machine)
    real = run(replay, Plan(stages), found)
    assert guess.stall_s == pytest.approx(real.stall_s) and guess.read_bytes == real.read_bytes
    copies = [id_ for what, id_ in replay.books.log if what == "copy"]
    assert (
        sum(c.nbytes for m in found for c in m.chunks for id_ in copies if id_ == c.id)
        == guess.copied_bytes
    )


def test_do_no_harm_the_estimate_is_never_worse_than_either_way():
    found = [even(key, 400, 4) for key in "abcd"]
    plan = Plan(tuple(Stage("", (key,), 0.3) for key in "abcdabcdabcd"))
    machine = Machine(800, 1000, 100.0, 5000.0)
    ways = [
        run(replayed(machine, thrifty=thrifty), plan, found).stall_s for thrifty in (False, True)
    ]
    assert estimate(machine, plan, found).stall_s == min(ways)


def test_hand_off_saves_what_the_last_pass_allows():
    found = [even("a", 800, 8), even("b", 800, 8)]
    plan = Plan((Stage("a", ("a",), 4.0, 0, 4), Stage("b", ("b",), 4.0, 0, 4)))
    waits = {}
    for hand_off in (False, True):
        replay = replayed(Machine(850, 5000, 1e9, 1600.0))
        replay.hand_off = hand_off
        waits[hand_off] = run(replay, plan, found).stages[1].wait_s
    assert waits[False] == pytest.approx(0.5, abs=0.01)
    assert waits[True] <= waits[False] / 4


@given(
    st.dictionaries(
        st.builds(ChunkId, st.sampled_from("abc"), st.integers(0, 3)), st.integers(1, 9)
    ),
    st.integers(-5, 40),
    st.integers(0, 4),
)
def test_victims_are_the_farthest_and_enough(held, need, soonest):
    uses = {"a": 2, "b": 5, "c": NEVER}
    chosen = victims(held.items(), need, lambda id_: uses[id_.model], soonest)
    able = {id_: size for id_, size in held.items() if uses[id_.model] > soonest}
    if chosen is None:
        assert sum(able.values()) < need
        return
    assert sum(held[id_] for id_ in chosen) >= need and set(chosen) <= set(able)
    farthest = [uses[id_.model] for id_ in chosen]
    assert farthest == sorted(farthest, reverse=True)
    if chosen:
        assert sum(held[id_] for id_ in chosen[:-1]) < need


def test_a_model_nobody_knows_is_no_need():
    plan = Plan((Stage("s", ("unknown",), 1.0),))
    assert replayed(Machine(10, 10, 1.0, 1.0)).run(plan).seconds == 1.0
    assert Books(None, None).chunks_of(replace(plan.stages[0])) == []
    assert isinstance(even("m", 10, 3), Model)
