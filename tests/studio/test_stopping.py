"""Stopping in good order: a file of its own, since a process has one durable queue at a time."""

import time

from tests.studio.toy import ToyRequest, make_studio


def until(studio, id_, wanted):
    deadline = time.monotonic() + 30
    while not wanted(studio.job(id_)):
        assert time.monotonic() < deadline, studio.job(id_)
        time.sleep(0.02)


def test_what_runs_when_the_studio_stops_goes_on_in_the_next(tmp_path):
    first = make_studio(tmp_path)
    first.start()
    job = first.submit("toy", ToyRequest(words=tuple("abcd"), pause_s=0.5))
    until(first, job.id, lambda each: each.item > 1)
    first.stop()
    assert first.job(job.id).state == "queued"
    second = make_studio(tmp_path)
    second.start()
    *_, job = second.follow(job.id)
    second.stop()
    kinds = [event.kind for event in second.events(job.id)]
    assert job.state == "done" and "interrupted" in kinds and "restarted" not in kinds
