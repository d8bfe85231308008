"""A real small disk that is really full: one sentence, nothing lost, and it goes on when there is room."""

import contextlib
import logging
import os
import random
import subprocess
from functools import partial

import pytest

from app import known
from engines import catalog, hub
from tests import hub as hubs
from tests.dub.studio import make
from tests.media import ROOT
from tests.test_own_presets import OWN
from workflows.talking_head import WORKFLOW

VOICE = random.Random(0).randbytes(65_000)  # as large as the preset of the own voice says
DISK_MB = 48
SCRIPT = "Good morning. I am only a drawing."


@pytest.fixture
def disk(tmp_path):
    """A file system of its own, in memory; whoever may not mount one skips."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(place)]
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk):
    """Write until no byte fits any more."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    return ballast


class OnFull:
    """Fills the disk once, when a job is as far as `when` says."""

    def __init__(self, disk, when, then=lambda: None):
        self.disk, self.when, self.then, self.ballast = disk, when, then, None

    def __call__(self, job):
        if self.ballast is None and self.when(job):
            self.ballast = fill(self.disk)
            self.then()


def test_weights_stop_with_a_sentence_and_go_on(disk, tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERSTUDY_PRESETS_DIR", str(OWN))
    monkeypatch.setenv("HF_HOME", str(disk / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("UNDERSTUDY_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "SPARE_BYTES", 0)
    monkeypatch.setattr(hub, "GIVE_BACK_BYTES", 8192)
    with hubs.running() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        running.repos["own/voice"] = {"voice.bin": VOICE}
        running.stall_at = 30_000
        studio = make(tmp_path / "data")
        asked = known()["weights"].request(engines=("own-voice",))
        job = studio.submit("weights", asked)
        full = OnFull(
            disk, lambda now: now.fraction > 0, partial(setattr, running, "stall_at", None)
        )
        failed = studio.run_here(job.id, full)
        assert full.ballast is not None and failed.state == "failed"
        assert "filled up while own/voice was fetched" in failed.error
        assert "Free some space" in failed.error
        full.ballast.unlink()
        studio.retry(job.id)
        done = studio.run_here(job.id, lambda _: None)
        assert done.state == "done", done.error
        assert running.gets("voice")[-1][2].startswith("bytes=")
    held = catalog.entry("own-voice").held()
    assert held is not None and held.state == "present"


def test_a_talking_head_stops_with_a_sentence_and_goes_on(disk, caplog):
    for id_ in ("face-mesh", "puppet", "flite", "espeak-clock"):
        if lacking := catalog.entry(id_).missing():
            pytest.skip(f"{id_}: {lacking[0].what} is missing")
    caplog.set_level(logging.INFO, "studio.steps")
    studio = make(disk / "data")
    picture = studio.store.take_in(ROOT / "assets" / "portrait.jpg", "image/jpeg")
    asked = WORKFLOW.request(script=SCRIPT, avatar=picture, consent="nobody", captions="off")
    job = studio.submit("talking-head", asked)
    full = OnFull(disk, lambda now: now.step == "Bring the portrait to life")
    failed = studio.run_here(job.id, full)
    assert full.ballast is not None and failed.state == "failed", failed.step
    assert "is full" in failed.error and "Free some space" in failed.error
    assert "\n" not in failed.error and not (disk / "data" / "reserve").exists()
    assert failed.error_step == "Bring the portrait to life"
    before = computed(caplog)
    assert before.count("talk.speak") == 2 and before[-1] == "animation.animate"
    full.ballast.unlink()
    studio.retry(job.id)
    done = studio.run_here(job.id, lambda _: None)
    assert done.state == "done", done.error
    again = computed(caplog)[len(before) :]
    assert again[0] == "animation.animate" and not set(before[:-1]) & set(again)
    assert studio.export(job.id)["video"].stat().st_size > 10_000


def computed(caplog):
    """Return the steps that were computed, not recalled, in order."""
    told = (each.args[0] for each in caplog.records if each.msg.startswith("computing"))
    return [name.removeprefix("workflows.talking_head.") for name in told]
