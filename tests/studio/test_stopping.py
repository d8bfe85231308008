"""Stopping in good order: a file of its own, since a process has one durable queue at a time."""

import time
from concurrent.futures import ThreadPoolExecutor

from dbos import DBOS

from studio import durable, worker
from tests.studio.toy import ToyRequest, make_studio


def until(studio, is_so):
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, studio.jobs()
        time.sleep(0.02)


def until_pace(studio, wanted_s, meanwhile=lambda: None):
    until(studio, lambda: studio.health().working)

    def wait():
        queue = DBOS.retrieve_queue("cpu")

        def is_so():
            meanwhile()
            return queue.polling_interval_sec == wanted_s  # it asks the database

        until(studio, is_so)

    with ThreadPoolExecutor(1) as thread:  # a browser's test may have left its loop in this one
        thread.submit(wait).result()


def test_a_queue_with_nothing_in_it_is_looked_at_less_often(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "REST_S", 0.3)
    studio = make_studio(tmp_path)
    studio.start()
    try:
        until_pace(studio, durable.REST_S)
        job = studio.submit("toy", ToyRequest(pause_s=30))
        until_pace(studio, durable.POLL_S)
        until(studio, lambda: studio.job(job.id).state == "running")
        studio.cancel(job.id)
        until_pace(studio, durable.REST_S)
        until_pace(studio, durable.POLL_S, meanwhile=studio.idle.seen)  # as an open page does
    finally:
        studio.stop()


def test_what_runs_when_the_studio_stops_goes_on_in_the_next(tmp_path):
    first = make_studio(tmp_path)
    first.start()
    held = tmp_path / "held"  # a word that is being said until the file is gone
    held.touch()
    job = first.submit("toy", ToyRequest(words=("a", str(held), "c")))
    until(first, lambda: first.job(job.id).item > 1)
    first.stop()
    assert first.job(job.id).state == "queued"
    held.unlink()
    second = make_studio(tmp_path)
    second.start()
    *_, job = second.follow(job.id)
    second.stop()
    kinds = [event.kind for event in second.events(job.id)]
    assert job.state == "done" and "interrupted" in kinds and "restarted" not in kinds
