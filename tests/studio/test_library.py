"""The library, the collector and what deleting leaves behind."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from studio.artefacts import PART, Artefact
from studio.collect import mentioned
from studio.errors import NotFound
from studio.memory import Origin
from tests.studio.toy import ToyRequest, ToyResult, make_studio

DAY_S = 86_400


def finished(studio, **fields):
    job = studio.submit("toy", ToyRequest(**fields), owner=fields.pop("owner", ""))
    return studio.run_here(job.id, lambda _: None)


def upload(studio, text):
    path = studio.settings.data_dir / "upload.txt"
    path.write_text(text)
    return studio.store.take_in(path, "text/plain", f"{text[:20]}.txt")


def grow_old(studio, days=2.0):
    past = time.time() - days * DAY_S
    for path in studio.settings.data_dir.glob("*/??/*"):
        os.utime(path, (past, past))


def test_a_result_is_listed_with_its_recipe_and_found_by_its_title(tmp_path):
    studio = make_studio(tmp_path)
    one = finished(studio, source=upload(studio, "alpha 100%"))
    two = finished(studio, source=upload(studio, "beta"))
    assert [each.job for each in studio.library.list("")] == [two.id, one.id]
    assert [each.job for each in studio.library.list("", search="ALPHA 100%")] == [one.id]
    assert studio.library.list("", search="alpha_") == []
    assert studio.library.list("", workflow="dub") == []
    assert studio.library.favour(one.id, "", on=True).favourite
    assert [each.job for each in studio.library.list("")] == [one.id, two.id]
    recipe = studio.library.entry(one.id, "").recipe
    again = ToyRequest.model_validate_json(recipe.request)
    assert again.source == upload(studio, "alpha 100%") and recipe.engines == {"Echo": "echo"}


def test_exports_have_nice_names_and_cost_no_space(tmp_path):
    studio = make_studio(tmp_path)
    job = finished(studio)
    (book,) = studio.export(job.id).values()
    assert book == tmp_path / "exports" / job.id / "book.txt"
    assert book.samefile(studio.store.path(studio.result(job.id).book))
    assert studio.export(job.id)["book"] == book


def test_files_of_the_same_name_are_exported_side_by_side(tmp_path):
    studio = make_studio(tmp_path)
    files = [upload(studio, "a"), upload(studio, "b")]

    class Twins(ToyResult):
        other: Artefact

    twins = Twins(
        book=files[0],
        other=Artefact(files[1].sha256, "text/plain", 1, "A.txt"),
        report={"letters": 1},
    )
    paths = studio.library.export("job", twins)
    assert [path.name for path in paths.values()] == ["a.txt", "A-2.txt"]
    assert [path.read_text() for path in paths.values()] == ["a", "b"]


def test_deleting_a_job_frees_what_it_alone_needed(tmp_path):
    studio = make_studio(tmp_path)
    shared = upload(studio, "shared")
    one = finished(studio, words=("a", "b"), source=shared)
    two = finished(studio, words=("b", "c"), source=shared)
    studio.export(one.id)
    book = studio.result(one.id).book
    studio.delete(one.id)
    assert not (tmp_path / "exports" / one.id).exists()
    with pytest.raises(NotFound):
        studio.library.entry(one.id, "")
    assert not studio.store.has(book) and studio.store.has(shared)
    assert studio.store.has(studio.result(two.id).book)
    texts = {path.read_bytes()[:1] for path in tmp_path.glob("cas/??/*")}
    assert b"a" not in texts and b"c" in texts


def test_pinned_files_stay(tmp_path):
    studio = make_studio(tmp_path)
    voice = upload(studio, "voice")
    studio.library.pin(voice, "ann", "a voice")
    grow_old(studio)
    studio.collector.collect()
    assert studio.store.has(voice)
    studio.library.unpin(voice, "ann")
    assert studio.collector.collect() == voice.size_bytes
    assert not studio.store.has(voice)


def test_a_fresh_upload_is_safe_even_from_the_free_button(tmp_path):
    studio = make_studio(tmp_path)
    fresh = upload(studio, "fresh")
    studio.collector.free()
    assert studio.store.has(fresh)
    grow_old(studio)
    assert upload(studio, "fresh") == fresh  # taken in again: used today
    studio.collector.collect()
    assert studio.store.has(fresh)


def test_the_cache_is_cut_to_its_limit_oldest_first_and_results_stay(tmp_path):
    studio = make_studio(tmp_path, cache_max_gb=5_500 / (1 << 30))
    job = finished(studio, words=("a", "b", "c", "d"))
    grow_old(studio, 3)
    newer = finished(studio, words=("e", "f", "a"))
    usage = studio.collector.usage()
    assert (usage.needed_bytes, usage.cache_bytes) == (4000 + 3000, 6000)
    assert studio.collector.collect() >= 1000
    assert studio.collector.usage().cache_bytes == 5000
    kept = {path.read_bytes()[:1] for path in tmp_path.glob("cas/??/*")}
    assert {b"a", b"e", b"f"} < kept
    studio.collector.free()
    usage = studio.collector.usage()
    assert (usage.needed_bytes, usage.cache_bytes) == (7000, 0)
    for each in (job, newer):
        assert studio.store.has(studio.result(each.id).book)
    assert finished(studio, words=("a", "b", "c", "d")).state == "done"


def test_what_an_unfinished_job_may_hold_is_left_alone(tmp_path):
    studio = make_studio(tmp_path)
    finished(studio, words=("a", "b"))
    waiting = studio.submit("toy", ToyRequest(words=("a", "b"), review=True))
    assert studio.run_here(waiting.id, lambda _: None).state == "waiting"
    finished(studio, words=("a", "c"))
    studio.collector.free()
    kept = {
        path.read_bytes()[:1] for path in tmp_path.glob("cas/??/*") if path.stat().st_size == 1000
    }
    assert kept == {b"a", b"c"}, "used since the waiting job was submitted"


@pytest.mark.parametrize(
    "text", ['{"sha256":"%s"}', '{"sha256": "%s"}', r'{"inner": "{\"sha256\":\"%s\"}"}']
)
def test_mentions_are_found_in_json_within_json(text):
    assert mentioned(text % ("ab" * 32)) == {"ab" * 32}


def cached_bytes(studio, pinned):
    """Return the bytes of files that remembered steps mention and nothing needs."""
    records = studio.settings.data_dir.glob("memory/??/*.json")
    cached = set().union(*(mentioned(path.read_text()) for path in records))
    held = [each.result for each in studio.library.list("")]
    held += [job.request for job in studio.jobs()]
    cached -= set().union({each.sha256 for each in pinned}, *map(mentioned, held))
    return sum(
        path.stat().st_size
        for path in studio.settings.data_dir.glob("cas/??/*")
        if path.name in cached
    )


class CollectorMachine(RuleBasedStateMachine):
    """Whatever is submitted, remembered, pinned, aged and swept: what is reachable is there."""

    uploads = Bundle("uploads")
    jobs = Bundle("jobs")
    folder: Callable[[], Path]

    @initialize()
    def begin(self):
        self.studio = make_studio(type(self).folder(), cache_max_gb=3000 / (1 << 30))
        self.pinned = set()

    @rule(target=uploads, number=st.integers(0, 5))
    def take_in(self, number):
        return upload(self.studio, f"upload {number}" * 50)

    @rule(target=jobs, words=st.lists(st.sampled_from("abcde"), min_size=1, max_size=3).map(tuple))
    def run(self, words):
        job = self.studio.submit("toy", ToyRequest(words=words))
        self.studio.run_here(job.id, lambda _: None)
        return job.id

    @rule(target=jobs, source=uploads)
    def submit(self, source):
        if not self.studio.store.has(source):
            source = upload(self.studio, source.name)
        job = self.studio.submit("toy", ToyRequest(source=source))
        self.studio.cancel(job.id)
        return job.id

    @rule(artefact=uploads)
    def pin(self, artefact):
        if self.studio.store.has(artefact):
            self.studio.library.pin(artefact, "", "test")
            self.pinned.add(artefact)

    @rule(key=st.integers(0, 3), artefact=uploads)
    def remember(self, key, artefact):
        if self.studio.store.has(artefact):
            text = f'{{"sha256":"{artefact.sha256}"}}'
            self.studio.memory.remember(f"{key:064x}", text, Origin("other job"))

    @rule(job=consumes(jobs))
    def delete(self, job):
        self.studio.delete(job)

    @rule(days=st.floats(0.1, 3.0))
    def age(self, days):
        grow_old(self.studio, days)

    @rule()
    def collect(self):
        self.studio.collector.collect()
        assert cached_bytes(self.studio, self.pinned) <= 3000

    @rule()
    def free(self):
        self.studio.collector.free()
        assert cached_bytes(self.studio, self.pinned) == 0

    @invariant()
    def what_is_reachable_is_there(self):
        if not hasattr(self, "studio"):
            return
        for job in self.studio.jobs():
            request = ToyRequest.model_validate_json(job.request)
            assert request.source is None or self.studio.store.has(request.source)
            if job.state == "done":
                assert self.studio.store.has(self.studio.result(job.id).book)
        assert all(map(self.studio.store.has, self.pinned))


def test_the_collector_never_takes_what_is_reachable(tmp_path_factory):
    CollectorMachine.folder = staticmethod(lambda: tmp_path_factory.mktemp("data"))
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        CollectorMachine,
        settings=settings(max_examples=10, stateful_step_count=12, deadline=None),
    )


def test_what_a_crash_left_half_written_goes_a_day_later(tmp_path):
    studio = make_studio(tmp_path)
    old, new = (tmp_path / "memory" / "ab" / f"{PART}{name}" for name in ("old", "new"))
    for each in (old, new):
        each.mkdir(parents=True)
        (each / "ab.json").write_text("{half")
    os.utime(old, (0, 0))
    studio.collector.collect()
    assert new.is_dir() and not old.exists()


def test_a_file_that_goes_away_while_it_is_counted_is_no_error(tmp_path):
    studio = make_studio(tmp_path)
    gone = tmp_path / "cas" / "ab" / ("ab" * 32)
    gone.parent.mkdir(parents=True)
    gone.symlink_to(tmp_path / "nowhere")  # it is listed, and cannot be looked at
    assert studio.collector.usage().cache_bytes == 0
