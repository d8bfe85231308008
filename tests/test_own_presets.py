"""Engines that are added as new files only: one of each kind, with their presets, in folders of their own."""

import inspect
import json
import os
from pathlib import Path

import pytest

from engines import catalog, fetching, roles
from engines.weights import folder
from studio.errors import BadInput
from studio.workflow import Need
from tests import hub as hubs
from tests.forked import run_script
from tests.studio.toy import make_studio
from workflows.dub import WORKFLOW as DUB

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
OWN = ROOT / "tests" / "own" / "presets"
ENGINES = ("own-detector", "own-translator", "own-voice")
WEIGHTS = b"seven weights" * 5000


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with hubs.running() as running:
        running.repos["own/voice"] = {"voice.bin": WEIGHTS}
        running.repos["own/translator"] = {"model.bin": WEIGHTS[::-1]}
        running.gated = {"own/translator"}
        for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)  # read at import
        monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setenv("UNDERSTUDY_PRESETS_DIR", str(OWN))
        yield running


def command(tmp_path, *arguments, code=0):
    given = [*arguments, "--data-dir", str(tmp_path / "data")]
    done = run_script(ROOT / "app.py", given, cwd=tmp_path, env=os.environ, timeout_s=120)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_they_are_in_the_catalogue(hub):
    assert set(ENGINES) < set(catalog.entries())
    assert {"draft", "own"} <= set(catalog.qualities())
    assert catalog.voices("xx")["own-anna"].engine == "own-voice"
    assert catalog.quality("own")["SpeechDetector"][0] == "own-detector"
    assert catalog.quality("draft")["SpeechDetector"][0] == "own-detector"  # added to, in front
    assert catalog.quality("draft")["SpeechDetector"][-1] != "own-detector"


def test_without_the_setting_they_are_not(monkeypatch):
    monkeypatch.delenv("UNDERSTUDY_PRESETS_DIR", raising=False)
    assert not set(ENGINES) & set(catalog.entries())


@pytest.mark.parametrize("id_", ENGINES)
def test_they_keep_their_role_s_contract(hub, id_):
    entry = catalog.entry(id_)
    engine = entry.build()
    for name, asked in inspect.getmembers(getattr(roles, entry.role), inspect.isfunction):
        if not name.startswith("_"):
            wanted = list(inspect.signature(asked).parameters)[1:]
            assert list(inspect.signature(getattr(engine, name)).parameters) == wanted


def test_they_are_chosen_once_their_weights_are_here(hub):
    need = Need("Speaker", "xx")
    choice = catalog.choose([need], "own")[0]
    assert choice.engine is None and "./run.sh weights --engine own-voice" in choice.why
    studio = _studio()
    job = studio.submit("weights", fetching.WeightsRequest(engines=("own-voice",)))
    job = studio.run_here(job.id, lambda _: None)
    assert job.state == "done", job.error
    assert studio.result(job.id).report.bytes == len(WEIGHTS)
    choice = catalog.choose([need], "own")[0]
    assert choice.engine is not None and choice.engine.id == "own-voice"
    assert not studio.library.list(owner="")  # it made nothing that anybody keeps
    engine = choice.engine.build()
    assert engine.voices("xx")[0].id == "own-anna" and engine.weights == folder(
        choice.engine.weights
    )


def _studio():
    studio = make_studio(Path(os.environ["UNDERSTUDY_DATA_DIR"]))
    studio.workflows["weights"] = fetching.WORKFLOW
    return studio


def test_what_was_deleted_is_fetched_again_by_the_next_job(hub):
    studio = _studio()
    for _ in range(2):
        job = studio.submit("weights", fetching.WeightsRequest(engines=("own-voice",)))
        assert studio.run_here(job.id, lambda _: None).state == "done"
        entry = catalog.entry("own-voice")
        assert entry.weights is not None
        (folder(entry.weights) / "voice.bin").unlink()
    assert len(hub.gets()) == 1  # the blob was still there, only its name had gone


def test_gated_ones_do_not_keep_the_others_from_coming(hub):
    studio = _studio()
    wanted = fetching.WeightsRequest(engines=("own-translator", "own-voice"))
    job = studio.run_here(studio.submit("weights", wanted).id, lambda _: None)
    assert job.state == "failed" and "is gated" in job.error and "HF_TOKEN" in job.error
    held = catalog.entry("own-voice").held()
    assert held is not None and held.state == "present"


@pytest.mark.parametrize("engines", [(), ("nobody",), ("own-detector",)])
def test_what_cannot_be_fetched_is_no_job(hub, engines):
    with pytest.raises(BadInput):
        _studio().submit("weights", fetching.WeightsRequest(engines=engines))


def test_the_command_lists_and_fetches_them(hub, tmp_path):
    listed = command(tmp_path, "weights", "--quality", "own", "--workflow", "dub", "--list")
    said = json.loads(listed.stdout.splitlines()[-1])
    assert [(each["engine"], each["state"]) for each in said["weights"]] == [
        ("own-translator", "gated"),
        ("own-voice", "missing"),
    ]
    table = listed.stdout.splitlines()
    assert table[0].split()[:5] == ["engine", "role", "repository", "size", "state"]
    assert "own/voice" in table[2] and "MIT" in table[2] and "no" in table[1].split()
    assert not hub.gets()  # it only asked how large they are
    done = command(tmp_path, "weights", "--engine", "own-voice")
    assert "To fetch: 0.1 MB, for own-voice." in done.stderr
    assert "1/1 Fetch weights" in done.stderr and "Done in " in done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["state"] == "done" and said["weights"][0]["state"] == "present"
    again = command(tmp_path, "weights", "--engine", "own-voice")
    assert json.loads(again.stdout.splitlines()[-1])["job"] == ""
    refused = command(tmp_path, "weights", "--quality", "own", "--workflow", "dub", code=1)
    assert "is gated" in refused.stderr and "Traceback" not in refused.stderr
    assert "no engine 'nobody'" in command(tmp_path, "weights", "--engine", "nobody", code=2).stderr


def test_offline_the_command_asks_nothing(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERSTUDY_OFFLINE", "1")
    done = command(tmp_path, "weights", "--engine", "own-voice", code=1)
    assert "stay offline" in done.stderr and not hub.log


def test_doctor_and_preflight_show_them(hub, tmp_path):
    from tabs.engine_room import engine_list
    from tabs.parts.preflight import preflight

    told = command(tmp_path, "doctor").stdout
    assert "ok      SpeechDetector own-detector" in told
    assert "missing Speaker own-voice" in told and "./run.sh weights --engine own-voice" in told
    request = DUB.request(target_language="xx", source_language="en", quality="own")
    flight = preflight(DUB, request)
    assert "Own detector" in flight and "./run.sh weights --engine own-translator" in flight
    room = engine_list(catalog.entries().values())
    assert "Own voice" in room and "own/translator" in room
