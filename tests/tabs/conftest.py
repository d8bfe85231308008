"""A live studio of its own for the tests that need one."""

import contextlib
import math
import os
import socket
import struct
import time
import urllib.request
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client

from tests import hub as hubs
from tests.forked import start_script
from tests.tabs.quieter import HELD

ROOT = Path(__file__).parents[2]
READY_S = 90  # on a busy machine; `test_start` measures
ANSWER_S = 30  # so too; a client of Gradio's has five seconds' patience


@dataclass(frozen=True)
class Site:
    url: str
    data: Path
    pid: int

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep jobs of the test workflow from being done, meanwhile."""
        held = hold(self.data)
        try:
            yield
        finally:
            held.unlink()


def hold(data: Path) -> Path:
    """Let no job of the test workflow be done on that data folder while the returned file is there."""
    held = data.with_suffix(HELD)
    held.touch()
    return held


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=ANSWER_S) as answer:  # noqa: S310 - our own server
        return answer.read()


def client_of(url: str, **settings: Any) -> Client:
    return Client(url, verbose=False, httpx_kwargs={"timeout": ANSWER_S}, **settings)


@contextlib.contextmanager
def serve(data: Path, port: int = 0, **environment: str):
    """Run the studio with the test workflow in a process of its own."""
    port = port or free_port()
    known = {name: value for name, value in os.environ.items() if "UNDERSTUDY" not in name}
    log = data.with_suffix(".log")
    process = start_script(
        "tests.tabs.site",
        [str(data), str(port)],
        cwd=ROOT,
        env={**known, "UNDERSTUDY_OFFLINE": "1", **environment},
        said=(log, log),
        fresh="SPACE_ID" in environment,  # Gradio looks for it when it is imported
    )
    site = Site(f"http://127.0.0.1:{port}", data, process.pid)
    try:
        for _ in range(READY_S * 5):
            with contextlib.suppress(OSError):
                get(f"{site.url}/health")
                break
            assert process.is_alive(), log.read_text()
            time.sleep(0.2)
        yield site
    finally:
        process.terminate()
        process.join(20)
        process.kill()
        process.join()


@pytest.fixture(scope="session")
def site(tmp_path_factory, request):
    data = tmp_path_factory.mktemp("site") / "data"
    if any(each.get_closest_marker("browser") for each in request.session.items):  # they dub it
        request.getfixturevalue("heard_sample")(data)
    with serve(data) as running:
        yield running


@pytest.fixture(scope="session")
def guarded_site(tmp_path_factory):
    """A studio in which two people have a login."""
    folder = tmp_path_factory.mktemp("guarded") / "data"
    with serve(folder, UNDERSTUDY_AUTH="ann:a-long-word,bob:another-word") as running:
        yield running


@pytest.fixture(scope="session")
def client(site):
    return client_of(site.url)


@pytest.fixture(scope="session")
def ann_and_bob(guarded_site):
    """The two people's clients."""
    people = (("ann", "a-long-word"), ("bob", "another-word"))
    return [client_of(guarded_site.url, auth=each) for each in people]


def make_sound(path: Path, seconds: int = 6, pitch: float = 5.0) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        samples = (int(9000 * math.sin(i / pitch)) for i in range(8000 * seconds))
        file.writeframes(b"".join(struct.pack("<h", each) for each in samples))
    return path


@pytest.fixture
def sound(tmp_path):
    return make_sound(tmp_path / "beep.wav")


@pytest.fixture
def hub():
    """A small hub that holds one voice."""
    with hubs.running() as running:
        running.repos["own/voice"] = {"voice.bin": b"seven weights" * 5000}
        yield running


def fetching_from(hub, folder):
    """Return the environment of a studio that may fetch from that hub alone."""
    return {
        "UNDERSTUDY_OFFLINE": "0",
        "HF_HUB_OFFLINE": "0",
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(folder / "hf"),
    }
