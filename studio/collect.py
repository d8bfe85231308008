"""The collector: frees what no job, result or pin needs. Marks first, sweeps by way of a trash folder."""

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from studio.artefacts import storage_errors
from studio.database import JOBS, LIBRARY, PINS
from studio.jobs import DAY_S, UNFINISHED
from studio.settings import Settings

GRACE_S = DAY_S  # what nothing mentions is kept so long: somebody may be about to mention it
MENTION = re.compile(r'"sha256"\s*:\s*"([0-9a-f]{64})"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the data folder holds, in bytes."""

    needed_bytes: int  # results, uploads of jobs, pins
    cache_bytes: int  # finished steps, kept to be recalled
    free_bytes: int  # of the disk


@dataclass(frozen=True, slots=True)
class _Record:
    """A remembered step: its file, when it was last used, the artefacts it mentions."""

    path: Path
    used_s: float
    mentions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Collector:
    """Sweeps the store and the memory of one data folder."""

    settings: Settings
    database: sa.Engine

    def usage(self) -> Usage:
        """Return how much is kept, and why."""
        needed, sizes = self._needed(), self._sizes()
        mine = sum(size for sha, size in sizes.items() if sha in needed)
        free = shutil.disk_usage(self.settings.data_dir).free
        return Usage(needed_bytes=mine, cache_bytes=sum(sizes.values()) - mine, free_bytes=free)

    def collect(self) -> int:
        """Free what nothing mentions, then the oldest of the cache above its limit.

        Returns:
            The bytes freed.
        """
        return self._sweep(self.settings.cache_max_bytes, GRACE_S)

    def free(self) -> int:
        """Free the whole cache, but for what unfinished jobs may be using.

        Returns:
            The bytes freed.
        """
        return self._sweep(0, 0.0)

    def drop_unless_needed(self, text: str) -> None:
        """Free the artefacts that `text` (JSON of a deleted job) mentions and nothing else needs."""
        safe_s, needed = self._safe_since(0.0), self._needed()
        self._throw_away(
            [
                self._place(sha)
                for sha in mentioned(text) - needed
                if _used_s(self._place(sha)) < safe_s
            ]
        )

    def _sweep(self, cache_bytes: int, grace_s: float) -> int:
        """Throw away orphans unused for `grace_s`, then the oldest records above `cache_bytes`."""
        needed, sizes, records = self._needed(), self._sizes(), sorted(self._records(), key=_age)
        safe_s, orphan_s = self._safe_since(0.0), self._safe_since(grace_s)
        kept_by = {sha: each.used_s for each in records for sha in each.mentions}
        doomed = sizes.keys() - needed - kept_by.keys()
        trash = [p for p in map(self._place, doomed) if _used_s(p) < orphan_s]
        cached = sum(sizes[sha] for sha in kept_by.keys() - needed if sha in sizes)
        for record in records:  # oldest first
            if cached <= cache_bytes or record.used_s >= safe_s:
                break
            trash.append(record.path)
            for sha in record.mentions - needed:
                if kept_by[sha] == record.used_s and sha in sizes:
                    trash.append(self._place(sha))
                    cached -= sizes[sha]
        return self._throw_away(trash)

    def _needed(self) -> frozenset[str]:
        """Mark: what jobs were asked, what results hold, what is pinned."""
        with self.database.connect() as db:
            alive = JOBS.c.deleted_s.is_(None)
            columns = sa.select(JOBS.c.request, JOBS.c.result, JOBS.c.answers, JOBS.c.review_value)
            texts = [text for row in db.execute(columns.where(alive)) for text in row]
            results = sa.select(LIBRARY.c.result, LIBRARY.c.recipe)
            texts += [text for row in db.execute(results) for text in row]
            pinned = {sha for (sha,) in db.execute(sa.select(PINS.c.sha256))}
        return frozenset(pinned.union(*map(mentioned, texts)))

    def _safe_since(self, grace_s: float) -> float:
        """Return the time since when everything used is safe: unfinished jobs may hold it."""
        query = sa.select(sa.func.min(JOBS.c.created_s)).where(JOBS.c.state.in_(UNFINISHED))
        with self.database.connect() as db:
            oldest = db.execute(query).scalar()
        now = time.time() - grace_s
        return now if oldest is None else min(now, oldest)

    def _records(self) -> Iterator[_Record]:
        for path in (self.settings.data_dir / "memory").glob("??/*.json"):
            try:
                text, used_s = path.read_text(encoding="utf-8"), path.stat().st_mtime
            except FileNotFoundError:
                continue
            yield _Record(path, used_s, mentioned(text))

    def _sizes(self) -> dict[str, int]:
        files = (self.settings.data_dir / "cas").glob("??/*")
        return {path.name: path.stat().st_size for path in files}

    def _place(self, sha256: str) -> Path:
        return self.settings.data_dir / "cas" / sha256[:2] / sha256

    def _throw_away(self, paths: list[Path]) -> int:
        """Rename all of it out of the way, then delete: a half-deleted file is never a hit."""
        trash = self.settings.data_dir / "trash"
        freed = 0
        with storage_errors(self.settings.data_dir):
            trash.mkdir(exist_ok=True)
            for path in paths:
                if path.is_file():
                    freed += path.stat().st_size
                    path.replace(trash / path.name)
        shutil.rmtree(trash, ignore_errors=True)
        return freed


def mentioned(text: str) -> frozenset[str]:
    """Return the sha256 of every artefact in JSON, also in JSON that is a string within it."""
    return frozenset(MENTION.findall(text.replace("\\", "")))


def _age(record: _Record) -> float:
    return record.used_s


def _used_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
