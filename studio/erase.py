"""Deletes a character with everything that was ever made of it.

What is derived is found by following the remembered steps from input to output, starting at the
character's pictures and sounds: through its jobs, the cache, and jobs that took such a result in again.
What somebody else's work needs stays.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from studio.artefacts import hash_file, storage_errors
from studio.characters import Character, Characters, shipped_files
from studio.collect import Collector, Remembered, mentioned
from studio.database import CHARACTERS as TABLE
from studio.database import JOBS, LIBRARY, PINS, writing
from studio.errors import BadInput
from studio.jobs import Job
from studio.settings import Settings
from studio.steps import artefacts_in

CHARACTERS = "characters"  # the folder of the exports in which their files lie


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What a character left behind, and goes away with it."""

    jobs: tuple[str, ...] = ()
    records: tuple[Remembered, ...] = ()
    files: frozenset[str] = frozenset()  # sha256
    foreign: frozenset[str] = frozenset()  # those of any files that somebody else needs

    @property
    def sentence(self) -> str:
        """What a deletion takes along, in words."""
        files = (
            "its pictures, recordings and models, all that was made of them, and uploads of them"
        )
        if not self.jobs:
            return f"with it go {files}; no job has used it"
        jobs = "1 job" if len(self.jobs) == 1 else f"{len(self.jobs)} jobs"
        return f"with it go {jobs} with their films and exports, {files}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Eraser:
    """Erases characters of one data folder."""

    settings: Settings
    database: sa.Engine
    characters: Characters
    collector: Collector
    cancel: Callable[[str, str], Job]  # job, owner
    delete: Callable[[str, str], None]  # job, owner

    def traces(self, character: Character, owner: str) -> Traces:
        """Find everything that was made of a character."""
        others = [each for each in self.characters.of(owner) if each.id != character.id]
        shared = {each.sha256 for each in artefacts_in(tuple(others))}
        files = {each.sha256 for each in artefacts_in(character)} - shared
        foreign = self._foreign(owner)
        rows, records = self._jobs(owner), list(self.collector.records())
        jobs: set[str] = set()
        derived: list[Remembered] = []
        while True:
            before = (len(jobs), len(derived))
            jobs |= {
                row["id"] for row in rows if character.id in row["asked"] or files & row["files"]
            }
            fresh = [each for each in records if _is_derived(each, files, foreign, jobs)]
            records = [each for each in records if each not in fresh]
            derived += fresh
            for each in fresh:
                files |= each.mentions - each.inputs - shared
            if before == (len(jobs), len(derived)):
                return Traces(
                    jobs=tuple(sorted(jobs)),
                    records=tuple(derived),
                    files=frozenset(files),
                    foreign=foreign,
                )

    def erase(self, id_: str, owner: str) -> Traces:
        """Delete a character: its jobs, results, exports, remembered steps, files, pins and uploads.

        Returns:
            What went away.

        Raises:
            NotFound: if there is none, or it is another's.
            BadInput: if it is the studio's, or a job of it does not stop at once.
        """
        character = self.characters.own(id_, owner)
        found = self.traces(character, owner)
        stopped = [self.cancel(job, owner) for job in found.jobs]
        if not all(each.finished for each in stopped):
            raise BadInput(
                f"a film of {character.name} is being made at this moment",
                remedy="It stops now: delete the character again in a few seconds.",
            )
        for job in found.jobs:
            self.delete(job, owner)
        with storage_errors(self.settings.data_dir):
            for record in found.records:
                record.path.unlink(missing_ok=True)
            self._unpin(found.files, owner)
            self.characters.remove(character.id, owner)
            shutil.rmtree(export_folder(self.settings, character.id), ignore_errors=True)
            kept = self.collector.needed() | found.foreign
            kept |= {sha for each in self.collector.records() for sha in each.mentions}
            self._unlink(found.files - kept)
            self._settle()
        return found

    def drop(self, files: frozenset[str]) -> None:
        """Delete what a character had before it was changed, unless somebody still needs it."""
        kept = self.collector.needed() | shipped_files()
        kept |= {sha for each in self.collector.records() for sha in each.mentions | each.inputs}
        with storage_errors(self.settings.data_dir):
            self._unlink(files - kept)

    def _foreign(self, owner: str) -> frozenset[str]:
        """Return the files that other people's jobs, results, pins and characters need."""
        columns = (JOBS.c.request, JOBS.c.result, JOBS.c.answers, JOBS.c.review_value)
        queries = [
            sa.select(*columns).where(JOBS.c.owner != owner, JOBS.c.deleted_s.is_(None)),
            sa.select(LIBRARY.c.result, LIBRARY.c.recipe).where(LIBRARY.c.owner != owner),
            sa.select(TABLE.c.body).where(TABLE.c.owner != owner),
        ]
        with self.database.connect() as db:
            texts = [text for query in queries for row in db.execute(query) for text in row]
            pins = sa.select(PINS.c.sha256).where(PINS.c.owner != owner)
            pinned = {sha for (sha,) in db.execute(pins)}
        return frozenset(pinned.union(*map(mentioned, texts)))

    def _jobs(self, owner: str) -> Sequence[Mapping[str, Any]]:
        """Return, for each of the owner's jobs, what it was asked and the files in that."""
        columns = (JOBS.c.id, JOBS.c.request, JOBS.c.answers, JOBS.c.review_value)
        query = sa.select(*columns).where(JOBS.c.owner == owner, JOBS.c.deleted_s.is_(None))
        with self.database.connect() as db:
            asked = {id_: " ".join(texts) for id_, *texts in db.execute(query)}
        return [{"id": id_, "asked": text, "files": mentioned(text)} for id_, text in asked.items()]

    def _unpin(self, files: frozenset[str], owner: str) -> None:
        with writing(self.database) as db:
            for sha in files:
                db.execute(sa.delete(PINS).where(PINS.c.sha256 == sha, PINS.c.owner == owner))

    def _unlink(self, files: frozenset[str]) -> None:
        """Delete stored files, and the copies that the browser's uploads left."""
        places = [self.settings.data_dir / "cas" / sha[:2] / sha for sha in files]
        sizes = {path.stat().st_size for path in places if path.is_file()}
        for path in self.settings.uploads.rglob("*"):
            if path.is_file() and path.stat().st_size in sizes and _hash(path) in files:
                path.unlink(missing_ok=True)
        for path in places:
            path.unlink(missing_ok=True)

    def _settle(self) -> None:
        """Let what was deleted from the table leave the disk as well."""
        if self.database.dialect.name == "sqlite":
            with self.database.connect() as db:
                db.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def export_folder(settings: Settings, id_: str) -> Path:
    """Return where files for downloading are laid that belong to a character."""
    return settings.exports / CHARACTERS / id_


def _is_derived(
    record: Remembered, files: set[str], foreign: frozenset[str], jobs: set[str]
) -> bool:
    """Tell whether a step took such a file in; what only others' files led to is theirs."""
    taken = record.inputs & files
    return bool(taken) and (record.job in jobs or bool(taken - foreign))


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hash_file(file)
