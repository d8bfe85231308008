"""What is declared can be imported; what shall be light is light."""

import json
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from studio.doctor import declared, inspect_packages

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "gradio", "transformers", "diffusers")

IMPORT_ALL = """
import importlib, json, sys
failed = {}
for name in json.loads(sys.argv[1]):
    try:
        importlib.import_module(name)
    except Exception as error:
        failed[name] = repr(error)
print(json.dumps(failed))
"""

LIGHT = """
import json, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import app, engines.catalog, engines.roles, media, studio, workflows
for room in (studio, media, workflows):
    for each in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
        __import__(each.name)
print(json.dumps([name for name in sys.argv[2:] if name in sys.modules]))
"""


def run(code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_every_declared_package_can_be_imported():
    owners = packages_distributions()
    wanted = {name.lower().replace("_", "-") for name in declared(ROOT)}
    found = {
        module: name
        for module, names in owners.items()
        for name in names
        if name.lower().replace("_", "-") in wanted
        and module.isidentifier()
        and not module.startswith("_")
    }
    assert wanted == {name.lower().replace("_", "-") for name in found.values()}
    assert run(IMPORT_ALL, json.dumps(sorted(found))) == {}


def test_the_doctor_finds_the_packages():
    assert [each.state for each in inspect_packages(ROOT)] == ["ok"]


def test_the_light_rooms_import_nothing_heavy():
    assert run(LIGHT, str(ROOT), *HEAVY) == []


def test_the_base_has_no_package_that_breaks_on_a_cpu():
    names = {each.lower() for each in declared(ROOT)}
    assert not names & {"torchaudio", "torchvision", "torchcodec", "typed-ffmpeg", "opencv-python"}


def test_constraints_allow_what_is_declared():
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {each.name: each for each in map(Requirement, project["dependencies"])}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        pinned = Requirement(line)
        assert wanted[pinned.name].specifier.contains(str(pinned.specifier).removeprefix("=="))
