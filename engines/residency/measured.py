"""What was measured of each engine: its size, its peaks, its seconds. One small JSON file."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any

from pydantic import TypeAdapter, ValidationError

from studio.artefacts import new_file

LOG = logging.getLogger(__name__)
NEWEST = 0.5  # how much the newest run counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of one engine on this machine."""

    nbytes: int = 0  # of its networks; 0: never loaded
    chunks: int = 1
    activation_bytes: int = 0  # the most that it took beside its weights
    lease_s: float = 0.0  # how long it is lent at a time
    load_s: float = 0.0  # from its files, the last time
    streamed: bool = False  # it only fits in parts


@dataclass(slots=True)
class Measured:
    """The table, kept in a file (None: in memory only)."""

    path: Path | None = None
    _known: dict[str, Known] = field(default_factory=dict[str, Known], init=False)
    _turn: Lock = field(default_factory=Lock, init=False)  # two engines may be learned of at once

    def __post_init__(self) -> None:
        if self.path is None or not self.path.is_file():
            return
        try:
            text = self.path.read_text(encoding="utf-8")
            self._known = TypeAdapter(dict[str, Known]).validate_json(text)
        except (OSError, ValidationError):  # it is only experience: it comes again
            LOG.warning("%s cannot be read; it is measured anew", self.path)

    def of(self, engine: str) -> Known:
        """Return what is known of an engine."""
        return self._known.get(engine, Known())

    def all(self) -> Mapping[str, Known]:
        """Return everything that is known."""
        return dict(self._known)

    def learn(self, engine: str, *, lease_s: float | None = None, **facts: Any) -> None:
        """Remember facts of an engine; seconds of leases are averaged, peaks are kept."""
        with self._turn:
            old = self.of(engine)
            if "activation_bytes" in facts:
                facts["activation_bytes"] = max(old.activation_bytes, facts["activation_bytes"])
            if lease_s is not None:
                before = old.lease_s if old.lease_s else lease_s
                facts["lease_s"] = before + NEWEST * (lease_s - before)
            self._known[engine] = replace(old, **facts)
            self._write()

    def _write(self) -> None:
        if self.path is None:
            return
        text = json.dumps(
            {key: asdict(each) for key, each in sorted(self._known.items())}, indent=1
        )
        try:
            with new_file(self.path) as part:
                part.write_text(text, encoding="utf-8")
        except OSError as error:  # a full disk must not end a job for this
            LOG.warning("what was measured cannot be kept: %s", error)
