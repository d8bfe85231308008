"""The ladder ends, never takes a rung twice, and helps a real step."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.residency.oom import Ladder, Rung
from studio.artefacts import Store
from studio.errors import BadInput, OutOfMemory
from studio.memory import Memory
from studio.steps import Desk, Run, engine_step
from tests.engines.residency.fleet import Made, Thinker, manager, one_model_bytes
from tests.studio.test_steps import Quiet

ONE = one_model_bytes()


@given(st.dictionaries(st.sampled_from(list(Rung)[:-1]), st.booleans()))
def test_13_it_ends_after_five_rungs_at_most(helps):
    told, taken = [], []
    rungs = {rung: (lambda rung=rung: helps[rung]) for rung in helps}
    ladder = Ladder(rungs, told.append)
    while ladder.reached is not Rung.GIVE_UP:
        try:
            taken.append(ladder.climb("x", "need"))
        except OutOfMemory:
            break
    assert taken == sorted(set(taken)) == [rung for rung in Rung if helps.get(rung)]
    assert len(told) == len(taken) <= 4


def test_a_step_is_saved_by_the_ladder_and_then_given_up(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    made, told = Made(tmp_path), []
    boss = manager(made, ONE * 3)
    plain = made.plain("a")
    with boss.lease("b"):
        pass
    boss.expect("job", ["a"], told.append)
    with boss.lease("a", "job") as engine:
        assert not boss.relieve("a", BadInput("no"))
        assert not boss.relieve("a", RuntimeError("shape"))
        for _ in range(3):
            assert boss.relieve("a", MemoryError("full"))
            assert engine.think() == plain  # right after each rung, streamed at last
        assert boss.books.streamed
        with pytest.raises(OutOfMemory):
            boss.relieve("a", MemoryError("full"))
    assert [line.split(": ")[1].split(",")[0] for line in told] == [
        "dropped the weights of other engines",
        "gave unused memory back to the device",
        "keeps the network on the device in parts only",
    ]
    assert boss.measured.of("a").streamed  # the next lease begins there
    with boss.lease("a", "job") as engine:
        assert boss.books.streamed and engine.think() == plain
    boss.close()


@engine_step("Think")
def think(thinker: "Thinker", desk: Desk, word: int) -> str:
    return thinker.think((word,)).hex()


def run_in(folder, boss, told):
    boss.expect("job", ["a"], told.append)
    return Run(Store(folder), Memory(folder / "memory"), {"Thinker": "a"}, boss, Quiet(), job="job")


@pytest.mark.parametrize("allowed", [True, False])
def test_a_smaller_sibling_does_the_rest_where_that_is_allowed(tmp_path, monkeypatch, allowed):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    made, told = Made(tmp_path), []
    made.smaller["a"] = "b"
    boss = manager(made, ONE * 3, smaller_engines=allowed)
    run = run_in(tmp_path, boss, told)
    first = run.step(think, 1)
    made.engines["a"].trouble = [MemoryError("full")] * 9
    if not allowed:
        with pytest.raises(OutOfMemory, match="A does not fit"):
            run.map(think, [1, 2, 3])
        boss.close()
        return
    answers = run.map(think, [1, 2, 3])
    small = [made.plain("b", (each,)).hex() for each in (2, 3)]
    assert answers == (first, *small) and first == made.plain("a", (1,)).hex()
    assert told[-1] == "A does not fit into memory: B did the rest."
    assert replace(run, seed=0).map(think, [2, 3]) == tuple(small)  # the same run stays with it
    made.engines["a"].trouble = []
    again = run_in(tmp_path, boss, told)
    assert again.step(think, 2) == made.plain("a", (2,)).hex()  # never taken for the other's
    boss.close()
