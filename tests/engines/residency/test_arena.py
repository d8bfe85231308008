"""The arena, its limits, and every way in which it may be refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.residency.arena import GIB, Arena, host_budget_bytes, memory_limit_bytes


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9000), st.randoms()), max_size=40))
def test_16_it_never_fragments_for_good(steps):
    arena, taken = Arena(1 << 16), []
    for take, nbytes, rng in steps:
        if take or not taken:
            run = arena.take(nbytes)
            if run is not None:
                assert all(
                    run.start >= each.start + each.nbytes or each.start >= run.start + run.nbytes
                    for each in taken
                )
                taken.append(run)
            else:
                assert all(each.nbytes < max(nbytes, 1) for each in arena.free_runs)
        else:
            arena.give(taken.pop(rng.randrange(len(taken))))
        assert arena.used_bytes + sum(each.nbytes for each in arena.free_runs) == arena.nbytes
    for each in taken:
        arena.give(each)
    assert len(arena.free_runs) == 1


def test_nothing_is_a_size():
    arena = Arena(0)
    assert arena.take(1) is None and arena.why and not arena.pinned and arena.address == 0


def test_a_mapping_that_the_machine_refuses_leaves_an_empty_arena():
    arena = Arena(1 << 62)
    assert arena.nbytes == 0 and "no mapping" in arena.why


@pytest.mark.parametrize("why", ["", "no memlock"])
def test_pinned_or_the_reason_why_not(why):
    asked = []

    def pin(address, nbytes):
        asked.append((address, nbytes))
        return why

    arena = Arena(1 << 20, pin=pin)
    assert asked == [(arena.address, 1 << 20)]
    assert (arena.pinned, arena.why) == (not why, why)
    assert arena.take(100) is not None  # it serves either way


def fake(root, total_gb, group, **files):
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text(f"MemTotal: {total_gb << 20} kB\nMemFree: 1 kB\n")
    (root / "proc/self/cgroup").write_text(group)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name.replace("__", "/").replace("_", ".", 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_17_the_smaller_limit_of_the_control_groups_counts(tmp_path):
    root = fake(
        tmp_path,
        64,
        "0::/pod/studio\n",
        pod__memory_max=f"{16 * GIB}\n",
        pod__studio__memory_max="max\n",
    )
    assert memory_limit_bytes(root) == 16 * GIB
    assert host_budget_bytes(root=root) == int(16 * GIB * 0.6)
    assert host_budget_bytes(100, root=root) == 16 * GIB


def test_17_a_container_that_sees_only_its_own_group(tmp_path):
    root = fake(tmp_path, 64, "0::/\n", memory_max=str(8 * GIB))
    assert memory_limit_bytes(root) == 8 * GIB
    assert host_budget_bytes(root=root) == 2 * GIB  # 6 GB are left to everything else


def test_17_version_1_and_no_group_at_all(tmp_path):
    root = fake(tmp_path / "one", 64, "4:memory:/docker/x\n")
    limit = root / "sys/fs/cgroup/memory/memory.limit_in_bytes"
    limit.parent.mkdir(parents=True)
    limit.write_text(str(12 * GIB))
    assert memory_limit_bytes(root) == 12 * GIB
    assert memory_limit_bytes(fake(tmp_path / "none", 32, "")) == 32 * GIB
