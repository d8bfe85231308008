"""Files in and out: what a user names is stored, what a job made is put where the user wants it."""

import filecmp
import mimetypes
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from studio.artefacts import Artefact, Store, new_file, storage_errors
from studio.errors import BadInput

MB = 1_000_000


def take_in(store: Store, path: Path, max_mb: int) -> Artefact:
    """Store a file that the user named.

    Raises:
        BadInput: if it is missing, too large, not a file, or cannot be read.
        StorageFailed: if the disk is full or the data folder cannot be written.
    """
    shown = str(path)
    try:
        if path.is_dir():
            raise BadInput(f"{shown!r} is a folder", remedy="Name a file in it.")
        if not path.exists():
            raise BadInput(f"there is no file {shown!r}", remedy="Check the path.")
        if not path.is_file():  # a pipe or a device never ends
            raise BadInput(f"{shown!r} is not an ordinary file", remedy="Save it as a file first.")
        size_mb = path.stat().st_size / MB
        path.open("rb").close()
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        if isinstance(error, BadInput):
            raise
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise BadInput(f"{shown!r} cannot be read ({why})", remedy="Check the path.") from error
    if size_mb > max_mb:
        raise BadInput(
            f"{shown!r} has {size_mb:.0f} MB, and {max_mb} MB are allowed",
            remedy="Shorten it, or raise UNDERSTUDY_MAX_UPLOAD_MB.",
        )
    name = path.name.encode(errors="replace").decode()  # a name need not be valid text
    guessed = mimetypes.guess_type(name)[0]
    return store.take_in(path, guessed or "application/octet-stream", name)


def make_folder(folder: Path) -> None:
    """Make the folder for results, and see that it can be written.

    Raises:
        BadInput: if it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise BadInput(
            f"the folder {str(folder)!r} cannot be made ({why})", remedy="Choose another --output."
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BadInput(
            f"the folder {str(folder)!r} cannot be written", remedy="Choose another --output."
        )


def hand_out(files: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """Copy results into `folder`; return field name -> where each is now.

    A file that is there already is kept: where its content is the same it is that result, else
    the new one gets a number. Copies, not links: who edits a result must not change the store.

    Raises:
        StorageFailed: if the disk is full or the folder cannot be written.
    """
    placed: dict[str, Path] = {}
    with storage_errors(folder):
        for field, source in files.items():
            placed[field] = _copy(source, folder)
    return placed


def _copy(source: Path, folder: Path) -> Path:
    target, count = folder / source.name, 1
    while os.path.lexists(target):
        if target.is_file() and filecmp.cmp(source, target, shallow=False):
            return target
        count += 1
        target = folder / f"{source.stem}-{count}{source.suffix}"
    with new_file(target) as part:
        shutil.copyfile(source, part)
    return target
