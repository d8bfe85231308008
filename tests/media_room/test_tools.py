import os
import signal
import sys
import time
from pathlib import Path

import pytest

from media.tools import find_ffmpeg, follow_program, run_ffmpeg
from studio.errors import Cancelled, MissingWeights, ToolFailed
from tests.clock import keeps

TONE = ["-f", "lavfi", "-i", "sine=duration=3"]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # before, or while it is read
        return False


def test_the_setting_wins_and_must_be_right(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = find_ffmpeg()
    monkeypatch.setenv("UNDERSTUDY_FFMPEG", str(usual))
    assert find_ffmpeg() == usual
    monkeypatch.setenv("UNDERSTUDY_FFMPEG", "/nowhere/ffmpeg")
    with pytest.raises(MissingWeights, match="/nowhere/ffmpeg"):
        find_ffmpeg()


def test_without_one_on_path_the_bundled_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNDERSTUDY_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", "")
    assert "imageio_ffmpeg" in str(find_ffmpeg())


def test_an_old_one_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "ffmpeg"
    old.write_text("#!/bin/sh\necho ffmpeg version 4.4.2-0ubuntu0\n")
    old.chmod(0o755)
    monkeypatch.delenv("UNDERSTUDY_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_ffmpeg() != old
    old.write_text("#!/bin/sh\necho ffmpeg version 6.1\n")
    os.utime(old, (0, 0))  # another one, however coarse the clock of the file system is
    assert find_ffmpeg() == old


def test_tells_the_seconds(tmp_path: Path) -> None:
    seen: list[float] = []
    run_ffmpeg([*TONE, f"file:{tmp_path}/a.flac"], on_seconds=seen.append)
    assert seen[-1] == pytest.approx(3.0, abs=0.1)


def test_a_failure_says_command_code_and_last_words(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match=r"ffmpeg\S* stopped with code \d+: .*No such file"):
        run_ffmpeg(["-f", "wav", "-i", f"file:{tmp_path}/none.wav", f"file:{tmp_path}/a.flac"])


def test_no_protocol_but_files_and_pipes(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match=r"(?i)whitelist|not found|invalid"):
        run_ffmpeg(["-f", "wav", "-i", "http://127.0.0.1:9/a.wav", f"file:{tmp_path}/a.flac"])


def test_stop_kills_the_program_and_its_children_within_two_seconds(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    script = (
        "import os,subprocess,sys,time,signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        f"open({str(note)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "time.sleep(60)\n"
    )

    stopped_s: list[float] = []

    def stop() -> None:
        if note.exists() and len(note.read_text().split()) == 2:
            stopped_s.append(time.monotonic())
            raise Cancelled("stopped")

    def once() -> float:
        note.unlink(missing_ok=True)
        with pytest.raises(Cancelled):
            follow_program([sys.executable, "-c", script], check=stop)
        took_s = time.monotonic() - stopped_s[-1]
        deadline_s = time.monotonic() + 30
        while any(is_alive(int(pid)) for pid in note.read_text().split()):
            assert time.monotonic() < deadline_s
            time.sleep(0.02)
        return took_s

    keeps(2.0, once)


def test_endless_words_are_bounded() -> None:
    script = "import sys; sys.stderr.write('x' * 5_000_000); sys.exit(3)"
    with pytest.raises(ToolFailed, match="code 3") as caught:
        follow_program([sys.executable, "-c", script])
    assert len(str(caught.value)) < 10_000


def test_a_program_that_is_killed_is_a_failure() -> None:
    script = f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})"
    with pytest.raises(ToolFailed, match="code -11"):
        follow_program([sys.executable, "-c", script])
