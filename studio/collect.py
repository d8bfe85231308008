"""The collector: frees what no job, result or pin needs. Marks first, sweeps by way of a trash folder.

* needed: what jobs were asked, what results and characters hold, what is pinned; never freed.
* cache: remembered steps and the files they mention; freed oldest use first, above a limit.
* orphans: files that nothing mentions; freed after a day (somebody may be about to mention them).

Whatever was used since the oldest unfinished job was submitted is left alone: it may hold it.
"""

import json
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from studio.artefacts import PART, storage_errors
from studio.database import CHARACTERS, JOBS, LIBRARY, PINS
from studio.jobs import DAY_S, UNFINISHED
from studio.settings import Settings

MENTION = re.compile(r'"sha256"\s*:\s*"([0-9a-f]{64})"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the data folder holds, in bytes."""

    needed_bytes: int  # results, uploads of jobs, pins
    cache_bytes: int  # finished steps, kept to be recalled
    free_bytes: int  # of the disk


@dataclass(frozen=True, slots=True)
class Remembered:
    """A remembered step: its file, when it was last used, who made it, what it took in and mentions."""

    path: Path
    used_s: float
    job: str
    inputs: frozenset[str]
    mentions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Collector:
    """Sweeps the store and the memory of one data folder."""

    settings: Settings
    database: sa.Engine

    def usage(self) -> Usage:
        """Return how much is kept, and why."""
        needed, sizes = self.needed(), self._sizes()
        mine = sum(size for sha, size in sizes.items() if sha in needed)
        free = shutil.disk_usage(self.settings.data_dir).free
        return Usage(needed_bytes=mine, cache_bytes=sum(sizes.values()) - mine, free_bytes=free)

    def collect(self) -> int:
        """Free old orphans, then the cache above its limit; return the bytes freed."""
        self._clear_scratch()
        return self._sweep(self.settings.cache_max_bytes)

    def free(self) -> int:
        """Free the whole cache, but for what unfinished jobs may hold; return the bytes freed."""
        return self._sweep(0)

    def forget(self, job: str, text: str) -> int:
        """Free what only a deleted job needed: its files, named in `text`, and its steps.

        Returns:
            The bytes freed.
        """
        needed, safe_s = self.needed(), self._safe_since()
        records = list(self.records())
        own = [each for each in records if each.job == job and each.used_s < safe_s]
        others = {sha for each in records if each not in own for sha in each.mentions}
        freed, gone = 0, mentioned(text)
        for record in own:
            freed += self._discard(record.path, record.used_s)
            gone |= record.mentions
        return freed + self._discard_all(gone - needed - others, safe_s)

    def _sweep(self, cache_bytes: int) -> int:
        needed, sizes, safe_s = self.needed(), self._sizes(), self._safe_since()
        records = sorted(self.records(), key=_age)
        mentions = Counter(sha for each in records for sha in each.mentions)
        orphans = sizes.keys() - needed - mentions.keys()
        freed = self._discard_all(orphans, min(safe_s, time.time() - DAY_S))
        cached = sum(sizes[sha] for sha in mentions.keys() - needed if sha in sizes)
        for record in records:  # the oldest first
            if cached <= cache_bytes or record.used_s >= safe_s:
                break
            freed += self._discard(record.path, record.used_s)
            if record.path.exists():  # used this very moment
                continue
            mentions.subtract(record.mentions)
            last = {sha for sha in record.mentions - needed if not mentions[sha] and sha in sizes}
            cached -= sum(sizes[sha] for sha in last)
            freed += self._discard_all(last, safe_s)
        return freed

    def needed(self) -> frozenset[str]:
        """Mark: what jobs were asked, what results and characters hold, what is pinned."""
        columns = sa.select(JOBS.c.request, JOBS.c.result, JOBS.c.answers, JOBS.c.review_value)
        results = sa.select(LIBRARY.c.result, LIBRARY.c.recipe)
        people = sa.select(CHARACTERS.c.body)
        with self.database.connect() as db:
            queries = (columns.where(JOBS.c.deleted_s.is_(None)), results, people)
            rows = [row for query in queries for row in db.execute(query)]
            pinned = {sha for (sha,) in db.execute(sa.select(PINS.c.sha256))}
        return frozenset(pinned.union(*(mentioned(text) for row in rows for text in row)))

    def _safe_since(self) -> float:
        """Return the time since when everything used is left alone."""
        query = sa.select(sa.func.min(JOBS.c.created_s)).where(JOBS.c.state.in_(UNFINISHED))
        with self.database.connect() as db:
            oldest = db.execute(query).scalar()
        return time.time() if oldest is None else oldest

    def records(self) -> Iterator[Remembered]:
        """Yield every remembered step."""
        for path in (self.settings.data_dir / "memory").glob("??/*.json"):
            try:
                text, used_s = path.read_text(encoding="utf-8"), path.stat().st_mtime
            except FileNotFoundError:
                continue
            origin = json.loads(text.partition("\n")[0])
            inputs = frozenset[str](origin.get("inputs", ()))
            yield Remembered(path, used_s, origin.get("job", ""), inputs, mentioned(text))

    def _sizes(self) -> dict[str, int]:
        sizes: dict[str, int] = {}
        for path in (self.settings.data_dir / "cas").glob("??/*"):
            with suppress(FileNotFoundError):  # somebody deletes at the same time
                sizes[path.name] = path.stat().st_size
        return sizes

    def _discard_all(self, shas: Iterable[str], before_s: float) -> int:
        cas = self.settings.data_dir / "cas"
        return sum(self._discard(cas / sha[:2] / sha, before_s) for sha in shas)

    def _discard(self, path: Path, before_s: float) -> int:
        """Delete a file last used up to `before_s`; return its bytes.

        It is renamed first and looked at again, so that who uses it this very moment wins.
        """
        trash = self.settings.data_dir / "trash"
        with storage_errors(self.settings.data_dir):
            trash.mkdir(exist_ok=True)
            gone = trash / path.name
            try:
                path.replace(gone)
            except FileNotFoundError:
                return 0
            seen = gone.stat()
            if seen.st_mtime > before_s:
                gone.replace(path)
                return 0
            gone.unlink()
        return seen.st_size

    def _clear_scratch(self) -> None:
        """Delete what crashes left half-written; only a day later, since others may work."""
        for pattern in ("tmp/*", f"memory/??/{PART}*"):
            for path in self.settings.data_dir.glob(pattern):
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime < time.time() - DAY_S:
                        shutil.rmtree(path, ignore_errors=True)


def mentioned(text: str) -> frozenset[str]:
    """Return the sha256 of every artefact in JSON, also in JSON that is a string within it."""
    return frozenset(MENTION.findall(text.replace("\\", "")))


def _age(record: Remembered) -> float:
    return record.used_s
