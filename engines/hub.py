"""Fetches weights from a hub into its own cache: resumed, checked, and never twice at once.

The hub's library tells what a repository holds and how to ask for it. The bytes are taken here, since
its own download starts anew after a stop (each try has a temporary file of its own since version 1.14),
and looks for the stop button every 10 MB only. What is written is what it would have written: blobs
named by their hash, then links from the snapshot; those last, so that a snapshot is whole or not there.
"""

import errno
import hashlib
import logging
import os
import queue
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from engines.weights import PARTIAL, UNKNOWN, Weights, cache_dir, folder, held, is_offline, repo_dir
from media.addresses import without_login
from studio.artefacts import storage_errors
from studio.errors import LicenceRefused, MissingWeights, StorageFailed
from studio.lock import waiting_lock
from studio.progress import Progress

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

LOG = logging.getLogger(__name__)
PUBLIC = "https://huggingface.co"
LOOK_S = 0.2  # how often the stop button is looked at
TELL_S = 0.5
ANSWER_S = 15.0  # a hub that says nothing for so long is not there
TRIES = 5  # in a row, without a byte
SPARE_BYTES = 500_000_000  # stays free beside a download
GIVE_BACK_BYTES = 64_000_000  # of a download that filled the disk: what is beside it must go on
BLOCK_BYTES = 1 << 20
ALL_HERE = 416  # HTTP: nothing lies behind the place that was asked for
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file to fetch."""

    path: str  # inside the repository
    bytes: int
    digest: str  # sha256 (64 hex digits), git's sha1 of a blob (40), or "" where none is known
    blob: str  # its name in the cache: what the hub calls its ETag


@dataclass(slots=True)
class Tally:
    """How far a download is; reports not too often."""

    total: int
    progress: Progress
    check: Callable[[], None]
    done: int = 0
    _told_s: float = field(default=0.0, init=False)

    def add(self, count: int) -> None:
        """So many bytes more (or less) are here."""
        self.done += count
        self.look()

    def look(self) -> None:
        """Report and look at the stop button."""
        self.check()
        if time.monotonic() - self._told_s >= TELL_S:
            self._told_s = time.monotonic()
            self.progress(min(self.done, self.total), self.total)


def download(weights: Weights, progress: Progress, check: Callable[[], None]) -> Path:
    """Fetch what is not here of `weights` and those beside them; return their folder.

    The environment is read now, not when a library was imported: `HF_ENDPOINT` (a mirror), `HF_TOKEN`,
    `HF_HOME`, `HF_HUB_CACHE`, `HF_HUB_OFFLINE`. Two processes that want the same fetch it once. Where
    the preset knows no revision, the commit that was taken is written down as the hub's library does.

    Args:
        weights: what an engine's preset says.
        progress: bytes here, of all.
        check: raises `Cancelled` to stop; what was fetched stays, and is gone on from.

    Raises:
        LicenceRefused: if terms must be accepted first, and were not by this token's owner.
        MissingWeights: if the hub refuses, does not answer, has other files, or gives wrong bytes.
        StorageFailed: if the disk is too small or the cache cannot be written.
        Cancelled: (of `check`).
    """
    absent = [each for each in weights.parts() if held(each).state != "present"]
    if absent and is_offline():
        raise MissingWeights(
            f"{absent[0].repo} is not on this machine, and the studio is set to stay offline",
            remedy="Unset UNDERSTUDY_OFFLINE and HF_HUB_OFFLINE, or bring the hub's cache folder here.",
        )
    sizes = {each.repo: held(each).bytes for each in absent}
    before = 0
    for each in absent:

        def tell(done: int, total: int, repo: str = each.repo, before: int = before) -> None:
            sizes[repo] = total
            progress(before + done, sum(sizes.values()))

        _fetch_once(each, tell, check)
        before += sizes[each.repo]
    return folder(weights)


def size_bytes(weights: Weights) -> int:
    """Ask the hub how large `weights` are, where their preset does not say.

    Raises:
        LicenceRefused, MissingWeights: as `download`.
    """
    return sum(file.bytes for each in weights.parts() for file in _wanted(each, _ask(each)))


def _fetch_once(weights: Weights, progress: Progress, check: Callable[[], None]) -> None:
    """Fetch one repository, unless another process does so meanwhile."""
    lock = cache_dir() / ".locks" / repo_dir(weights).name / "understudy.lock"
    with waiting_lock(lock, check):
        if held(weights).state != "present":
            _fetch(weights, progress, check)


def _fetch(weights: Weights, progress: Progress, check: Callable[[], None]) -> None:
    info = _ask(weights)
    check()
    files, place = _wanted(weights, info), repo_dir(weights)
    blobs = place / "blobs"
    tally = Tally(sum(each.bytes for each in files), progress, check)
    with storage_errors(place):
        blobs.mkdir(parents=True, exist_ok=True)
        _check_room(files, blobs)
        for each in files:
            _fetch_file(weights, str(info.sha), each, tally)
        for each in files:
            _link(place / "snapshots" / str(info.sha) / each.path, blobs / each.blob)
        if weights.revision == UNKNOWN:
            _write_ref(place / "refs" / "main", str(info.sha))
    progress(tally.total, tally.total)
    LOG.info("fetched %s at %s", weights.repo, info.sha)


# -- what the hub says -------------------------------------------------------------------------


def endpoint() -> str:
    """Return the hub's address as it is set now."""
    return (os.environ.get("HF_ENDPOINT") or PUBLIC).rstrip("/")


def _shown() -> str:
    """Return the hub's address for messages."""
    return without_login(endpoint())


def _token() -> str | bool:
    from huggingface_hub import get_token  # noqa: PLC0415 - half a second

    return get_token() or False


def _ask(weights: Weights) -> "ModelInfo":
    from huggingface_hub import HfApi  # noqa: PLC0415 - half a second
    from huggingface_hub.errors import HTTPError  # pyright: ignore[reportPrivateImportUsage] # noqa: PLC0415

    revision = None if weights.revision == UNKNOWN else weights.revision
    api = HfApi(endpoint=endpoint(), token=_token())
    try:
        return api.model_info(
            weights.repo, revision=revision, files_metadata=True, timeout=ANSWER_S
        )
    except (HTTPError, OSError, ValueError) as error:
        raise _refusal(weights, error) from error


def _wanted(weights: Weights, info: "ModelInfo") -> list[Wanted]:
    """Return the files to fetch, as the preset and the hub agree on them.

    Raises:
        MissingWeights: if they do not agree.
    """
    there = {each.rfilename: each for each in info.siblings or ()}
    named = {each.path: each for each in weights.files}
    found: list[Wanted] = []
    for path in named or there:
        if path not in there:
            raise _other_than_expected(weights, f"has no file {path!r}")
        if path.startswith("/") or ".." in path.split("/"):
            raise _other_than_expected(weights, f"has a file {path!r} outside its folder")
        each, expected = _described(there[path]), named.get(path)
        if expected and expected.bytes and each.bytes and expected.bytes != each.bytes:
            what = f"has {path!r} with {each.bytes} bytes instead of {expected.bytes}"
            raise _other_than_expected(weights, what)
        known = expected.sha256 if expected and expected.sha256 != UNKNOWN else ""
        if known and len(each.digest) == 64 and known != each.digest:
            raise _other_than_expected(weights, f"has another {path!r}, by its checksum")
        size = each.bytes or (expected.bytes if expected else 0)
        found.append(Wanted(path, size, known or each.digest, each.blob))
    return found


def _described(there: "RepoSibling") -> Wanted:
    size = there.size or (there.lfs.size if there.lfs else 0) or 0
    digest = there.lfs.sha256 if there.lfs else there.blob_id or ""
    name = digest or hashlib.sha256(there.rfilename.encode()).hexdigest()
    return Wanted(there.rfilename, size, digest, name)


def _other_than_expected(weights: Weights, what: str) -> MissingWeights:
    return MissingWeights(
        f"{weights.repo} at {_shown()} {what}: it is not what the preset was written for",
        remedy="Tell the studio's makers, or correct the preset in presets/engines/.",
    )


def _refusal(weights: Weights, error: Exception) -> MissingWeights | LicenceRefused:
    """Return the sentence for what the hub answered, or for its silence."""
    from huggingface_hub import errors  # noqa: PLC0415 - half a second

    repo, where = weights.repo, _shown()
    if isinstance(error, errors.GatedRepoError):
        return LicenceRefused(
            f"{repo} is gated: its authors ask you to accept their terms first",
            remedy=f"Log in, accept them at {where}/{repo}, make a token that may read at "
            f"{where}/settings/tokens, and set HF_TOKEN to it.",
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return _other_than_expected(weights, f"has no revision {weights.revision}")
    if isinstance(error, errors.RepositoryNotFoundError):
        return MissingWeights(
            f"there is no repository {repo} at {where}, or it is private",
            remedy="If it is yours, set HF_TOKEN to a token that may read it.",
        )
    status = _status(error)
    if status in {401, 403}:
        return MissingWeights(
            f"{where} does not accept the token for {repo} (HTTP {status})",
            remedy=f"Make one that may read at {where}/settings/tokens, and set HF_TOKEN to it.",
        )
    said = (
        f"HTTP {status}" if status else " ".join(str(error).split())[:160] or type(error).__name__
    )
    return MissingWeights(
        f"{repo} cannot be fetched from {where} ({said})",
        remedy="Look at the network, or set HF_ENDPOINT to a mirror; what was fetched is kept.",
    )


# -- the bytes ---------------------------------------------------------------------------------


def _check_room(files: Sequence[Wanted], blobs: Path) -> None:
    """Refuse to begin what the disk cannot take.

    Raises:
        StorageFailed: with what is needed and what is free.
    """
    rest = sum(each.bytes for each in files if not (blobs / each.blob).is_file())
    rest -= sum(_length(blobs / f"{each.blob}{PARTIAL}") for each in files)
    free = shutil.disk_usage(blobs).free
    if rest + SPARE_BYTES > free:
        raise StorageFailed(
            f"{max(0, rest) / 1e9:.1f} GB are to be fetched into {cache_dir()}, and {free / 1e9:.1f} GB are free",
            remedy=f"Free some space ({SPARE_BYTES / 1e9:.1f} GB stay free beside it), or set HF_HOME to a larger disk.",
        )


def _fetch_file(weights: Weights, commit: str, wanted: Wanted, tally: Tally) -> None:
    from huggingface_hub import hf_hub_url  # noqa: PLC0415 - half a second

    blob = repo_dir(weights) / "blobs" / wanted.blob
    if _length(blob) == wanted.bytes and blob.is_file():
        tally.add(wanted.bytes)
        return
    partial = blob.with_name(f"{blob.name}{PARTIAL}")
    url = hf_hub_url(weights.repo, wanted.path, revision=commit, endpoint=endpoint())
    with FileIO(partial, "a+") as file:  # unbuffered: a full disk is told at once, and only once
        try:
            whole = _take(weights, url, wanted, file, tally)
        except OSError as error:
            if error.errno in FULL:
                file.truncate(max(0, _length(partial) - GIVE_BACK_BYTES))
                raise StorageFailed(
                    f"the disk of {cache_dir()} filled up while {weights.repo} was fetched",
                    remedy="Free some space, or set HF_HOME to a larger disk; then start again: it goes on.",
                ) from error
            raise
        os.fsync(file.fileno())
    if not whole:
        partial.unlink()
        raise MissingWeights(
            f"{wanted.path} of {weights.repo} came with wrong bytes from {_shown()}: it was deleted",
            remedy="Start again; if it stays wrong, take another HF_ENDPOINT, or tell its authors.",
        )
    partial.replace(blob)


def _take(weights: Weights, url: str, wanted: Wanted, file: FileIO, tally: Tally) -> bool:
    """Append what is missing of a file; tell whether it is what it should be.

    Raises:
        LicenceRefused, MissingWeights: if the hub refuses, or breaks off again and again.
    """
    _forget_excess(file, wanted)
    tally.add(_end(file))
    tries = 0
    while not wanted.bytes or _end(file) < wanted.bytes:
        before = _end(file)
        error = _stream(url, file, tally)
        if before and _status(error) == ALL_HERE:  # of a size that nobody told: begin anew
            file.truncate(0)
            tally.add(-before)
            continue
        if error is None and (not wanted.bytes or _end(file) >= wanted.bytes):
            break
        if _is_final(error):
            raise _refusal(weights, error or OSError("it broke off")) from error
        tries = 0 if _end(file) > before else tries + 1
        if tries >= TRIES:
            raise _refusal(weights, error or OSError("it breaks off")) from error
        LOG.info("%s broke off at %d bytes: %s", wanted.path, _end(file), error)
        _pause(1.0, tally)
    return _is_right(file, wanted, tally)


def _stream(url: str, file: FileIO, tally: Tally) -> Exception | None:
    """Append what the hub sends from where the file ends; return what went wrong on the way.

    The network is read in a thread of its own: a connection that stalls cannot keep anybody from stopping.
    """
    pieces: queue.Queue[bytes | int | Exception | None] = queue.Queue(maxsize=64)
    gone = Event()
    start = _end(file)
    reader = Thread(target=_read, args=(url, start, pieces, gone), name="fetch", daemon=True)
    reader.start()
    try:
        while True:
            try:
                piece = pieces.get(timeout=LOOK_S)
            except queue.Empty:
                tally.look()
                if not reader.is_alive() and pieces.empty():
                    return OSError("the connection was lost")
                continue
            if piece is None or isinstance(piece, Exception):
                return piece
            if isinstance(piece, int):  # the status: 200 sends all of it, whatever was asked
                if piece == 200 and start:
                    file.truncate(0)
                    tally.add(-start)
                continue
            written = 0
            while written < len(piece):
                written += file.write(piece[written:])
            tally.add(len(piece))
    finally:
        gone.set()


def _read(url: str, start: int, pieces: "queue.Queue[Any]", gone: Event) -> None:
    """Put the status, the bytes, and at the end None or the error into `pieces`."""
    from huggingface_hub.errors import HTTPError  # pyright: ignore[reportPrivateImportUsage] # noqa: PLC0415
    from huggingface_hub.utils import (  # noqa: PLC0415 - half a second
        build_hf_headers,  # pyright: ignore[reportUnknownVariableType]
        get_session,
        hf_raise_for_status,
    )

    def put(piece: Any) -> bool:
        while not gone.is_set():
            with suppress(queue.Full):
                pieces.put(piece, timeout=LOOK_S)
                return True
        return False

    headers: Mapping[str, str] = {
        **build_hf_headers(token=_token()),
        "Accept-Encoding": "identity",  # else a range counts other bytes than the file has
        **({"Range": f"bytes={start}-"} if start else {}),
    }
    try:
        with get_session().stream("GET", url, headers=headers, timeout=ANSWER_S) as answer:
            hf_raise_for_status(answer)
            put(answer.status_code)
            for piece in answer.iter_bytes():
                if not put(piece):
                    return
        put(None)
    except (HTTPError, OSError, ValueError) as error:
        put(error)


def _is_final(error: Exception | None) -> bool:
    """Tell whether trying again is of no use: the hub answered, and said no."""
    status = _status(error)
    return 400 <= status < 500 and status not in {408, 429}


def _status(error: Exception | None) -> int:
    """Return the HTTP status of an answer that was an error; 0 where there was no answer."""
    return getattr(getattr(error, "response", None), "status_code", 0)


def _is_right(file: FileIO, wanted: Wanted, tally: Tally) -> bool:
    """Tell whether length and checksum are what is known of them."""
    size = _end(file)
    if wanted.bytes and size != wanted.bytes:
        return False
    if not wanted.digest:
        return True
    if len(wanted.digest) == 64:
        digest = hashlib.sha256()
    else:  # what git calls a file's id
        digest = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    file.seek(0)
    while block := file.read(BLOCK_BYTES):
        digest.update(block)
        tally.look()
    return digest.hexdigest() == wanted.digest


def _forget_excess(file: FileIO, wanted: Wanted) -> None:
    if wanted.bytes and _end(file) > wanted.bytes:
        file.truncate(0)


def _pause(seconds: float, tally: Tally) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        tally.look()
        time.sleep(LOOK_S)


def _end(file: FileIO) -> int:
    return file.seek(0, os.SEEK_END)


def _length(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _link(name: Path, blob: Path) -> None:
    """Give a blob its name in the snapshot; a copy where links are not to be had."""
    name.parent.mkdir(parents=True, exist_ok=True)
    fresh = name.with_name(f".{name.name}.new")
    fresh.unlink(missing_ok=True)
    try:
        fresh.symlink_to(os.path.relpath(blob, name.parent))
    except OSError:
        shutil.copyfile(blob, fresh)
    fresh.replace(name)


def _write_ref(ref: Path, commit: str) -> None:
    ref.parent.mkdir(parents=True, exist_ok=True)
    fresh = ref.with_name(f"{ref.name}.new")
    fresh.write_text(commit, encoding="ascii")
    fresh.replace(ref)
