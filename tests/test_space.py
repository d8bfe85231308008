"""README, Dockerfile, requirements and front matter say what pyproject.toml says."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import workflows
from studio.command import make_parser
from studio.flags import join_values
from studio.settings import Settings
from studio.workflow import discover

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WANTED = {each.name: each for each in map(Requirement, PROJECT["dependencies"])}

# The documented names of a Space's configuration.
NAMES = {
    "title",
    "emoji",
    "colorFrom",
    "colorTo",
    "sdk",
    "python_version",
    "sdk_version",
    "suggested_hardware",
    "suggested_storage",
    "app_file",
    "app_port",
    "base_path",
    "fullWidth",
    "header",
    "short_description",
    "models",
    "datasets",
    "tags",
    "thumbnail",
    "pinned",
    "hf_oauth",
    "hf_oauth_scopes",
    "hf_oauth_expiration_minutes",
    "hf_oauth_authorized_org",
    "disable_embedding",
    "startup_duration_timeout",
    "custom_headers",
    "preload_from_hub",
    "license",
}
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


@pytest.fixture(scope="module")
def front():
    return yaml.safe_load(README.split("---\n")[1])


def test_the_front_matter_has_documented_names_only(front):
    assert set(front) <= NAMES
    assert {front["colorFrom"], front["colorTo"]} <= COLOURS
    assert len(front["short_description"]) <= 60
    assert front["sdk"] in {"gradio", "docker"} and front["hf_oauth"] is True
    assert front["suggested_storage"] in {"small", "medium", "large"}


def test_the_front_matter_agrees_with_the_project(front):
    assert WANTED["gradio"].specifier.contains(front["sdk_version"])
    assert "oauth" in WANTED["gradio"].extras
    assert SpecifierSet(PROJECT["requires-python"]).contains(front["python_version"])
    assert (ROOT / front["app_file"]).is_file()
    assert front["license"] == PROJECT["license"].lower()
    assert front["app_port"] == Settings.model_fields["port"].default


def test_requirements_are_the_project_s_within_the_constraints():
    pinned = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if line
    )
    expected = [
        f"{name}=={pinned[name]}" if name in pinned else text
        for name, text in zip(WANTED, PROJECT["dependencies"], strict=True)
    ]
    assert (ROOT / "requirements.txt").read_text().splitlines() == expected


def test_packages_are_bare_names():
    lines = (ROOT / "packages.txt").read_text().splitlines()
    assert lines and all(re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", line) for line in lines)
    assert len(set(lines)) == len(lines)


def test_the_image_holds_every_room_and_its_user_owns_the_data():
    text = (ROOT / "Dockerfile").read_text()
    assert "USER 1000" in text and "EXPOSE 7860" in text and "VOLUME /data" in text
    assert "/health" in text and text.count("ARG BASE") == 1
    kept = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    for name in re.findall(r"^COPY (.*) \./$", text, re.MULTILINE)[0].split():
        assert name in kept
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages | {"app.py", "run.sh", "presets", "assets"} <= kept
    assert all((ROOT / name).exists() for name in kept)


def test_the_readme_names_every_setting_and_no_other():
    known = {f"UNDERSTUDY_{name.upper()}" for name in Settings.model_fields}
    table = set(re.findall(r"^\| `(UNDERSTUDY_\w+)`", README, re.MULTILINE))
    assert table == known


def commands():
    blocks = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("./run.sh")]


@pytest.mark.parametrize("line", commands())
def test_the_readme_s_commands_are_understood(line):
    parser = make_parser(discover(workflows))
    parser.parse_args(join_values(shlex.split(line, comments=True)[1:], parser))


def test_the_readme_s_files_are_there():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
