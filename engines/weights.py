"""Weights: which files an engine loads, where they come from, and where they lie on this machine."""

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFile:
    """One file of a repository on the hub."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    path: str  # inside the repository
    bytes: int = 0  # 0: unknown
    sha256: str = UNKNOWN  # hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What an engine loads, in the official layout of its repository."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    repo: str  # "organisation/name" on the hub
    revision: str = UNKNOWN  # commit, 40 hex digits
    gated: bool = False  # its terms must be accepted first
    files: tuple[WeightFile, ...] = ()


def cache_dir() -> Path:
    """Return the folder of all weights: the hub's own cache, shared with other programs."""
    home = os.environ.get("HF_HOME") or "~/.cache/huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or f"{home}/hub").expanduser()


def folder(weights: Weights) -> Path:
    """Return where `weights` lie, or would lie, in the layout of the hub's cache."""
    place = cache_dir() / f"models--{weights.repo.replace('/', '--')}"
    if weights.revision != UNKNOWN:
        return place / "snapshots" / weights.revision
    main = place / "refs" / "main"
    commit = main.read_text(encoding="ascii").strip() if main.is_file() else "main"
    return place / "snapshots" / commit
