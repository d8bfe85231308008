"""The ladder ends, never takes a rung twice, and helps a real step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.residency.oom import Ladder, Rung
from studio.errors import BadInput, OutOfMemory
from tests.engines.residency.fleet import Made, manager, one_model_bytes

ONE = one_model_bytes()


@given(st.dictionaries(st.sampled_from(list(Rung)[:-1]), st.booleans()))
def test_13_it_ends_after_six_rungs_at_most(helps):
    told, taken = [], []
    rungs = {rung: (lambda rung=rung: helps[rung]) for rung in helps}
    ladder = Ladder(rungs, told.append)
    while ladder.reached is not Rung.GIVE_UP:
        try:
            taken.append(ladder.climb("x", "need"))
        except OutOfMemory:
            break
    assert taken == sorted(set(taken)) == [rung for rung in Rung if helps.get(rung)]
    assert len(told) == len(taken) <= 5


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
