"""Fish Speech against a small server of the test's own, in all the ways a server can be."""

import base64
import io
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import soundfile

from engines import catalog
from engines.roles import OWN, Reference
from engines.speech.fish import Fish
from media.audio import Audio
from studio.errors import BadInput, Cancelled, MissingWeights, ToolFailed

RATE_HZ = 44_100


def wav(seconds: float, rate_hz: int = RATE_HZ) -> bytes:
    tone = np.sin(np.arange(round(seconds * rate_hz)) / 40) * 0.3
    box = io.BytesIO()
    soundfile.write(box, tone, rate_hz, format="WAV")
    return box.getvalue()


class Server(ThreadingHTTPServer):
    """Answers in the way that `mood` says, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.mood, self.asked, self.headers = "good", [], []
        self.released = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, asked))
        self.server.headers.append(dict(self.headers))
        mood = self.server.mood
        if mood == "hang up":
            self.connection.close()
            return
        if mood == "slow":
            self.server.released.wait(90)
        body = {"good": wav(0.2 + 0.02 * len(asked["text"])), "garbage": b"<html>hello</html>"}.get(
            mood, b'{"message": "CUDA out of memory"}' if mood == "error" else wav(0.5)
        )
        self.send_response(500 if mood == "error" else 302 if mood == "elsewhere" else 200)
        if mood == "elsewhere":
            self.send_header("Location", "http://example.org/")
        length = len(body) + (1000 if mood == "half" else 0)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server():
    made = Server()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.released.set()
    made.shutdown()
    made.server_close()


def say(engine, text="Good evening, my friends.", **options):
    return engine.speak(text, OWN, "en", 1.0, 5, **options).audio


def test_a_line_is_asked_for_and_heard(server):
    model = Reference(Audio(np.full((1, 48_000 * 15), 0.1, np.float32), 48_000), "what I said")
    audio = say(Fish(url=server.url), reference=model)
    assert audio.sample_rate_hz == RATE_HZ and audio.channels == 1
    assert audio.duration_s == pytest.approx(0.2 + 0.02 * 25, abs=0.02)
    path, asked = server.asked[0]
    assert path == "/v1/tts"
    assert (asked["text"], asked["seed"], asked["format"]) == (
        "Good evening, my friends.",
        5,
        "wav",
    )
    (sent,) = asked["references"]
    heard, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(sent["audio"])))
    assert sent["text"] == "what I said" and rate_hz == RATE_HZ
    assert len(heard) == 12 * RATE_HZ


def test_without_a_reference_none_is_sent_and_a_key_is(server, monkeypatch):
    monkeypatch.setenv("UNDERSTUDY_FISH_KEY", "sesame")
    say(Fish(url=server.url))
    assert server.asked[0][1]["references"] == []
    assert server.headers[0]["Authorization"] == "Bearer sesame"


def test_a_long_line_is_asked_for_in_pieces(server):
    say(Fish(url=server.url), "Quite a long sentence that goes on. " * 30)
    texts = [asked["text"] for _, asked in server.asked]
    assert len(texts) == 3 and all(len(each) <= 500 for each in texts)


@pytest.mark.parametrize(
    ("mood", "told"),
    [
        ("error", "500.*out of memory"),
        ("garbage", "no sound"),
        ("hang up", "did not answer"),
        ("half", "did not answer"),
        ("elsewhere", "302"),
    ],
)
def test_a_bad_answer_is_told(server, mood, told):
    server.mood = mood
    with pytest.raises(ToolFailed, match=told) as caught:
        say(Fish(url=server.url))
    assert caught.value.remedy


def test_a_slow_server_is_given_up(server):
    server.mood = "slow"
    with pytest.raises(ToolFailed, match="did not answer"):
        say(Fish(url=server.url, timeout_s=0.5))


def test_the_stop_button_works_while_it_computes(server):
    server.mood = "slow"
    began, calls = time.monotonic(), []

    def stop(done, total):
        calls.append(done)
        if len(calls) > 2:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        say(Fish(url=server.url, timeout_s=80), progress=stop)
    assert time.monotonic() - began < 30


def test_no_server_says_how_to_start_one(server):
    url = server.url
    server.shutdown()
    server.server_close()
    with pytest.raises(MissingWeights, match="no Fish Speech server") as caught:
        say(Fish(url=url))
    assert "UNDERSTUDY_FISH_URL" in caught.value.remedy


def test_the_address_may_be_set_and_offline_stays_on_this_machine(server, monkeypatch):
    monkeypatch.setenv("UNDERSTUDY_FISH_URL", server.url)
    monkeypatch.setenv("UNDERSTUDY_OFFLINE", "1")
    assert say(catalog.entry("fish-speech").build()).duration_s > 0.1
    monkeypatch.setenv("UNDERSTUDY_FISH_URL", "http://fish.example.org:8080")
    with pytest.raises(MissingWeights, match="offline"):
        say(catalog.entry("fish-speech").build())
    for odd in ("ftp://127.0.0.1", "file:///etc/passwd", "http://", "http://a:99999"):
        monkeypatch.setenv("UNDERSTUDY_FISH_URL", odd)
        with pytest.raises(BadInput, match="no address"):
            say(catalog.entry("fish-speech").build())


def test_only_what_it_can_is_asked(server):
    engine = Fish(url=server.url)
    for text, name, language, rate in (
        ("…", OWN, "en", 1.0),
        ("Hello.", "rms", "en", 1.0),
        ("Hello.", OWN, "xx", 1.0),
        ("Hello.", OWN, "en", 9.0),
    ):
        with pytest.raises(BadInput):
            engine.speak(text, name, language, rate, 0)
    assert not server.asked
