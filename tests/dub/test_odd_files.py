"""Every odd file through the command line: a result, or one clear sentence; never a traceback."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.forked import run_script
from tests.media import SHARED

ROOT = Path(__file__).parents[2]
LONGEST_S = 150  # 60 are promised on a machine that has nothing else to do
ODD = sorted(SHARED.glob("odd/*")) if SHARED.exists() else []
HOSTILE = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\nfile:///etc/passwd\n",
    "list.ffconcat": "ffconcat version 1.0\nfile /etc/passwd\n",
    "picture.svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n",
    "playlist.mp4": "#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/x.ts\n",
}


def dub(path: Path, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run `app.py dub` on a file."""
    env = {**os.environ, "UNDERSTUDY_DATA_DIR": str(folder / "data"), "OMP_NUM_THREADS": "1"}
    command = ["dub", f"--video={path}", "--target-language", "es"]
    command += ["--output", str(folder / "out"), *more]
    return run_script(ROOT / "app.py", command, cwd=folder, env=env, timeout_s=LONGEST_S)


def refused(ran: subprocess.CompletedProcess[str]) -> str:
    """Return the one sentence with which a file was refused."""
    assert "Traceback" not in ran.stderr
    assert ran.returncode == 2, ran.stderr[-600:]
    sentence = ran.stderr.strip().splitlines()[-1]
    assert len(sentence) > 20 and sentence.endswith((".", "!", ")"))
    return sentence


@pytest.mark.skipif(not ODD, reason=f"the shared test media are not here: {SHARED}")
@pytest.mark.slow
@pytest.mark.parametrize("path", ODD, ids=lambda path: path.name)
def test_an_odd_file_ends_in_a_result_or_a_sentence(path: Path, tmp_path: Path) -> None:
    ran = dub(path, tmp_path)
    assert "Traceback" not in ran.stderr
    if ran.returncode == 0:
        told = json.loads(ran.stdout.strip().splitlines()[-1])
        assert told["state"] == "done"
        assert Path(told["artefacts"]["video"]).stat().st_size > 0
    else:
        refused(ran)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_points_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(HOSTILE[name])
    sentence = refused(dub(path, tmp_path))
    assert "root:" not in sentence


@pytest.mark.parametrize("name", ["-rf.mp4", "a'b\"c.mp4", "line\nbreak.mp4", "日本 ñ.mp4"])
def test_a_strange_name_is_no_option_and_no_command(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"")
    assert "empty" in refused(dub(path, tmp_path)).lower()
