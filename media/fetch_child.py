"""The process that downloads: reads one request, guards itself, runs yt-dlp, says how it goes.

Its guard is an audit hook of the interpreter, which no later code can take away: whatever a page
redirects to, a connection to anything but a public address fails, and no program can be started
(but deno, which yt-dlp runs scripts in, shut off from disk and network).
"""

import json
import resource
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from media.addresses import is_public
from studio.errors import StudioError

SOCKET_TIMEOUT_S = 20
MEMORY_BYTES = 1 << 30
PROGRAMS = frozenset({"deno"})
STARTING = frozenset(
    {"os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn"}
)
NAME_CHARS = 100


class Refused(StudioError):
    """What came is more than is allowed."""


class Guard:
    """What this process may do; remembers what it refused."""

    def __init__(self, *, allow_private: bool) -> None:
        self.allow_private = allow_private
        self.refused = ""

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """Look at what the interpreter is about to do."""
        if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
            self._connect(args[1])
        elif event == "subprocess.Popen":
            program = Path(str(args[0] or args[1][0])).name
            if program not in PROGRAMS:
                raise PermissionError(f"starting {program} is not allowed here")
        elif event in STARTING:
            raise PermissionError(f"{event} is not allowed here")

    def _connect(self, address: Any) -> None:
        parts = cast("Sequence[object]", address) if isinstance(address, tuple) else (address,)
        host = str(parts[0])
        if self.allow_private or is_public(host):
            return
        self.refused = host
        raise PermissionError(f"{host} is no public address")


class Quiet:
    """yt-dlp's log: nowhere."""

    def debug(self, message: str) -> None:
        """Hear what it does."""

    def warning(self, message: str) -> None:
        """Hear what it finds odd."""

    def error(self, message: str) -> None:
        """Hear what it raises anyway."""


def main() -> int:
    """Read the request from standard input, download, and answer in lines of JSON."""
    request: dict[str, Any] = json.load(sys.stdin)
    size = int(request["size_bytes"]) + (1 << 20)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    sys.modules["curl_cffi"] = None  # type: ignore[assignment] # it connects behind the guard's back
    from yt_dlp import YoutubeDL  # noqa: PLC0415 - before the guard, which must see all of it
    from yt_dlp.utils import YoutubeDLError  # noqa: PLC0415

    guard = Guard(allow_private=bool(request["allow_private"]))
    sys.addaudithook(guard)
    try:
        settings: Any = options(request)
        with YoutubeDL(settings) as loader:
            _download(loader, request)
    except Refused as error:
        _say(limit=str(error))
        return 2
    except (YoutubeDLError, OSError) as error:
        problem = f"it leads to {guard.refused}, which is no public address"
        _say(problem=problem if guard.refused else _plain(str(error)))
        return 2
    return 0


def options(request: dict[str, Any]) -> dict[str, Any]:
    """Return yt-dlp's settings: one medium, nothing run, nothing read from this machine."""
    height = int(request["height_px"])
    return {
        "format": f"(bv[height<=?{height}],ba)/b[height<=?{height}]/b/bv/ba",
        "outtmpl": {"default": f"%(title).{NAME_CHARS}B~%(format_id)s.%(ext)s"},
        "paths": {"home": request["folder"]},
        "restrictfilenames": True,
        "noplaylist": True,
        "playlist_items": "1:2",
        "extract_flat": "in_playlist",
        "hls_prefer_native": True,
        "external_downloader": {"default": "native"},
        "ffmpeg_location": "/nonexistent",
        "fixup": "never",
        "postprocessors": [],
        "cachedir": False,
        "proxy": "",
        "socket_timeout": SOCKET_TIMEOUT_S,
        "retries": 2,
        "fragment_retries": 2,
        "extractor_retries": 1,
        "skip_unavailable_fragments": False,
        "quiet": True,
        "no_warnings": True,
        "noprogress": True,
        "logger": Quiet(),
        "progress_hooks": [partial(_progress, int(request["size_bytes"]))],
    }


def _download(loader: Any, request: dict[str, Any]) -> None:
    info = loader.extract_info(request["url"], download=False, process=True)
    if info.get("_type") in {"playlist", "multi_video"}:
        entries = list(info.get("entries") or [])
        if len(entries) != 1:
            raise Refused(f"the link leads to a list of {len(entries) or 'no'} or more videos")
        info = loader.extract_info(entries[0]["url"], download=False)
    if info.get("is_live"):
        raise Refused("the link leads to a live stream")
    duration_s = info.get("duration") or 0.0
    if duration_s > request["duration_s"]:
        raise Refused(
            f"the video lasts {duration_s:.0f} s, more than the {request['duration_s']:.0f} s allowed"
        )
    known = sum(part.get("filesize") or 0 for part in info.get("requested_downloads") or [info])
    _within(known, int(request["size_bytes"]))
    loader.process_ie_result(info, download=True)


def _progress(size_bytes: int, status: dict[str, Any]) -> None:
    done = int(status.get("downloaded_bytes") or 0)
    total = int(status.get("total_bytes") or 0)
    _within(max(done, total), size_bytes)
    _say(done_bytes=done, total_bytes=total)


def _within(size: int, most: int) -> None:
    if size > most:
        raise Refused(f"the link brings {size} bytes, more than the {most} allowed")


def _plain(message: str) -> str:
    """Return yt-dlp's message without its decoration."""
    text = message.removeprefix("ERROR: ").split(" (caused by")[0].split("; please report")[0]
    return " ".join(text.split())[:300] or "yt-dlp gave no reason"


def _say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
