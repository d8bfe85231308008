"""The life of a job, on a real studio with its real durable queue."""

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from dbos import DBOS

from studio import durable
from studio.errors import BadInput, Busy, LimitReached, NotFound
from studio.jobs import FINISHED
from tests.clock import keeps
from tests.studio.toy import ToyRequest, look, make_studio

SLOW = ToyRequest(words=("slow",), pause_s=60)
PATIENCE_S = 90.0


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    studio = make_studio(tmp_path_factory.mktemp("data"), price_per_hour=3600.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "POLL_S", 0.05)  # few jobs here take as long as it is
        studio.start()
        yield studio
        studio.stop()


def until(studio, job, wanted, owner=""):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        seen = studio.job(job.id, owner)
        if wanted(seen):
            return seen
        assert not seen.finished or wanted(seen), seen
        time.sleep(0.02)
    raise AssertionError(studio.job(job.id, owner))


def until_status(run, wanted):
    """Wait for what the durable queue knows of a run."""
    deadline = time.monotonic() + PATIENCE_S
    with ThreadPoolExecutor(1) as pool:  # where no browser's event loop runs already
        while (known := pool.submit(DBOS.get_workflow_status, run).result()) is None or (
            known.status != wanted
        ):
            assert time.monotonic() < deadline, known
            time.sleep(0.02)


def finish(studio, job, owner=""):
    return until(studio, job, lambda each: each.state in {*FINISHED, "waiting"}, owner)


def running(studio, job):
    return until(studio, job, lambda each: each.state == "running" and each.step == "Say each word")


def test_a_job_goes_from_queued_to_done_and_its_files_come_out(studio):
    job = finish(studio, studio.submit("toy", ToyRequest(words=("a", "b"))))
    assert (job.state, job.fraction, job.step, job.step_n) == ("done", 1.0, "Bind the book", 5)
    assert job.cost == pytest.approx(job.elapsed_s) and job.elapsed_s > 0
    assert studio.result(job.id).report.letters == 2
    assert studio.export(job.id)["book"].read_bytes() == b"a" * 1000 + b"b" * 1000
    kinds = [event.kind for event in studio.events(job.id)]
    assert kinds[:2] == ["submitted", "started"] and kinds[-1] == "done"
    after = studio.events(job.id)[-2].seq
    assert [event.kind for event in studio.events(job.id, "", after)] == ["done"]


def test_progress_tells_step_item_fraction_and_time_left(studio):
    words = tuple("abcdef")
    with studio.timings.database.begin() as db:
        db.exec_driver_sql("DELETE FROM timings")
    first = finish(studio, studio.submit("toy", ToyRequest(words=words, pause_s=0.2)))
    assert first.state == "done"
    second = studio.submit("toy", ToyRequest(words=words, pause_s=0.21))
    seen = [each for each in studio.follow(second.id) if each.state == "running"]
    said = [each for each in seen if each.step == "Say each word"]
    assert {each.items for each in said} == {6} and said[-1].item > said[0].item
    fractions = [each.fraction for each in seen]
    assert fractions == sorted(fractions)
    etas = [each.eta_s for each in said if each.eta_s is not None]
    assert etas, "the second run on this machine knows how long it takes"
    assert max(etas) == pytest.approx(first.elapsed_s, abs=2.0)


def test_what_another_workflow_taught_of_a_shared_step_is_no_forecast(studio):
    with studio.timings.database.begin() as db:
        db.exec_driver_sql("DELETE FROM timings")
    studio.timings.learn(look.name, "", 5.0, 10.0)
    job = studio.submit("toy", ToyRequest(words=("x", "y", "z"), pause_s=0.22))
    said = [each for each in studio.follow(job.id) if each.step == "Say each word"]
    assert said and max(each.fraction for each in said) < 0.9


def test_a_job_is_accounted_for_by_what_was_known_when_it_was_submitted(studio):
    with studio.timings.database.begin() as db:
        db.exec_driver_sql("DELETE FROM timings")
    first = finish(studio, studio.submit("toy", ToyRequest(words=("abc", "de"), nap_s=0.11)))
    assert first.account.expected_s is None and first.account.expected_cost is None
    studio.submit("toy", ToyRequest(words=("h",), nap_s=0.41))  # teaches what comes too late
    job = finish(studio, studio.submit("toy", ToyRequest(words=("fg",), nap_s=0.22)))
    steps = {each.step: each for each in job.account.steps}
    before = {each.step: each for each in first.account.steps}
    assert list(steps) == [each.title for each in studio.workflows["toy"].steps]
    nap = steps["Take a nap"]
    assert nap.taken_s > 0.2 and nap.expected_s == pytest.approx(
        before["Take a nap"].taken_s * 2 / 5  # letters
    )
    whole_s = sum(each.expected_s or 0 for each in steps.values())
    assert job.account.expected_s == job.account.expected_cost == pytest.approx(whole_s)
    assert job.account.taken_s == job.account.taken_cost == job.elapsed_s > nap.taken_s
    again = finish(studio, studio.submit("toy", ToyRequest(words=("fg",), nap_s=0.22)))
    assert [each.taken_s for each in again.account.steps] == [0.0] * 5  # all remembered


def test_the_account_of_a_job_that_waited_has_both_its_runs(studio):
    asked = ToyRequest(words=("w", "v"), nap_s=0.15, review=True)
    job = finish(studio, studio.submit("toy", asked))
    napped = {each.step: each.taken_s for each in job.account.steps}["Take a nap"]
    assert napped > 0.1
    studio.answer(job.id, "", '{"words": ["u"]}')
    job = until(studio, job, lambda each: each.state == "done")
    took = {each.step: each.taken_s for each in job.account.steps}
    assert took["Take a nap"] == napped and took["Say each word"] > 0


def test_what_the_lender_tells_stands_in_the_report(studio):
    asked = ToyRequest(words=("big a", "small", "big b"), fail="bind")
    job = finish(studio, studio.submit("toy", asked))
    assert job.state == "failed"  # the first run was told twice already
    told = [each.text for each in studio.events(job.id) if each.kind == "memory"]
    assert told == [f"Memory ran out at big {each}, and it was tried again." for each in "ab"]
    job = finish(studio, studio.submit("toy", ToyRequest(words=("big c", "big d"), review=True)))
    studio.answer(job.id, "", '{"words": ["big c", "big e"]}')
    job = until(studio, job, lambda each: each.state == "done")
    told = tuple(f"Memory ran out at big {each}, and it was tried again." for each in "ce")
    assert studio.result(job.id).report.warnings == told
    assert studio.library.entry(job.id, "").result == job.result  # and in the library


@pytest.mark.parametrize("busy_with", ["loop", "program"])
def test_cancel_stops_a_running_job_within_two_seconds(studio, busy_with):
    def stop():
        if busy_with == "loop":
            job = running(studio, studio.submit("toy", SLOW))
        else:
            job = studio.submit("toy", ToyRequest(nap_s=4321.5))
            job = until(studio, job, lambda each: each.step == "Take a nap")
        began = time.monotonic()
        studio.cancel(job.id)
        assert finish(studio, job).state == "cancelled"
        return time.monotonic() - began

    keeps(2.0, stop)
    found = subprocess.run(["pgrep", "-f", "sleep 4321.5"], check=False, capture_output=True)
    assert found.stdout == b""
    assert not list(studio.settings.data_dir.glob("tmp/*"))


def test_a_queued_job_is_cancelled_at_once_and_the_one_behind_it_runs(studio):
    first = running(studio, studio.submit("toy", SLOW))
    second, third = studio.submit("toy", SLOW), studio.submit("toy", ToyRequest())
    assert [studio.job(each.id).position for each in (second, third)] == [1, 2]
    sent = f"{second.id}.{studio._jobs.row(second.id)['run']}"
    until_status(sent, "ENQUEUED")
    assert studio.cancel(second.id).state == "cancelled"
    until_status(sent, "CANCELLED")
    assert studio.job(third.id).position == 1
    studio.cancel(first.id)
    assert finish(studio, third).state == "done"
    assert not any(event.kind == "started" for event in studio.events(second.id))


def test_a_foreseen_error_is_a_sentence_with_its_step(studio):
    job = finish(studio, studio.submit("toy", ToyRequest(fail="look")))
    assert (job.state, job.error_step) == ("failed", "Look at the words")
    assert job.error == "the words are not good. Take others."
    assert job.error_id == ""


def test_an_unforeseen_error_is_an_id_and_its_traceback_in_the_log(studio, caplog):
    job = finish(studio, studio.submit("toy", ToyRequest(fail="bug")))
    assert job.state == "failed" and len(job.error_id) == 8
    assert f"(error {job.error_id})" in job.error and "KeyError" not in job.error
    records = [each for each in caplog.records if job.error_id in each.getMessage()]
    assert records[0].exc_info[0] is KeyError


def test_retry_recalls_the_finished_steps(studio):
    job = finish(studio, studio.submit("toy", ToyRequest(words=("x", "y"), fail="bind")))
    assert (job.state, job.error_step) == ("failed", "Bind the book")
    again = finish(studio, studio.retry(job.id))
    kinds = [event.kind for event in studio.events(job.id)]
    assert again.state == "failed" and kinds.count("started") == 2
    steps = [event.text for event in studio.events(job.id) if event.kind == "step"]
    assert len([text for text in steps if text.startswith("Say each word")]) == 1


def test_a_review_parks_the_job_frees_the_worker_and_goes_on_with_the_answer(studio):
    job = studio.submit("toy", ToyRequest(words=("a", "b"), review=True))
    job = finish(studio, job)
    assert (job.state, job.review) == ("waiting", "words")
    assert json.loads(job.review_value) == {"words": ["a", "b"]}
    assert finish(studio, studio.submit("toy", ToyRequest())).state == "done"
    assert studio.job(job.id).state == "waiting"
    with pytest.raises(BadInput, match="Invalid JSON"):
        studio.answer(job.id, "", "{")
    studio.answer(job.id, "", '{"words": ["c"]}')
    job = until(studio, job, lambda each: each.state == "done")
    assert studio.export(job.id)["book"].read_bytes() == b"c" * 1000
    with pytest.raises(BadInput, match="waits for no answer"):
        studio.answer(job.id, "", "{}")


def test_an_answer_of_another_kind_is_refused_and_the_job_waits_on(studio):
    job = finish(studio, studio.submit("toy", ToyRequest(review=True)))
    with pytest.raises(BadInput, match="the answer to 'words' cannot be used: words: "):
        studio.answer(job.id, "", '{"words": 7}')
    assert studio.job(job.id).state == "waiting"


def test_jobs_are_their_owners_alone(studio):
    job = finish(studio, studio.submit("toy", ToyRequest(), owner="ann"), "ann")
    assert [each.id for each in studio.jobs("ann")] == [job.id]
    assert studio.jobs("bob") == [] and job.id not in [each.id for each in studio.jobs("")]
    asked = [studio.job, studio.events, studio.cancel, studio.retry, studio.delete]
    asked += [studio.result, studio.export, lambda id_, owner: next(studio.follow(id_, owner))]
    asked += [lambda id_, owner: studio.answer(id_, owner, "1"), studio.library.entry]
    for ask in asked:
        with pytest.raises(NotFound):
            ask(job.id, "bob")
    assert studio.library.list("bob") == [] and len(studio.library.list("ann")) == 1
    assert studio.job(job.id, "ann").state == "done"


def test_limits_of_the_queue_and_of_a_day(tmp_path):
    studio = make_studio(tmp_path, queue_limit=3, daily_limit_per_owner=2)
    jobs = [studio.submit("toy", ToyRequest(), owner="ann") for _ in range(2)]
    studio.cancel(jobs[0].id, "ann")
    studio.delete(jobs[0].id, "ann")
    with pytest.raises(LimitReached, match="24 hours"):
        studio.submit("toy", ToyRequest(), owner="ann")
    for _ in range(2):
        studio.submit("toy", ToyRequest(), owner="bob")
    with pytest.raises(LimitReached, match="3 jobs are waiting"):
        studio.submit("toy", ToyRequest(), owner="cyd")


def test_what_cannot_be_submitted(tmp_path):
    studio = make_studio(tmp_path)
    with pytest.raises(NotFound, match="no workflow"):
        studio.submit("cover", ToyRequest())
    upload = tmp_path / "a.txt"
    upload.write_text("a")
    source = studio.store.take_in(upload, "text/plain")
    studio.store.path(source).unlink()
    with pytest.raises(NotFound, match="no longer stored"):
        studio.submit("toy", ToyRequest(source=source))
    assert studio.jobs() == []


def test_an_unfinished_job_is_not_deleted(tmp_path):
    studio = make_studio(tmp_path)
    job = studio.submit("toy", ToyRequest())
    assert (job.state, job.position, job.step_m, job.fraction) == ("queued", 1, 5, 0.0)
    with pytest.raises(BadInput, match="is queued"):
        studio.delete(job.id)
    studio.cancel(job.id)
    studio.delete(job.id)
    with pytest.raises(NotFound):
        studio.job(job.id)


def test_a_second_studio_on_the_folder_is_told_who_has_it(studio):
    with pytest.raises(Busy, match=r"process \d+ \(the studio\) already works"):
        make_studio(studio.settings.data_dir).start()


def test_health_counts(studio):
    before = studio.health().jobs
    finish(studio, studio.submit("toy", ToyRequest()))
    finish(studio, studio.submit("toy", ToyRequest(fail="look")))
    health = studio.health()
    assert health.working and health.disk_free_bytes > 0
    more = {state: health.jobs[state] - before[state] for state in before}
    assert {state: count for state, count in more.items() if count} == {"done": 1, "failed": 1}
