"""Steps: keys that know everything that matters, and work that is done once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.artefacts import Artefact, Store
from studio.errors import Cancelled
from studio.keys import digest
from studio.memory import Memory
from studio.request import Record
from studio.steps import Desk, Run, artefacts_in, engine_step, step


@dataclass
class Quiet:
    """A watcher that notes what it is told."""

    told: list[Any] = field(default_factory=list)
    stop: bool = False

    def started(self, step, engine, items):
        self.told.append(("started", step.title, engine, items))

    def item(self, done):
        self.told.append(("item", done))

    def progress(self, done, total):
        self.check()

    def finished(self, step, seconds, computed):
        self.told.append(("finished", step.title, computed))

    def weigh(self, media_s):
        pass

    def answer(self, name, shown):
        return None

    def check(self):
        if self.stop:
            raise Cancelled("stopped")


@dataclass(frozen=True)
class OneEngine:
    revision: str = "1"

    def identity(self, engine):
        return f"{engine}@{self.revision}"

    def expect(self, job, engines, tell):
        pass

    def withdraw(self, job):
        pass

    def lease(self, engine, job="", check=None):
        return nullcontext(engine.upper())

    def relieve(self, engine, error):
        return isinstance(error, MemoryError)


class Scribe:
    """A role."""


def run_in(folder, **changes):
    whole = Run(Store(folder), Memory(folder / "memory"), {"Scribe": "pen"}, OneEngine(), Quiet())
    return replace(whole, **changes)


class Knobs(Record):
    text: str = ""
    count: int = 0
    gain_db: float = 0.0
    loud: bool = False
    names: tuple[str, ...] = ()
    source: Artefact | None = None


ARTEFACTS = st.builds(
    lambda number, name: Artefact(f"{number:064x}", "audio/flac", number % 10, name),
    st.integers(0, 2**256 - 1),
    st.text(max_size=3),
)
FIELDS = {
    "text": st.text(),
    "count": st.integers(),
    "gain_db": st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0),
    "loud": st.booleans(),
    "names": st.lists(st.text(), max_size=3).map(tuple),
    "source": st.none() | ARTEFACTS,
}
KNOBS = st.builds(Knobs, **FIELDS)


@given(KNOBS, st.sampled_from(sorted(FIELDS)), st.data())
def test_a_change_of_any_field_changes_the_key(knobs, name, data):
    value = data.draw(FIELDS[name])
    other = knobs.model_copy(update={name: value})
    assert (digest(knobs) == digest(other)) == (getattr(knobs, name) == value)


@given(KNOBS)
def test_a_key_outlives_writing_and_reading(knobs):
    assert digest(Knobs.model_validate_json(knobs.model_dump_json())) == digest(knobs)


@given(st.dictionaries(st.text(), st.integers()))
def test_the_order_of_a_mapping_is_not_in_the_key(given_):
    assert digest(dict(reversed(given_.items()))) == digest(given_)


@pytest.mark.parametrize(
    ("one", "other"), [(1, 1.0), (True, 1), ("1", 1), (None, "null"), ((), "")]
)
def test_values_of_different_kinds_have_different_keys(one, other):
    assert digest([one]) != digest([other])


def test_an_artefact_is_its_bytes_not_its_name():
    one = Artefact("a" * 64, "audio/flac", 1, "one")
    assert digest(one) == digest(replace(one, name="two")) != digest(replace(one, sha256="b" * 64))


def test_what_has_no_identity_is_refused(tmp_path):
    with pytest.raises(TypeError, match="PosixPath has no place in a key"):
        digest({"video": tmp_path})


@engine_step("Write")
def write(scribe: "Scribe", desk: Desk, text: str, times: int = 1) -> str:
    return f"{scribe}: {text * times}"


@step("Count")
def count(desk: Desk, text: str) -> int:
    return len(text)


def computed(run):
    return [told[2] for told in run.watcher.told if told[0] == "finished"]


def test_a_step_is_recalled_for_the_same_inputs_with_defaults_filled_in(tmp_path):
    run = run_in(tmp_path)
    first = run.step(write, "a")
    assert run.step(write, text="a", times=1) == first == "PEN: a"
    assert computed(run) == [1, 0]


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 2},
        {"lender": OneEngine("2")},
        {"engines": {"Scribe": "quill"}},
    ],
)
def test_seed_engine_and_its_revision_are_in_the_key(tmp_path, changes):
    run_in(tmp_path).step(write, "a")
    other = run_in(tmp_path, **changes)
    other.step(write, "a")
    assert computed(other) == [1]


def test_the_seed_is_not_in_the_key_of_a_step_that_has_no_engine(tmp_path):
    run_in(tmp_path).step(count, "a")
    other = run_in(tmp_path, seed=2)
    assert other.step(count, "a") == 1 and computed(other) == [0]


def test_a_raised_version_computes_anew(tmp_path):
    run = run_in(tmp_path)
    run.step(count, "a")
    run.step(replace(count, version=2), "a")
    assert computed(run) == [1, 1]


def test_a_map_computes_only_the_items_that_changed(tmp_path):
    run = run_in(tmp_path)
    assert run.map(count, ["a", "bb", "ccc"]) == (1, 2, 3)
    assert run.map(count, ["a", "bbbb", "ccc"]) == (1, 4, 3)
    assert run.map(count, []) == ()
    assert computed(run) == [3, 1, 0]


def test_none_is_a_result_like_any_other(tmp_path):
    @step("Nothing")
    def nothing(desk: Desk) -> str | None:
        return None

    run = run_in(tmp_path)
    assert run.step(nothing) is None and run.step(nothing) is None
    assert computed(run) == [1, 0]


def test_two_threads_that_need_the_same_step_compute_it_once(tmp_path):
    begun, go = [], threading.Barrier(2)

    @step("Slow")
    def slow(desk: Desk, text: str) -> str:
        begun.append(text)
        threading.Event().wait(0.3)
        return text

    memory, results = Memory(tmp_path / "memory"), []

    def work():
        run = run_in(tmp_path, memory=memory)
        go.wait()
        results.append(run.step(slow, "x"))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (begun, results) == (["x"], ["x", "x"])


def test_who_waits_for_another_job_can_be_stopped(tmp_path):
    run = run_in(tmp_path)

    @step("Busy elsewhere")
    def elsewhere(desk: Desk) -> int:
        return 1

    with run.memory.alone(run._key(elsewhere, "", {}), run.watcher.check):
        run.watcher.stop = True
        with pytest.raises(Cancelled):
            run_in(tmp_path, memory=run.memory, watcher=run.watcher).step(elsewhere)


def make_file(run):
    @step("Make a file")
    def make(desk: Desk) -> tuple[Artefact, ...]:
        path = desk.scratch / "a.bin"
        path.write_bytes(b"0123456789")
        return (desk.keep(path, "application/octet-stream"),)

    return run.step(make)[0]


@pytest.mark.parametrize("damage", ["gone", "torn"])
def test_a_file_that_is_gone_or_torn_is_no_hit(tmp_path, damage):
    run = run_in(tmp_path)
    artefact = make_file(run)
    place = run.store.path(artefact)
    place.unlink()
    if damage == "torn":
        place.write_bytes(b"01234")
    assert make_file(run) == artefact
    assert run.store.path(artefact).read_bytes() == b"0123456789"
    assert computed(run) == [1, 1]


@pytest.mark.parametrize("text", ["", "{", '{"job": ""}', '{"job": ""}\n', '{"job": ""}\n"seven"'])
def test_a_torn_or_outdated_record_is_no_hit(tmp_path, text):
    run = run_in(tmp_path)
    assert run.step(count, "seven77") == 7
    (record,) = (tmp_path / "memory").glob("??/*.json")
    record.write_text(text)
    assert run.step(count, "seven77") == 7
    assert computed(run) == [1, 1]


def test_what_a_failed_step_left_behind_is_gone_and_counts_for_nothing(tmp_path):
    run = run_in(tmp_path)

    @step("Break")
    def broken(desk: Desk) -> int:
        (desk.scratch / "half.mp4").write_bytes(b"half")
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        run.step(broken)
    assert not list(tmp_path.glob("tmp/*")) and not list(tmp_path.glob("memory/*/*"))


@given(st.lists(ARTEFACTS, max_size=4))
def test_artefacts_are_found_however_deep(found):
    @dataclass(frozen=True)
    class Box:
        inside: tuple[Knobs, ...]

    value = Box(tuple(Knobs(source=each) for each in found))
    assert list(artefacts_in([("x", value)])) == found


def test_two_machines_may_remember_the_same_at_once(tmp_path):
    """They share the folder, and in containers both have the same process id."""
    key, texts = "ab" * 32, ("a" * 100_000, "b" * 100_000)

    def work(text):
        memory = Memory(tmp_path)
        for _ in range(30):
            memory.remember(key, text)
            assert memory.recall(key) in texts

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, texts))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"{key}.json"]
