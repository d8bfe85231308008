"""The Engine Room tells what is in memory."""

from studio.holdings import Holding, Holdings
from tabs.engine_room import memory_facts


def held(**changes):
    facts = {
        "device": "H<1>", "in_place": False, "device_bytes": 3 << 30, "device_budget_bytes": 8 << 30,
        "host_bytes": 4 << 30, "host_budget_bytes": 9 << 30, "pinned_bytes": 0,
        "pinning": "no memlock", "engines": (Holding("a", "A & B", 1 << 30, 2 << 30, lent=True),),
    }  # fmt: skip
    return memory_facts(Holdings(**{**facts, **changes}))


def test_budgets_engines_and_why_nothing_is_pinned():
    shown = held()
    assert "H&lt;1&gt;" in shown and "A &amp; B" in shown and "at work" in shown
    assert "no memlock" in shown


def test_pinned_memory_has_a_size_and_one_place_has_no_device():
    assert "pinned" in held(pinned_bytes=1 << 30) and "no memlock" not in held(pinned_bytes=1 << 30)
    assert "Fast transfers" not in held(in_place=True)
