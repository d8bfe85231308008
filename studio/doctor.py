"""The doctor: what this machine has for the studio, what it lacks, and what to do about it."""

import importlib.util
import os
import platform
import re
import shutil
import socket
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Literal, TextIO

from studio.artefacts import Store, storage_errors
from studio.errors import StorageFailed
from studio.settings import GIB, Settings

State = Literal["ok", "missing", "broken"]
FREE_GB = 5.0
ENOUGH = "The studio works as it is; what is missing would add to what it can do."
MARKS = {"ok": "ok     ", "missing": "missing", "broken": "BROKEN "}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `broken` stops the studio from working, `missing` does not."""

    what: str
    state: State
    seen: str  # what is there, or what it would bring
    remedy: str = ""  # a command or a sentence


def write_findings(findings: Iterable[Finding], out: TextIO) -> bool:
    """Write what was found, line by line; return whether something is broken."""
    broken = False
    for each in findings:
        broken = broken or each.state == "broken"
        out.write(f"{MARKS[each.state]} {each.what}: {each.seen}\n")
        if each.state != "ok" and each.remedy:
            out.write(f"          -> {each.remedy}\n")
        out.flush()
    out.write(f"{'Something is broken: see above.' if broken else ENOUGH}\n")
    return broken


def inspect_machine(settings: Settings, project: Path) -> Iterator[Finding]:
    """Look at Python, the packages, the data folder, the disk and the port."""
    yield Finding("Python", "ok", f"{platform.python_version()} at {sys.executable}")
    yield from inspect_packages(project)
    yield from _inspect_folder(settings)
    yield inspect_port(settings)


def inspect_packages(project: Path) -> Iterator[Finding]:
    """Look whether every package that the product declares is here and can be found by name."""
    modules: dict[str, list[str]] = {}
    for module, owners in packages_distributions().items():
        for owner in owners:
            modules.setdefault(_plain(owner), []).append(module)
    absent, count = list[str](), 0
    for name in declared(project):
        count += 1
        try:
            version(name)
        except PackageNotFoundError:
            absent.append(name)
            continue
        if not any(importlib.util.find_spec(each) for each in modules.get(_plain(name), ())):
            absent.append(name)
    if absent:
        remedy = "./run.sh sets them up; if it did: rm -r .venv, then ./run.sh"
        yield Finding("Python packages", "broken", f"without {', '.join(absent)}", remedy)
    else:
        yield Finding("Python packages", "ok", f"all {count} of pyproject.toml")


def declared(project: Path) -> list[str]:
    """Return the names of the packages in `dependencies` of pyproject.toml."""
    text = (project / "pyproject.toml").read_text(encoding="utf-8")
    wanted: list[str] = tomllib.loads(text)["project"]["dependencies"]
    return [re.split(r"[\[<>=!~; ]", each, maxsplit=1)[0] for each in wanted]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _inspect_folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    try:
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with Store(folder).scratch("doctor") as scratch, storage_errors(folder):
            (scratch / "probe").write_bytes(b"0" * 4096)
    except StorageFailed as error:
        yield Finding("data folder", "broken", error.sentence, error.remedy)
        return
    yield Finding("data folder", "ok", f"{folder} can be written")
    free_gb = shutil.disk_usage(folder).free / GIB
    enough = free_gb >= FREE_GB
    yield Finding(
        "disk space",
        "ok" if enough else "missing",
        f"{free_gb:.1f} GB free",
        f"Free some: an hour of video takes about {FREE_GB:.0f} GB while it is worked on.",
    )


def inspect_port(settings: Settings) -> Finding:
    """Tell whether the studio could listen where it is set to."""
    what, where = "port", f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            return Finding(
                what, "missing", f"{where}: {why}", "./run.sh --port 7861, or set UNDERSTUDY_PORT"
            )
    return Finding(what, "ok", f"{where} is free")
