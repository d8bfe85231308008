"""A video from a link, by yt-dlp in a process of its own that may reach public addresses alone."""

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from media.addresses import check_url
from media.probe import Limits, MediaInfo, longest_s, probe
from media.tools import Check, follow_program, run_ffmpeg, unchecked
from studio.errors import BadInput, LimitReached, ToolFailed
from studio.progress import Progress, silent
from studio.settings import load_settings

ROOT = Path(__file__).parents[1]
UPLOAD = "Check the link in a browser, or download the file yourself and upload it here."


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What a link may bring at most."""

    size_bytes: int = 4 << 30
    duration_s: float = 6 * 3600.0
    height_px: int = 1080
    timeout_s: float = 3600.0


def fetch_link(
    url: str,
    folder: Path,
    limits: FetchLimits | None = None,
    *,
    check: Check = unchecked,
    progress: Progress = silent,
    allow_private: bool = False,
) -> Path:
    """Download the one video or sound behind a link.

    No playlists, live streams, cookies, configuration files, plug-ins, helper programs or proxies.
    Redirects, too, are followed to public addresses alone.

    Args:
        url: An http or https address.
        folder: An empty folder to put it in.
        limits: What it may be at most; by default as long as the settings allow.
        check: Called several times a second.
        progress: Told the kilobytes done and in all (0, 0 while that is unknown).
        allow_private: Let it lead into private networks; for tests.

    Raises:
        BadInput: if the studio is offline, the link cannot be fetched, or it leads to something else
            than one medium.
        LimitReached: if it is larger or longer than `limits`.
    """
    if load_settings().offline:
        raise BadInput(
            "the studio is set to stay offline, so no link is fetched",
            remedy="Upload the file, or unset UNDERSTUDY_OFFLINE.",
        )
    limits = limits or FetchLimits(duration_s=longest_s())
    url = check_url(url, allow_private=allow_private)
    loading = _Loading(folder, limits, progress, check)
    request = {
        "url": url,
        "folder": str(folder.absolute()),
        "size_bytes": limits.size_bytes,
        "duration_s": limits.duration_s,
        "height_px": limits.height_px,
        "allow_private": allow_private,
    }
    try:
        follow_program(
            [sys.executable, "-P", "-m", "media.fetch_child"],
            check=loading.check,
            on_line=loading.read,
            env=_environment(folder),
            stdin=json.dumps(request),
        )
    except ToolFailed as error:
        raise BadInput(
            f"the link could not be fetched: {loading.problem or error}", remedy=UPLOAD
        ) from error
    return _joined(folder, limits, check)


@dataclass
class _Loading:
    """What the downloading process says, and how long it may."""

    folder: Path
    limits: FetchLimits
    progress: Progress
    stop: Check
    problem: str = ""
    begun_s: float = 0.0

    def read(self, line: str) -> None:
        """Take one line: a JSON object."""
        try:
            said = json.loads(line)
        except ValueError:
            return
        match said:
            case {"done_bytes": int(done), "total_bytes": int(total)}:
                self.progress(done >> 10, max(done, total) >> 10)
            case {"limit": str(sentence)}:
                raise LimitReached(sentence, remedy="Give a shorter or smaller one.")
            case {"problem": str(sentence)}:
                self.problem = sentence
            case _:
                pass

    def check(self) -> None:
        """Stop where the user, the clock or the size says so."""
        self.stop()
        now_s = time.monotonic()
        self.begun_s = self.begun_s or now_s
        if now_s - self.begun_s > self.limits.timeout_s:
            raise LimitReached(
                f"the link took longer than {self.limits.timeout_s:.0f} s", remedy=UPLOAD
            )
        size = sum(map(_size_bytes, _files(self.folder)))
        if size > self.limits.size_bytes:
            raise LimitReached(
                f"the link brings more than {self.limits.size_bytes} bytes",
                remedy="Give a shorter or smaller one.",
            )


def _environment(folder: Path) -> dict[str, str]:
    """Return the little that the downloader may know of this machine."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    home = str(folder.absolute())
    own = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
    return {**kept, **own, "HOME": home, "XDG_CONFIG_HOME": home, "YTDLP_NO_PLUGINS": "1"}


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_file() and not path.is_symlink()]


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # the process renames what is whole
        return 0


def _joined(folder: Path, limits: FetchLimits, check: Check) -> Path:
    """Return the file that came; picture and sound that came apart are put into one."""
    most = Limits(duration_s=limits.duration_s, size_bytes=limits.size_bytes)
    found = [probe(path, limits=most, check=check) for path in _files(folder)]
    pictures = [info for info in found if info.video is not None]
    sounds = [info for info in found if info.video is None]
    if not found:
        raise BadInput("the link leads to no video and no sound", remedy=UPLOAD)
    if not (pictures and sounds) or pictures[0].audios:
        whole = (pictures or sounds)[0].path
        return whole.rename(whole.with_name(_titled(whole, whole.suffix)))
    return _pair(pictures[0], sounds[0], check)


def _pair(picture: MediaInfo, sound: MediaInfo, check: Check) -> Path:
    out = picture.path.with_name(_titled(picture.path, ".mkv"))
    args = [*picture.as_input(), *sound.as_input(), "-map", "0:v:0", "-map", "1:a:0"]
    run_ffmpeg([*args, "-c", "copy", "-f", "matroska", f"file:{out.absolute()}"], check=check)
    for path in (picture.path, sound.path):
        path.unlink()
    return out


def _titled(path: Path, suffix: str) -> str:
    """Return the name that people should see: the process puts the format's after a tilde."""
    title = path.stem.rpartition("~")[0].removesuffix(suffix)
    return (title or "video") + suffix
