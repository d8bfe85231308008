"""The one place that starts ffmpeg: a list of arguments in, progress out, stopped with its children."""

import os
import re
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, TypeAlias

import imageio_ffmpeg

from studio.errors import MissingWeights, ToolFailed

Check: TypeAlias = Callable[[], None]
"""Raises `Cancelled` when the user pressed Stop."""

POLL_S = 0.1
GRACE_S = 1.0
LAST_LINES = 12
LINE_CHARS = 400
OLDEST = (5, 1)  # -fps_mode came with 5.1


def unchecked() -> None:
    """Never stop: for callers that have no stop button."""


def find_ffmpeg() -> Path:
    """Return the ffmpeg to use: UNDERSTUDY_FFMPEG, else the one on PATH, else the bundled one.

    One on PATH that is older than 5.1 is passed over.

    Raises:
        MissingWeights: if there is none.
    """
    wanted = os.environ.get("UNDERSTUDY_FFMPEG", "")
    if wanted:
        found = shutil.which(wanted)
        if found is None:
            raise MissingWeights(
                f"UNDERSTUDY_FFMPEG names {wanted}, which is no program",
                remedy="Give it the path of an ffmpeg, or unset it to use the bundled one.",
            )
        return Path(found)
    found = shutil.which("ffmpeg")
    if found is not None and _is_recent(found, Path(found).stat().st_mtime_ns):
        return Path(found)
    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise MissingWeights(
            "there is no ffmpeg", remedy="Run pip install imageio-ffmpeg, or apt install ffmpeg."
        ) from error


def run_ffmpeg(
    args: Sequence[str],
    *,
    check: Check = unchecked,
    on_seconds: Callable[[float], None] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run ffmpeg to its end; every input may open files and pipes, nothing else.

    Args:
        args: Arguments without the program; `-i` only through `Media.as_input` or with an
            explicit `-f`, so that the content cannot choose a demuxer that opens other files.
        check: Called ten times a second; when it raises, ffmpeg is killed.
        on_seconds: Told how many seconds of output are written.
        cwd: Folder to run in.

    Raises:
        ToolFailed: if ffmpeg ends with an error; the last lines of what it said are in it.
    """
    command = [str(find_ffmpeg()), "-nostdin", "-hide_banner", "-loglevel", "error", "-y"]
    command += ["-progress", "pipe:1", "-stats_period", "0.25"]
    for arg in args:
        if arg == "-i":
            command += ["-protocol_whitelist", "file,pipe"]
        command.append(arg)

    def read(line: str) -> None:
        name, _, value = line.partition("=")
        if on_seconds is not None and name == "out_time_us" and value.lstrip("-").isdigit():
            on_seconds(max(0.0, int(value) / 1e6))

    follow_program(command, check=check, on_line=read, cwd=cwd)


def follow_program(
    command: Sequence[str],
    *,
    check: Check = unchecked,
    on_line: Callable[[str], None] | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
) -> None:
    """Run a program line by line; its process group ends with this call, whatever happens.

    Raises:
        ToolFailed: if it ends with an error.
    """
    with subprocess.Popen(
        list(command),
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env=None if env is None else dict(env),
        start_new_session=True,
    ) as process:
        lines: SimpleQueue[str] = SimpleQueue()
        said: deque[str] = deque(maxlen=LAST_LINES)
        with ThreadPoolExecutor(3) as readers:
            try:
                readers.submit(_read, process.stdout, lines.put)
                readers.submit(_read, process.stderr, said.append)
                readers.submit(_write, process.stdin, stdin)
                _wait(process, check, lines, on_line)
            finally:
                kill_group(process)
        for line in _waiting(lines):
            if on_line is not None:
                on_line(line)
    if process.returncode:
        raise ToolFailed(_complaint(command, process.returncode, said))


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children: asked first, killed after a second."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None and how is signal.SIGTERM:
            break
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
            break
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # children that outlived their parent


def _wait(
    process: subprocess.Popen[bytes],
    check: Check,
    lines: SimpleQueue[str],
    on_line: Callable[[str], None] | None,
) -> None:
    while process.poll() is None:
        check()
        for line in _waiting(lines):
            if on_line is not None:
                on_line(line)
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL_S)


def _waiting(lines: SimpleQueue[str]) -> Iterator[str]:
    with suppress(Empty):
        while True:
            yield lines.get_nowait()


def _read(pipe: IO[bytes] | None, put: Callable[[str], None]) -> None:
    if pipe is None:
        return
    while block := pipe.readline(1 << 16):  # bounded: a line without an end must not eat memory
        put(block.decode("utf-8", "replace").strip()[: 1 << 16])


def _write(pipe: IO[bytes] | None, text: str) -> None:
    if pipe is None:
        return
    with suppress(BrokenPipeError), pipe:
        pipe.write(text.encode())


def _complaint(command: Sequence[str], code: int, said: Sequence[str]) -> str:
    shown = " ".join(part if len(part) < 60 else part[:57] + "…" for part in command[1:])
    last = " | ".join(line[:LINE_CHARS] for line in said if line)
    return f"{Path(command[0]).name} stopped with code {code}: {last or 'no word'} (asked: {shown[:LINE_CHARS]})"


@cache
def _is_recent(program: str, _modified_ns: int) -> bool:
    """Ask a program for its version, once until it is another file."""
    try:
        done = subprocess.run(
            [program, "-version"], capture_output=True, timeout=10, check=True, text=True
        )
    except (OSError, subprocess.SubprocessError):
        return False
    version = re.search(r"ffmpeg version n?(\d+)\.(\d+)", done.stdout)
    return version is None or (int(version[1]), int(version[2])) >= OLDEST
