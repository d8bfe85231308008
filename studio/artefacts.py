"""Files by content: what a step made is stored under its sha256 and never changes."""

import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from studio.errors import NotFound, StorageFailed

BLOCK_BYTES = 1 << 20
SHA256 = re.compile(r"[0-9a-f]{64}")
PART = ".part-"  # begins the name of a folder in which a file is being written


@dataclass(frozen=True, slots=True)
class Artefact:
    """A stored file. Two artefacts are the same if their bytes are; the name is for people."""

    sha256: str
    media_type: str  # IANA, "audio/flac"
    size_bytes: int
    name: str = field(default="", compare=False)  # file name to show and to export


@dataclass(frozen=True, slots=True)
class Store:
    """The folder of artefacts: `cas/ab/<sha256>`, filled through `tmp/`, read only through `path`."""

    root: Path

    def path(self, artefact: Artefact) -> Path:
        """Return where the bytes are.

        Raises:
            NotFound: if they are not here (any more).
        """
        path = self._place(artefact.sha256)
        if not path.is_file():
            raise NotFound(
                f"the file {artefact.name or artefact.sha256[:12]} is no longer stored",
                remedy="Run the job again to make it anew.",
            )
        return path

    def has(self, artefact: Artefact) -> bool:
        """Tell whether the bytes are here, whole."""
        path = self._place(artefact.sha256)
        return path.is_file() and path.stat().st_size == artefact.size_bytes

    def keep(self, path: Path, media_type: str, name: str = "") -> Artefact:
        """Move a finished file into the store; it is flushed before it gets its name.

        Raises:
            StorageFailed: if the disk is full or the folder cannot be written.
        """
        with storage_errors(self.root):
            with path.open("rb") as file:
                digest = hash_file(file)
                os.fsync(file.fileno())
            artefact = Artefact(digest, media_type, path.stat().st_size, name or path.name)
            place = self._place(digest)
            if self.has(artefact) and _touch(place):
                path.unlink()
                return artefact
            place.parent.mkdir(parents=True, exist_ok=True)
            path.chmod(0o444)
            path.replace(place)
            _flush_folder(place.parent)
        return artefact

    def take_in(self, path: Path, media_type: str, name: str = "") -> Artefact:
        """Copy a file of the user into the store; the original is left alone.

        Raises:
            StorageFailed: if the disk is full or the folder cannot be written.
        """
        with storage_errors(self.root), self.scratch("upload") as folder:
            copy = folder / "upload"
            shutil.copyfile(path, copy)
            return self.keep(copy, media_type, name or path.name)

    @contextmanager
    def scratch(self, purpose: str) -> Generator[Path, None, None]:
        """Lend an empty folder on the store's own disk; it is gone afterwards, whatever happens."""
        with storage_errors(self.root):
            base = self.root / "tmp"
            base.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=base))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _place(self, sha256: str) -> Path:
        """Return the place of a hash; whoever calls the API may write anything for one."""
        if not SHA256.fullmatch(sha256):
            raise NotFound(f"{sha256[:80]!r} names no stored file", remedy="Choose the file again.")
        return self.root / "cas" / sha256[:2] / sha256


@contextmanager
def new_file(target: Path) -> Generator[Path, None, None]:
    """Lend a path of the same name on the same disk; what is written there becomes `target`.

    Nobody ever sees half of it, nothing is left of a block that fails, and of several writers at
    once the last one's file stays, whole.

    Args:
        target: where the file shall be; its folder is made.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=PART, dir=target.parent))
    try:
        yield folder / target.name
        (folder / target.name).replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def hash_file(file: BinaryIO) -> str:
    """Return the sha256 of the rest of `file`, in hex."""
    digest = hashlib.sha256()
    while block := file.read(BLOCK_BYTES):
        digest.update(block)
    return digest.hexdigest()


@contextmanager
def storage_errors(folder: Path) -> Generator[None, None, None]:
    """Turn the operating system's refusals to write into sentences.

    Raises:
        StorageFailed: disk full, quota, read-only, or no permission.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, StorageFailed):
            raise
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFailed(
                f"the disk of {folder} is full",
                remedy="Free some space (Engine Room, or ./run.sh doctor), then resume the job.",
            ) from error
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}:
            raise StorageFailed(
                f"{folder} cannot be written ({error.strerror})",
                remedy="Give this user the right to write there, or set UNDERSTUDY_DATA_DIR.",
            ) from error
        raise


def _touch(path: Path) -> bool:
    """Tell the collector that the file is used; False if it was quicker and took it."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
