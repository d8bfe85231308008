"""The set-up script: quick when nothing changed, clear when it cannot work, whole or not at all."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.clock import keeps

ROOT = Path(__file__).parents[1]
PATH = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"


def bash(script, folder, **env):
    """Run `script` with the functions of setup.sh at hand."""
    given = {"PATH": PATH, "HOME": str(folder), "UNDERSTUDY_VENV": str(folder / "venv"), **env}
    source = f"set -euo pipefail; source '{ROOT}/setup.sh'; {script}"
    return subprocess.run(
        ["bash", "-c", source], capture_output=True, text=True, env=given, check=False, timeout=120
    )


@pytest.fixture
def ready(tmp_path):
    """Make an environment that looks set up."""
    program = tmp_path / "venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.symlink_to(sys.executable)
    wanted = bash("fingerprint", tmp_path, UNDERSTUDY_TORCH="cpu").stdout.strip()
    (tmp_path / "venv" / "stamp").write_text(wanted)
    return tmp_path


def test_nothing_is_done_when_nothing_changed(ready):
    def once():
        began_s = time.monotonic()
        done = bash('set_up ""; echo "$VENV_PYTHON"', ready, UNDERSTUDY_TORCH="cpu")
        took_s = time.monotonic() - began_s
        assert done.returncode == 0 and not done.stderr
        assert done.stdout == f"{ready}/venv/bin/python\n"
        return took_s

    keeps(2.0, once)


@pytest.mark.parametrize(
    ("extra", "torch"), [("", "cuda"), ("test", "cpu")], ids=["another torch", "another group"]
)
def test_it_is_stale_when_something_changed(ready, extra, torch):
    script = f'is_fresh "$VENV/stamp{"-" + extra if extra else ""}" "$(fingerprint)"'
    assert bash(script, ready, UNDERSTUDY_TORCH=torch).returncode == 1


def test_a_missing_python_is_told(tmp_path):
    done = bash('set_up ""', tmp_path, UNDERSTUDY_PYTHON="python-that-is-not-here")
    assert done.returncode == 1
    assert "needs Python 3.11" in done.stderr and "apt-get install python3" in done.stderr


def test_an_old_python_is_not_taken(tmp_path):
    old = tmp_path / "old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    found = bash("find_python", tmp_path, UNDERSTUDY_PYTHON=f"{old} {sys.executable}")
    assert found.stdout.strip() == sys.executable


def test_a_failed_set_up_leaves_no_stamp(tmp_path):
    done = bash(
        'install_debian_packages() { :; }; reachable() { false; }; set_up ""',
        tmp_path,
        PIP_NO_INDEX="1",
        PIP_CONFIG_FILE="/dev/null",
        UNDERSTUDY_TORCH="cpu",
    )
    assert done.returncode == 1
    assert "could not be installed" in done.stderr and "does not answer" in done.stderr
    assert (tmp_path / "venv" / "bin" / "python").exists()
    assert not list((tmp_path / "venv").glob("stamp*"))


def test_the_second_of_two_waits(ready):
    script = """
    exec 9>"$VENV/lock"
    lock "$VENV_PYTHON" LOCK_EX
    ( exec 9>"$VENV/lock"; lock "$VENV_PYTHON" LOCK_NB && echo both || echo one )
    exec 9>&-
    ( exec 9>"$VENV/lock"; lock "$VENV_PYTHON" LOCK_NB && echo free )
    """
    assert bash(script, ready).stdout.split() == ["one", "free"]


def test_a_requirement_a_line(ready):
    lines = bash("requirements test", ready).stdout.splitlines()
    assert any(line.startswith("torch>=") for line in lines)
    assert any(line.startswith("pytest") for line in lines)


def test_groups_that_were_asked_for_are_kept(ready):
    lines = bash('requirements " laptop xtts"', ready).stdout.splitlines()
    assert any(line.startswith("faster-whisper") for line in lines)
    assert any(line.startswith("coqui-tts") for line in lines)
    (ready / "venv" / "extras").write_text("xtts\n")
    asked = bash(
        "extras; has_extras && echo fresh || echo stale", ready, UNDERSTUDY_EXTRAS="laptop,xtts"
    )
    assert asked.stdout.split() == ["laptop", "xtts", "stale"]
    script = "extras; has_extras && echo fresh"
    assert bash(script, ready, UNDERSTUDY_EXTRAS="xtts").stdout.split() == ["xtts", "fresh"]
    assert bash(script, ready).stdout.split() == ["xtts", "fresh"]  # without a word, as it was


def test_a_group_that_does_not_exist_is_told(ready):
    done = bash('requirements "laptopp"', ready)
    assert done.returncode == 1 and "choose laptop" in done.stderr


@pytest.mark.parametrize("name", ["run.sh", "test.sh", "setup.sh", ".ci/run"])
def test_the_scripts_are_whole(name):
    path = ROOT / name
    assert subprocess.run(["bash", "-n", path], check=False).returncode == 0
    assert name == "setup.sh" or os.access(path, os.X_OK)
