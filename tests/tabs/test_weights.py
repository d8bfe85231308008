"""The buttons that fetch weights, in a studio that runs: a durable job, seen, done, and stopped."""

import time

import pytest

from tests.tabs.conftest import ROOT, client_of, fetching_from, serve

OWN = ROOT / "tests" / "own" / "presets"


@pytest.fixture
def client(hub, tmp_path):
    environment = {
        "UNDERSTUDY_PRESETS_DIR": str(OWN),
        **fetching_from(hub, tmp_path),
    }
    with serve(tmp_path / "data", **environment) as site:
        yield client_of(site.url)


def ask(client, name, *given):
    return client.predict(*given, api_name=name)


def until(client, job, states):
    deadline_s = time.monotonic() + 120
    while (facts := ask(client, "/status", job))["state"] not in states:
        assert time.monotonic() < deadline_s, facts
        time.sleep(0.2)
    return facts


@pytest.mark.slow
def test_weights_are_a_job_that_can_be_stopped_and_goes_on(client, hub):
    hub.stall_at = 30_000
    job = ask(client, "/submit", "weights", {"engines": ["own-voice"]})
    job = job["id"] if isinstance(job, dict) else job
    until(client, job, {"running"})
    while ask(client, "/status", job)["fraction"] < 0.1:
        time.sleep(0.1)
    ask(client, "/cancel", job)
    until(client, job, {"cancelled"})
    hub.stall_at = None
    ask(client, "/retry", job)
    assert until(client, job, {"done", "failed"})["state"] == "done"
    assert hub.gets("voice")[-1][2].startswith("bytes=")
