"""Translation by a language model's server: right lines, or one clear sentence."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from threading import Thread

import pytest

from engines import catalog
from engines.chat import Message
from engines.endpoint import EndpointChat
from engines.translation.llm import EndpointTranslator
from engines.writing.llm import EndpointWriter
from studio.errors import BadInput, Cancelled, MissingWeights, StudioError, ToolFailed
from studio.progress import silent
from studio.workflow import Need

TEXTS = ["We have 3 dogs.", "", "Where is the moon base?", "Come here, Anna!", "We have 4 dogs."]


def spoken(text):
    """Translate as the test's server does."""
    return f"Digo: {text}"


def lines(asked):
    return json.loads(asked["messages"][1]["content"])["lines"]


def answers(asked):
    return {
        each["id"]: {
            "source": each["text"],
            "short": each["text"],
            "normal": spoken(each["text"]),
            "long": f"Digo yo esto: {each['text']}",
        }
        for each in lines(asked)
        if "id" in each
    }


def good(asked):
    system, user = (each["content"] for each in asked["messages"])
    if "one line of a film" in system:
        return spoken(user)
    if "shorten" in system:
        return '{"shorter": ["Digo."]}'
    return json.dumps(answers(asked))


def shifted(asked):
    told = answers(asked)
    values = list(told.values())
    return json.dumps(dict(zip(told, values[1:] + values[:1], strict=True)))


def missing(asked):
    told = answers(asked)
    return json.dumps(dict(list(told.items())[:1]))


def without_numbers(asked):
    told = answers(asked)
    for each in told.values():
        each["normal"] = each["normal"].replace("3 ", "").replace("4 ", "")
    return json.dumps(told)


def twice(asked):
    id_, value = next(iter(answers(asked).items()))
    return f"{{{json.dumps(id_)}: {json.dumps(value)}, {json.dumps(id_)}: {json.dumps(value)}}}"


@dataclass
class Server:
    """Plays one reply after the other; the last one for ever."""

    replies: list
    asked: list = field(default_factory=list)
    headers: list = field(default_factory=list)
    url: str = ""

    def next(self):
        return self.replies[min(len(self.asked), len(self.replies)) - 1]


def made(reply, asked):
    """Return the status and the bytes of a reply: a number of status, seconds, a text, or a function."""
    if isinstance(reply, Callable):
        is_alone = "one line of a film" in asked["messages"][0]["content"]
        reply = good(asked) if is_alone else reply(asked)
    if isinstance(reply, float):
        time.sleep(reply)
    told = {"choices": [{"message": {"content": reply}}]}
    status, told = {
        int: lambda: (reply, {"error": {"message": f"no: {reply}"}}),
        tuple: lambda: reply,
        type(None): lambda: (0, b""),
    }.get(type(reply), lambda: (200, told))()
    return status, told if isinstance(told, bytes) else json.dumps(told).encode()


@pytest.fixture
def serve():
    running = []

    def start(*replies):
        server = Server(list(replies))

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.asked.append(json.loads(body))
                server.headers.append(self.headers)
                status, data = made(server.next(), server.asked[-1])
                if not status:
                    return  # hangs up
                self.send_response(status)
                self.send_header("Retry-After", "0")
                self.send_header("Location", f"{server.url}/elsewhere")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(data)

            def log_message(self, *args):
                pass

        http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
        running.append(http)
        server.url = f"http://127.0.0.1:{http.server_port}/v1"
        return server

    yield start
    for http in running:
        http.shutdown()
        http.server_close()


def translator(server, **more):
    settings = {"timeout_s": 60.0, "tries": 3, "pause_s": 0.01, **more}
    return EndpointTranslator(base_url=server.url, model="m", languages=("en", "es"), **settings)


def translate(server, texts=TEXTS, glossary=(), **more):
    return translator(server, **more).translate(texts, "en", "es", silent, glossary=glossary)


@pytest.mark.parametrize(
    "replies",
    [
        [good],
        [shifted, good],
        [shifted],  # for ever: each line is asked alone
        [missing, good],
        [without_numbers, good],
        [twice],
        ["no JSON at all", good],
        ['{"0": {"source": ', good],
        [lambda asked: f"<think>{{}}</think>```json\n{good(asked)}\n```"],
        [429, 500, good],
        [None, good],
        [(400, {"error": "response_format?"}), good],
    ],
    ids=range(12),
)
def test_every_line_is_its_own(serve, replies):
    server = serve(*replies)
    said = translate(server)
    assert [each.text for each in said] == [spoken(text) if text else "" for text in TEXTS]
    for text, each in zip(TEXTS, said, strict=True):
        assert set(each.shorter) <= {text} and all(text in long for long in each.longer)
    assert len(server.asked) < 12


def test_three_lengths_come_in_one_reply(serve):
    server = serve(good)
    said = translate(server)
    assert len(server.asked) == 1
    assert said[0].shorter == (TEXTS[0],) and said[0].longer == (f"Digo yo esto: {TEXTS[0]}",)
    form = server.asked[0]["response_format"]["json_schema"]["schema"]
    assert form["required"] == ["0", "2", "3", "4"]


def test_only_what_is_wrong_is_asked_again_with_its_neighbours(serve):
    texts = [f"This is the line of the {word}." for word in ("cat", "wolf", "elephant", "bee")] * 2
    texts = [f"{text} {i}" for i, text in enumerate(texts)]

    def but_the_third(asked):
        told = answers(asked)
        del told["2"]
        return json.dumps(told)

    server = serve(but_the_third, good)
    translate(server, texts)
    assert len(server.asked) == 2
    again = lines(server.asked[1])
    assert [each.get("id") for each in again] == [None, None, "2", None, None]
    assert again[0] == {"context": texts[0]}


def test_a_variant_that_loses_something_is_dropped(serve):
    def careless(asked):
        told = answers(asked)
        for each in told.values():
            each["short"], each["long"] = "Digo.", "Digo yo esto y nada más que esto, así es."
        return json.dumps(told)

    said = translate(serve(careless), [TEXTS[0], TEXTS[3]])
    assert [(each.shorter, each.longer) for each in said] == [((), ())] * 2


def test_a_term_of_the_glossary_is_asked_for_and_insisted_on(serve):
    def obedient(asked):
        return good(asked).replace("Digo: Where is the moon base?", "¿Y la base lunar?")

    server = serve(good, obedient)
    said = translate(server, glossary=(("moon base", "base lunar"), ("sun", "sol")))
    assert said[2].text == "¿Y la base lunar?"
    assert json.loads(server.asked[0]["messages"][1]["content"])["glossary"] == {
        "moon base": "base lunar"
    }


def test_what_is_never_kept_is_still_a_translation(serve):
    said = translate(serve(without_numbers))
    assert said[0].text == "Digo: We have dogs." and said[2].text == spoken(TEXTS[2])


@pytest.mark.parametrize(
    ("replies", "kind", "words"),
    [
        (["…"], ToolFailed, "no translation that can be used"),
        ([500], ToolFailed, "3 tries: it answers 500 \\(no: 500\\)"),
        ([429], ToolFailed, "answers 429"),
        ([None], ToolFailed, "no answer in 3 tries"),
        ([2.0], ToolFailed, "longer than 0.3 s"),
        ([401], BadInput, "refuses the key"),
        ([404], ToolFailed, "answers 404"),
        ([302], ToolFailed, "answers 302"),
        ([(200, b"\xff<html>")], ToolFailed, "no chat completion"),
        ([(200, {"choices": []})], ToolFailed, "no chat completion"),
        ([(200, b"[" * 100_000)], ToolFailed, "no chat completion"),
        ([(200, b"x" * (9 << 20))], ToolFailed, "more than 8 MB"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence(serve, replies, kind, words):
    server = serve(*replies)
    timeout_s = 0.3 if isinstance(replies[0], float) else 60.0
    with pytest.raises(kind, match=words) as caught:
        translate(server, timeout_s=timeout_s)
    assert isinstance(caught.value, StudioError) and caught.value.remedy
    assert "\n" not in caught.value.sentence and len(server.asked) < 40


def test_nobody_there_is_told():
    with pytest.raises(ToolFailed, match="no answer in 2 tries") as caught:
        translate(Server([], url="http://me:hidden@127.0.0.1:9/v1"), tries=2)
    assert (
        "http://127.0.0.1:9/v1" in caught.value.sentence and "hidden" not in caught.value.sentence
    )


@pytest.mark.parametrize("url", ["ftp://host/v1", "host", "file:///etc/passwd"])
def test_only_web_addresses_are_asked(url):
    with pytest.raises(BadInput, match="cannot be used"):
        translate(Server([], url=url))


def test_offline_asks_nothing(serve, monkeypatch):
    monkeypatch.setenv("UNDERSTUDY_OFFLINE", "1")
    server = serve(good)
    with pytest.raises(MissingWeights, match="offline"):
        translate(server)
    assert server.asked == []


def test_stops_while_the_server_thinks(serve):
    server, began_s = serve(90.0), time.monotonic()
    counts = chain([False, False], repeat(True))

    def stop(done, total):
        if next(counts):
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        translator(server, timeout_s=80.0).translate(TEXTS, "en", "es", stop)
    assert time.monotonic() - began_s < 30


def test_the_key_goes_to_the_server_and_into_no_identity(serve, monkeypatch):
    server = serve(good)
    monkeypatch.setenv("UNDERSTUDY_LLM_URL", server.url)
    monkeypatch.setenv("UNDERSTUDY_LLM_MODEL", "one")
    entry = catalog.entry("llm-endpoint")
    assert entry.missing() == ()
    first = entry.identity()
    monkeypatch.setenv("UNDERSTUDY_LLM_KEY", "secret")
    assert entry.identity() == first
    assert entry.build().translate(["Hello."], "en", "es", silent)[0].text == spoken("Hello.")
    assert server.headers[0]["Authorization"] == "Bearer secret"
    assert server.asked[0]["model"] == "one"
    monkeypatch.setenv("UNDERSTUDY_LLM_MODEL", "other")
    assert entry.identity() != first


def test_a_server_that_is_not_set_is_missing_with_its_remedy(monkeypatch):
    monkeypatch.delenv("UNDERSTUDY_LLM_URL", raising=False)
    lacking = catalog.entry("llm-endpoint").missing()
    assert "UNDERSTUDY_LLM_URL" in lacking[0].what and lacking[0].remedy
    with pytest.raises(MissingWeights, match="no language model's server"):
        EndpointChat("", "").reply([Message("user", "x")], lambda: None, most_tokens=1)


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ('{"shorter": ["Anna tiene 3 perros.", "Anna: 3 perros.", "Tiene perros."]}', 2),
        ('{"shorter": "Anna: 3."}', 0),
        ("no", 0),
        ('{"shorter": [1, null, "Pues mira, resulta que Anna tiene 3 perros en casa."]}', 0),
    ],
)
def test_the_writer_keeps_what_counts(serve, reply, found):
    writer = EndpointWriter(base_url=serve(reply).url, model="m", pause_s=0.01)
    shorter = writer.shorten("Pues mira, resulta que Anna tiene 3 perros.", "es")
    assert len(shorter) == found
    assert all("3" in each and "Anna" in each for each in shorter)


def test_the_dub_speaks_what_the_server_says(serve, tmp_path, monkeypatch):
    from tests.dub import studio as dub

    presets = tmp_path / "presets"
    (presets / "quality").mkdir(parents=True)
    (presets / "quality" / "draft.toml").write_text(
        '[engines]\nTranslator = ["llm-endpoint"]\nWriter = ["endpoint-writer"]\n'
    )
    monkeypatch.setenv("UNDERSTUDY_PRESETS_DIR", str(presets))
    monkeypatch.setenv("UNDERSTUDY_LLM_URL", serve(good).url)
    monkeypatch.setenv("UNDERSTUDY_LLM_MODEL", "m")
    (choice,) = catalog.choose([Need("Translator", "en", "es")], "draft")
    assert choice.engine is not None and choice.engine.id == "llm-endpoint"
    studio = dub.make(tmp_path / "data")
    film, said = dub.beginning(tmp_path)
    request = dub.ask(studio, video=film, subtitles=said, source_language="en", quality="draft")
    made = dub.sheet(studio, dub.run(studio, request))
    assert all(spoken(line.text) in {line.translation, spoken(line.text)} for line in made.lines)
    assert any(line.translation.startswith("Digo") for line in made.lines)
