"""A character as one file: a zip of `character.json` and `files/<sha256>`, nothing else.

What comes from elsewhere is trusted in nothing: names, sizes and hashes are checked while it is read,
nothing is written outside the store, and no link is followed.
"""

import json
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from studio.artefacts import BLOCK_BYTES, Artefact, Store, hash_file, new_file, storage_errors
from studio.characters import Character
from studio.errors import BadInput, StudioError, first_said
from studio.model_files import MEDIA_TYPES, checks
from studio.steps import artefacts_in

MANIFEST, FILES = "character.json", "files/"
FORMAT, VERSION = "understudy-character", 1
MANIFEST_BYTES = 1_000_000
MOST_FILES = 100
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same character gives the same file
BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    EOFError,
    KeyError,
    NotImplementedError,  # a way of packing that we do not read
    OSError,
    RuntimeError,  # a password
    ValueError,
)


def export_character(character: Character, store: Store, target: Path) -> Path:
    """Write a character with all its files.

    Raises:
        NotFound: if a file is no longer stored.
        StorageFailed: if the disk is full or the folder cannot be written.
    """
    plain = character.model_copy(update={"id": ""}).model_dump(mode="json")
    manifest = {"format": FORMAT, "version": VERSION, "character": plain}
    with (
        storage_errors(target.parent),
        new_file(target) as part,
        zipfile.ZipFile(part, "w") as packed,
    ):
        packed.writestr(zipfile.ZipInfo(MANIFEST, EPOCH), json.dumps(manifest, indent=1))
        for each in _files_of(character):
            entry = zipfile.ZipInfo(FILES + each.sha256, EPOCH)
            with store.path(each).open("rb") as source, packed.open(entry, "w") as room:
                shutil.copyfileobj(source, room, BLOCK_BYTES)
    return target


def import_character(path: Path, store: Store, max_bytes: int) -> Character:
    """Read a character from a file; its pictures and sounds go into the store.

    Returns:
        The character, without an id: it is not saved yet.

    Raises:
        BadInput: if the file is broken, not a character's, too large, or holds what it should not.
        StorageFailed: if the disk is full.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            members = _members(packed)
            character = _manifest(packed, members)
            files = list(_files_of(character))
            _fit(files, members, max_bytes)
            with storage_errors(store.root), store.scratch("import") as folder:
                copies = {each.sha256: folder / str(n) for n, each in enumerate(files)}
                for each in files:
                    _unpack(packed, members[FILES + each.sha256], each, copies[each.sha256])
                for each, check in checks(character):
                    if MEDIA_TYPES[check(copies[each.sha256], each.name)] != each.media_type:
                        raise _refused(f"{each.name} is not what it is called")
                for each in files:
                    store.keep(copies[each.sha256], each.media_type, each.name)
    except BROKEN as error:
        if isinstance(error, StudioError):
            raise
        raise _refused(str(error) or "it cannot be read") from error
    return character.model_copy(update={"id": ""})


def _files_of(character: Character) -> Iterator[Artefact]:
    yield from {each.sha256: each for each in artefacts_in(character)}.values()


def _members(packed: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    listed = packed.infolist()
    found = {each.filename: each for each in listed}
    if len(found) != len(listed) or len(listed) > MOST_FILES + 1:
        raise _refused("it holds files twice, or too many")
    for each in listed:
        if each.is_dir() or stat.S_ISLNK(each.external_attr >> 16):
            raise _refused(f"{each.filename!r} is not a plain file")
    return found


def _manifest(packed: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> Character:
    if MANIFEST not in members:
        raise _refused(f"{MANIFEST} is missing")
    with packed.open(members[MANIFEST]) as file:
        text = file.read(MANIFEST_BYTES + 1)
    if len(text) > MANIFEST_BYTES:
        raise _refused(f"{MANIFEST} is too large")
    said = json.loads(text)
    if not isinstance(said, dict) or said.get("format") != FORMAT or said.get("version") != VERSION:  # pyright: ignore[reportUnknownMemberType]
        raise _refused("it is of another kind or version")
    try:
        return Character.model_validate(said.get("character"))  # pyright: ignore[reportUnknownMemberType]
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise _refused(f"{where}: {first_said(error)}") from error


def _fit(files: list[Artefact], members: dict[str, zipfile.ZipInfo], max_bytes: int) -> None:
    wanted = {FILES + each.sha256: each.size_bytes for each in files}
    if set(members) != {MANIFEST, *wanted}:
        raise _refused("its files are not those that it lists")
    if any(members[name].file_size != size for name, size in wanted.items()):
        raise _refused("a file has another size than it lists")
    if sum(wanted.values()) > max_bytes:
        raise BadInput(
            f"the character's files have {sum(wanted.values()) / 1e6:.0f} MB together",
            remedy=f"{max_bytes / 1e6:.0f} MB are allowed.",
        )


def _unpack(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, wanted: Artefact, copy: Path) -> None:
    """Unpack one file, no byte more than it may have, and see that it is the one that is meant."""
    room = wanted.size_bytes
    with packed.open(entry) as source, copy.open("wb") as target:
        while block := source.read(min(BLOCK_BYTES, room + 1)):
            room -= len(block)
            if room < 0:
                raise _refused("a file is larger than it says")
            target.write(block)
    if _hash(copy) != wanted.sha256:
        raise _refused("a file was changed on its way")


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hash_file(file)


def _refused(why: str) -> BadInput:
    return BadInput(
        f"this is no character's file, or it is broken: {why}",
        remedy="Export the character again, and choose that file.",
    )
