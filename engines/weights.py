"""Weights: which files an engine loads, where they come from, and what of them is on this machine.

They lie in the hub's own cache, which other programs share: `models--ORG--NAME/` with `blobs/` (bytes,
named by their hash), `snapshots/COMMIT/` (the repository's file names, links to blobs) and `refs/`
(the commit that a branch was when it was fetched). `engines.hub` fetches them; here is no network. Small ones
that come with the set-up are `engines.own_files`.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict

from studio.errors import MissingWeights
from studio.settings import load_settings

UNKNOWN = "unknown"
PARTIAL = ".incomplete"  # ends the name of a blob that is not whole yet
TRUE = frozenset({"1", "on", "yes", "true"})

State = Literal["present", "partial", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFile:
    """One file of a repository on the hub."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    path: str  # inside the repository
    bytes: int = 0  # 0: unknown
    sha256: str = UNKNOWN  # hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What an engine loads, in the official layout of its repository, and of those beside it."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    repo: str  # "organisation/name" on the hub
    revision: str = UNKNOWN  # commit, 40 hex digits
    gated: bool = False  # its terms must be accepted first
    files: tuple[WeightFile, ...] = ()  # empty: every file of the repository
    beside: Mapping[str, "Weights"] = field(  # other repositories that the engine loads as well, by
        default_factory=dict[str, "Weights"]  # the parameter of its class that takes their folder
    )

    def parts(self) -> "Iterator[Weights]":
        """Yield it without those beside it, then each of them: one repository each."""
        yield replace(self, beside={})
        for each in self.beside.values():
            yield from each.parts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How much of an engine's weights is here."""

    state: State
    bytes: int  # of all files whose size is known; 0: of none
    here_bytes: int
    lacking: tuple[str, ...]  # files that are not here, or not of their size

    @property
    def to_fetch_bytes(self) -> int:
        """What a download would fetch; 0: nothing, or unknown."""
        return max(0, self.bytes - self.here_bytes)


def cache_dir() -> Path:
    """Return the folder of all weights, as the hub's own library finds it."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or f"{base}/huggingface"
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return Path(os.path.expandvars(named or f"{home}/hub")).expanduser()


def repo_dir(weights: Weights) -> Path:
    """Return the repository's folder in the cache."""
    return cache_dir() / f"models--{weights.repo.replace('/', '--')}"


def folder(weights: Weights) -> Path:
    """Return where `weights` lie, or would lie: the commit of the preset, or the one that was taken."""
    place = repo_dir(weights)
    if weights.revision != UNKNOWN:
        return place / "snapshots" / weights.revision
    main = place / "refs" / "main"
    commit = main.read_text(encoding="ascii").strip() if main.is_file() else "main"
    return place / "snapshots" / commit


def held(weights: Weights) -> Held:
    """Look how much of `weights` and those beside them is here; files are looked at, not read."""
    found = [_held(each) for each in weights.parts()]
    alike = all(each.state == found[0].state for each in found)
    return Held(
        state=found[0].state if alike else "partial",
        bytes=sum(each.bytes for each in found),
        here_bytes=sum(each.here_bytes for each in found),
        lacking=tuple(name for each in found for name in each.lacking),
    )


def _held(weights: Weights) -> Held:
    place = folder(weights)
    if not weights.files:
        found = [path for path in place.rglob("*") if path.is_file()]
        here = sum(path.stat().st_size for path in found)
        state: State = "present" if found else "missing"
        return Held(state=state, bytes=here, here_bytes=here, lacking=() if found else ("*",))
    here, lacking = 0, list[str]()
    for each in weights.files:
        size = _size(place / each.path)
        if size < 0 or (each.bytes and size != each.bytes):
            lacking.append(each.path)
        else:
            here += size
    whole = here if not lacking else sum(each.bytes for each in weights.files)
    if not lacking:
        return Held(state="present", bytes=whole, here_bytes=here, lacking=())
    here += sum(_size(path) for path in repo_dir(weights).glob(f"blobs/*{PARTIAL}"))
    state = "partial" if here else "missing"
    return Held(state=state, bytes=whole, here_bytes=here, lacking=tuple(lacking))


def own_folders() -> tuple[Path, ...]:
    """Return where the files of `engines.own_files` may be: in the environment, or among the data."""
    inside = Path(sys.prefix) / "share" / "understudy"
    return inside, load_settings().data_dir / "share"


def own_file(name: str) -> Path:
    """Return where a file of `engines.own_files` is.

    Raises:
        MissingWeights: if it is not on this machine.
    """
    for at in own_folders():
        if (path := at / name).is_file():
            return path
    raise MissingWeights(
        f"the file {name} is not here", remedy="Start ./run.sh once more: it fetches it."
    )


def is_offline() -> bool:
    """Tell whether the network must not be touched, as the studio's or the hub's settings say now."""
    names = ("UNDERSTUDY_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    return any(os.environ.get(name, "").lower() in TRUE for name in names)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size  # of what a link leads to
    except OSError:
        return -1
