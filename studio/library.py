"""The library: finished results with their recipes, and the files that people download."""

import json
import mimetypes
import shutil
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from studio.artefacts import Artefact, Store, new_file, storage_errors
from studio.database import LIBRARY, PINS, writing
from studio.errors import NotFound
from studio.request import Result

NAME_BYTES = 180  # of a file name, well under every file system's limit
FORBIDDEN = set('/\\:*?"<>|')


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What made a result, enough to make it again."""

    request: str  # JSON of the Request
    engines: Mapping[str, str]  # role -> engine id
    parent: str  # job it was edited from, or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One result."""

    job: str
    owner: str
    workflow: str
    title: str
    created_s: float  # unix time
    result: str  # JSON of the Result: artefacts and report
    recipe: Recipe
    favourite: bool


@dataclass(frozen=True, slots=True)
class Library:
    """The table of results, and `exports/<job>/<nice file name>`, hard links into the store."""

    database: sa.Engine
    store: Store
    exports: Path

    def add(self, row: Mapping[str, Any], result: Result) -> None:
        """Write the result of the job `row`, in place of an earlier one of the same job."""
        recipe = {name: row[name] for name in ("request", "engines", "parent")}
        values = {name: row[name] for name in ("owner", "workflow", "title")}
        values |= {"job": row["id"], "created_s": time.time(), "favourite": 0}
        values |= {"result": result.model_dump_json(), "recipe": json.dumps(recipe)}
        with writing(self.database) as db:
            db.execute(sa.delete(LIBRARY).where(LIBRARY.c.job == row["id"]))
            db.execute(sa.insert(LIBRARY).values(values))

    def list(
        self, owner: str, *, search: str = "", workflow: str = "", limit: int = 100
    ) -> list[Entry]:
        """Return results, favourites first, then newest first; `search` looks into titles."""
        query = sa.select(LIBRARY).where(LIBRARY.c.owner == owner)
        if search:
            query = query.where(LIBRARY.c.title.icontains(search, autoescape=True))
        if workflow:
            query = query.where(LIBRARY.c.workflow == workflow)
        order = (LIBRARY.c.favourite.desc(), LIBRARY.c.created_s.desc())
        with self.database.connect() as db:
            rows = db.execute(query.order_by(*order).limit(limit)).mappings().all()
        return [_entry(row) for row in rows]

    def entry(self, job: str, owner: str) -> Entry:
        """Return the result of `job`.

        Raises:
            NotFound: if there is none, or it is another's.
        """
        query = sa.select(LIBRARY).where(LIBRARY.c.job == job, LIBRARY.c.owner == owner)
        with self.database.connect() as db:
            row = db.execute(query).mappings().first()
        if row is None:
            raise NotFound(f"there is no result of the job {job!r}")
        return _entry(row)

    def favour(self, job: str, owner: str, *, on: bool) -> Entry:
        """Mark a result as a favourite, or no longer.

        Raises:
            NotFound: if there is none, or it is another's.
        """
        where = (LIBRARY.c.job == job, LIBRARY.c.owner == owner)
        with writing(self.database) as db:
            db.execute(sa.update(LIBRARY).where(*where).values(favourite=int(on)))
        return self.entry(job, owner)

    def remove(self, job: str) -> None:
        """Forget a result and its exports; its files in the store are the collector's."""
        with writing(self.database) as db:
            db.execute(sa.delete(LIBRARY).where(LIBRARY.c.job == job))
        shutil.rmtree(self.exports / job, ignore_errors=True)

    def pin(self, artefact: Artefact, owner: str, why: str) -> None:
        """Keep a file whatever happens to the jobs that used it."""
        with writing(self.database) as db:
            _unpin(db, artefact, owner)
            db.execute(sa.insert(PINS).values(sha256=artefact.sha256, owner=owner, why=why))

    def unpin(self, artefact: Artefact, owner: str) -> None:
        """Let a file go again."""
        with writing(self.database) as db:
            _unpin(db, artefact, owner)

    def export(self, job: str, result: Result) -> dict[str, Path]:
        """Link the result's files under the names people like; return field name -> path.

        Raises:
            NotFound: if a file is no longer stored.
            StorageFailed: if the disk is full or the folder cannot be written.
        """
        folder = self.exports / job
        with storage_errors(self.exports):
            folder.mkdir(parents=True, exist_ok=True)
            paths: dict[str, Path] = {}
            for field, artefact in result.artefacts():
                taken = {path.name.casefold() for path in paths.values()}
                target = folder / _free_name(export_name(artefact, field), taken)
                _link(self.store.path(artefact), target)
                paths[field] = target
        return paths


def export_name(artefact: Artefact, fallback: str) -> str:
    """Return a file name that is safe on every system and still says what it is."""
    return safe_name(artefact.name, fallback, mimetypes.guess_extension(artefact.media_type) or "")


def safe_name(name: str, fallback: str, suffix: str = "") -> str:
    """Return a file name that is safe on every system; `suffix` where it has none."""
    name = unicodedata.normalize("NFC", name)
    kept = (each for each in name if each not in FORBIDDEN and unicodedata.category(each)[0] != "C")
    path = Path("".join(kept).strip(". -") or fallback)
    suffix = path.suffix or suffix
    room = NAME_BYTES - len(suffix.encode())
    return path.stem.encode()[:room].decode(errors="ignore") + suffix


def _free_name(name: str, taken: set[str]) -> str:
    path, count, free = Path(name), 1, name
    while free.casefold() in taken:
        count += 1
        free = f"{path.stem}-{count}{path.suffix}"
    return free


def _link(source: Path, target: Path) -> None:
    if target.exists():
        if target.samefile(source):
            return
        target.unlink()
    try:
        target.hardlink_to(source)
    except OSError:  # another disk, or one that knows no links
        with new_file(target) as part:
            shutil.copyfile(source, part)


def _unpin(db: sa.Connection, artefact: Artefact, owner: str) -> None:
    where = (PINS.c.sha256 == artefact.sha256, PINS.c.owner == owner)
    db.execute(sa.delete(PINS).where(*where))


def _entry(row: sa.RowMapping) -> Entry:
    seen = json.loads(row["recipe"])
    recipe = Recipe(
        request=seen["request"], engines=json.loads(seen["engines"]), parent=seen["parent"]
    )
    names = ("job", "owner", "workflow", "title", "created_s", "result")
    same = {name: row[name] for name in names}
    return Entry(**same, recipe=recipe, favourite=bool(row["favourite"]))
