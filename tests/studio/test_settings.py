"""Settings, logs and a start that does not keep the user waiting."""

import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from studio.errors import BadInput, StudioError
from studio.logs import JsonLines, about_job, about_step, to_file
from studio.processors import threads_here
from studio.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("SPACE_ID", "UNDERSTUDY_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_everything_has_a_default_and_an_explanation(monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    settings = load_settings()
    assert settings.data_dir == Path("/somewhere/understudy")
    assert settings.database == "sqlite:////somewhere/understudy/studio.db"
    assert (settings.host, settings.port) == ("127.0.0.1", 7860)
    assert all(field.description for field in Settings.model_fields.values())


def test_without_xdg_the_home_folder_is_used(monkeypatch):
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/ann")
    assert load_settings().data_dir == Path("/home/ann/.local/share/understudy")


def test_the_environment_decides_and_secrets_stay_secret(monkeypatch):
    monkeypatch.setenv("UNDERSTUDY_AUTH", "ann:a:b-hidden,bob:pw")
    monkeypatch.setenv("UNDERSTUDY_DATABASE_URL", "postgresql://me:hidden-too@host/db")
    settings = load_settings()
    assert settings.users() == {"ann": "a:b-hidden", "bob": "pw"}
    assert settings.shares_queue
    assert "hidden" not in repr(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "99999"),
        ("AUTH", "ann"),
        ("CACHE_MAX_GB", "lots"),
        ("WORKER", "../x"),
        ("STOP_COMMAND", 'stop "it'),
    ],
)
def test_a_wrong_value_is_named_but_not_shown(monkeypatch, name, value):
    monkeypatch.setenv(f"UNDERSTUDY_{name}", value)
    with pytest.raises(BadInput, match=f"UNDERSTUDY_{name}: ") as caught:
        load_settings()
    assert caught.value.remedy == "Correct or unset it."


def test_a_log_line_is_json_with_job_and_step(tmp_path):
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        to_file(tmp_path)
        with about_job("dub-1"):
            about_step("Mix")
            logging.getLogger("x").info("hello\n%s", "world")
        logging.getLogger("x").info("later")
        logging.getLogger("httpx").info("HTTP Request: GET https://host/file?signature=secret")
        broken = threading.Thread(target=lambda: 1 / 0, name="worker")
        broken.start()
        broken.join()
    finally:
        threading.excepthook = threading.__excepthook__
        root.setLevel(level)
        for each in set(root.handlers) - set(before):
            root.removeHandler(each)
            each.close()
    first, second, ended = map(json.loads, (tmp_path / "studio.jsonl").read_text().splitlines())
    assert (first["message"], first["job"], first["step"]) == ("hello\nworld", "dub-1", "Mix")
    assert "job" not in second and "step" not in second
    assert ended["message"] == "the thread worker ended" and "ZeroDivision" in ended["traceback"]


def test_a_traceback_is_part_of_its_line():
    error = StudioError("broken")
    record = logging.LogRecord(
        "x", logging.ERROR, "", 1, "no", (), (StudioError, error, error.__traceback__)
    )
    line = JsonLines().format(record)
    assert "\n" not in line and "StudioError: broken" in json.loads(line)["traceback"]


def test_the_kernel_is_imported_without_anything_heavy():
    heavy = "{'dbos', 'torch', 'gradio', 'numpy', 'scipy', 'transformers'}"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, studio.studio; print({heavy} & set(sys.modules))"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("quota", "most"),
    [("100000 100000", 1), ("50000 100000", 1), ("max 100000", 8), ("odd", 8), (None, 8)],
)
def test_threads_follow_what_the_container_is_granted(tmp_path, quota, most):
    path = tmp_path / "cpu.max"
    if quota is not None:
        path.write_text(quota)
    assert 1 <= threads_here(path) <= most


@pytest.mark.parametrize("own", ["3", ""])
def test_the_front_door_sets_the_threads_before_numpy_counts(own):
    known = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    code = "import app, os; print(os.environ['OMP_NUM_THREADS'])"
    environment = known | ({"OMP_NUM_THREADS": own} if own else {})
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    assert int(done.stdout) == int(own or threads_here())
