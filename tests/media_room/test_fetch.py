import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.addresses import check_url, is_public
from media.fetch import ROOT, FetchLimits, fetch_link
from media.fetch_child import Guard
from media.probe import probe
from studio.errors import BadInput, Cancelled, LimitReached
from tests.clock import keeps
from tests.media import shared

PAGE = b'<html><title>A talk</title><video src="/made_talk_4shots.mp4"></video></html>'
HLS = b"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n"


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A web server with a film, a page, a redirect and worse; and who asked for what."""
    folder = shared("video/made_talk_4shots.mp4").parent
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, directory=str(folder), **kwargs)  # type: ignore[arg-type]

        def do_GET(self) -> None:
            asked.append(self.path)
            if self.path == "/slow":
                self.send_response(200)
                self.send_header("Content-Type", "video/mp4")
                self.end_headers()
                time.sleep(5)
            elif self.path == "/redirect":
                self.send_response(302)
                self.send_header("Location", "/made_talk_4shots.mp4")
                self.end_headers()
            elif self.path in {"/page", "/list.m3u8"}:
                body = PAGE if self.path == "/page" else HLS
                kind = "text/html" if self.path == "/page" else "application/vnd.apple.mpegurl"
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            else:
                super().do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

        def copyfile(self, source: object, outputfile: object) -> None:
            with suppress(ConnectionError):  # the client saw enough
                super().copyfile(source, outputfile)  # type: ignore[arg-type,type-var]

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()


@pytest.mark.parametrize("path", ["/made_talk_4shots.mp4", "/redirect", "/page"])
def test_a_film_comes_whole(server: tuple[str, list[str]], tmp_path: Path, path: str) -> None:
    told: list[tuple[int, int]] = []
    file = fetch_link(
        server[0] + path, tmp_path, allow_private=True, progress=lambda *at: told.append(at)
    )
    assert file.read_bytes() == shared("video/made_talk_4shots.mp4").read_bytes()
    assert file == tmp_path / ("A_talk_1.mp4" if path == "/page" else "made_talk_4shots.mp4")
    assert probe(file).duration_s == pytest.approx(12.0)
    assert told[-1][0] == file.stat().st_size >> 10


def test_loopback_is_refused_and_never_asked(server: tuple[str, list[str]], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no public address"):
        fetch_link(server[0] + "/made_talk_4shots.mp4", tmp_path)
    assert server[1] == []


def test_offline_nothing_is_asked(
    server: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_OFFLINE", "1")
    with pytest.raises(BadInput, match="offline"):
        fetch_link(server[0] + "/made_talk_4shots.mp4", tmp_path, allow_private=True)
    assert server[1] == []


def test_the_process_itself_refuses_too(server: tuple[str, list[str]], tmp_path: Path) -> None:
    """What a redirect or a second answer of the name server would lead to."""
    request = {
        "url": server[0] + "/redirect",
        "folder": str(tmp_path),
        "size_bytes": 1 << 20,
        "duration_s": 60.0,
        "height_px": 360,
        "allow_private": False,
    }
    done = subprocess.run(
        [sys.executable, "-P", "-m", "media.fetch_child"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 2
    assert "127.0.0.1, which is no public address" in done.stdout
    assert server[1] == []


@pytest.mark.parametrize(
    ("path", "words"),
    [("/none.mp4", "404"), ("/made_talk_4shots.srt", "text"), ("/list.m3u8", "could not")],
)
def test_what_is_no_film_is_said_in_one_sentence(
    server: tuple[str, list[str]], tmp_path: Path, path: str, words: str
) -> None:
    with pytest.raises(BadInput) as caught:
        fetch_link(server[0] + path, tmp_path, allow_private=True)
    assert words in caught.value.sentence
    assert "\n" not in caught.value.sentence
    assert "Traceback" not in caught.value.sentence


def test_limits_of_size_length_and_time(server: tuple[str, list[str]], tmp_path: Path) -> None:
    film = server[0] + "/made_talk_4shots.mp4"
    for limits in (FetchLimits(size_bytes=100_000), FetchLimits(duration_s=5.0)):
        folder = tmp_path / str(limits.size_bytes)
        folder.mkdir()
        with pytest.raises(LimitReached):
            fetch_link(film, folder, limits, allow_private=True)
    with pytest.raises(LimitReached, match="took longer"):
        fetch_link(server[0] + "/slow", tmp_path, FetchLimits(timeout_s=1.5), allow_private=True)


def test_stop(server: tuple[str, list[str]], tmp_path: Path) -> None:
    stopped_s: list[float] = []

    def stop() -> None:
        if "/slow" in server[1]:
            stopped_s.append(time.monotonic())
            raise Cancelled("stopped")

    def once() -> float:
        server[1].clear()
        with pytest.raises(Cancelled):
            fetch_link(server[0] + "/slow", tmp_path, allow_private=True, check=stop)
        return time.monotonic() - stopped_s[-1]

    keeps(2.0, once)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "file:///etc/passwd",
            "ftp://example.org/a",
            "ytsearch:cats",
            "/etc/passwd",
            "",
            "http://",
        ),
        *("http://user:secret@example.org/", "http://localhost/", "http://127.1/", "http://0/"),
        *("http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://2130706433/", "http://0x7f.1/"),
        *("http://169.254.169.254/latest/meta-data", "http://192.168.0.1/", "http://[fe80::1]/"),
        *("http://a b.org/", "http://exa\nmple.org/", "http://example.org:99999/"),
        "http://" + "a" * 5000,
    ],
)
def test_links_that_are_refused(url: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_url(url)
    assert "secret" not in caught.value.sentence


def test_public_addresses() -> None:
    for address in ("1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::1.1.1.1"):
        assert is_public(address)
    for address in (
        *("0.0.0.1", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.1.1", "172.16.0.1"),
        *("192.0.2.1", "192.168.1.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fc00::1", "fe80::1", "fe80::1%eth0", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1", "localhost", ""),
    ):
        assert not is_public(address), address


@settings(deadline=None)
@given(st.ip_addresses(v=4))
def test_an_address_in_disguise_is_as_public_as_itself(address: object) -> None:
    assert (
        is_public(f"::ffff:{address}")
        == is_public(str(address))
        == is_public(f"64:ff9b::{address}")
    )


def test_the_guard_starts_no_programs_and_no_other_sockets() -> None:
    guard = Guard(allow_private=False)
    guard("socket.connect", (None, ("1.1.1.1", 443)))
    guard("subprocess.Popen", ("/usr/bin/deno", ["deno"], None, None))
    guard("open", ("x", "r", 0))
    for event, args in [
        ("socket.connect", (None, ("10.0.0.1", 80))),
        ("socket.connect", (None, ("localhost", 80))),
        ("socket.connect", (None, "/run/docker.sock")),
        ("socket.sendto", (None, ("127.0.0.1", 53))),
        ("subprocess.Popen", ("ffmpeg", ["ffmpeg"], None, None)),
        ("os.system", (b"true",)),
    ]:
        with pytest.raises(PermissionError):
            guard(event, args)
