"""Fish Speech, spoken by a server that the user runs: its `/v1/tts`, asked over HTTP.

https://github.com/fishaudio/fish-speech (`tools/api_server.py`); code and weights are under the Fish
Audio Research License, so they are no part of this studio. The server is looked for on this machine
(http://127.0.0.1:8080) unless `UNDERSTUDY_FISH_URL` names another; a key that it asks for is given
in `UNDERSTUDY_FISH_KEY`. A studio that is set to stay offline asks a server on this machine only.
"""

import base64
import http.client
import io
import json
import os
from ipaddress import ip_address
from threading import Thread
from typing import Any
from urllib.parse import SplitResult, urlsplit

import soundfile

from engines.catalog import built_in, entry
from engines.roles import BuiltInVoice, Reference, Speech
from engines.speech.neural import bound_s, check_voice, sound, spoken_in_pieces
from engines.weights import is_offline
from media.audio import Audio
from studio.errors import BadInput, MissingWeights, ToolFailed
from studio.progress import Progress, silent

ID, TITLE = "fish-speech", "Fish Speech"
MOST_CHARACTERS = 500
REFERENCE_S, REFERENCE_RATE_HZ = 12.0, 44_100
MOST_BYTES = 64 * 1024 * 1024  # six minutes of 16-bit sound at 44.1 kHz, and to spare
TOKENS_A_SECOND = 22  # of sound
LOOK_S = 0.25  # how often the stop button is looked at while the server works


class Fish:
    """Clones a voice from some seconds, best with their words; no control of the rate."""

    def __init__(
        self,
        *,
        url: str = "http://127.0.0.1:8080",
        timeout_s: float = 180.0,
        temperature: float = 0.8,
    ) -> None:
        self._url = os.environ.get("UNDERSTUDY_FISH_URL") or url
        self._timeout_s, self._temperature = timeout_s, temperature

    def voices(self, language: str) -> tuple[BuiltInVoice, ...]:
        """Return its voices for `language`: the speaker's own."""
        return built_in(ID, language)

    def speak(
        self,
        text: str,
        voice: str,
        language: str,
        rate: float,
        seed: int,
        *,
        reference: Reference | None = None,
        progress: Progress = silent,
    ) -> Speech:
        """Speak one line in the voice of `reference`. See `engines.roles.Speaker`.

        Raises:
            MissingWeights: if no server answers, or it is elsewhere and the studio stays offline.
            ToolFailed: if the server answers with an error, or with what is no sound.
        """
        check_voice(TITLE, voice, language, entry(ID).languages, rate)

        def say(piece: str, index: int, total: int) -> Audio:
            asked = json.dumps(self._request(piece, seed, reference)).encode()
            call = _Call(_address(self._url), asked, self._timeout_s)
            return _decoded(call.answer(progress, index, total))

        return spoken_in_pieces(text, MOST_CHARACTERS, progress, say)

    def _request(self, text: str, seed: int, reference: Reference | None) -> dict[str, Any]:
        """Return the fields of the server's `ServeTTSRequest`."""
        asked: dict[str, Any] = {
            "text": text,
            "format": "wav",
            "seed": seed,
            "temperature": self._temperature,
            "max_new_tokens": round(bound_s(text) * TOKENS_A_SECOND),
            "normalize": False,  # the text is in its spoken form already
            "streaming": False,
            "references": [],
        }
        if reference is not None:
            model = reference.audio.mono().cut(0, REFERENCE_S).resampled(REFERENCE_RATE_HZ)
            wav = io.BytesIO()
            soundfile.write(wav, model.samples[0], REFERENCE_RATE_HZ, format="WAV")
            encoded = base64.b64encode(wav.getvalue()).decode("ascii")
            asked["references"] = [{"audio": encoded, "text": reference.text}]
        return asked


class _Call:
    """One question to the server, asked in a thread of its own so that it can be given up."""

    def __init__(self, address: SplitResult, asked: bytes, timeout_s: float) -> None:
        kind = (
            http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        )
        self._where = f"{address.scheme}://{address.netloc}"
        self._path = f"{address.path.rstrip('/')}/v1/tts"
        self._line = kind(address.hostname or "", address.port, timeout=timeout_s)
        self._asked, self._timeout_s = asked, timeout_s
        self._given = b""
        self._error: Exception | None = None

    def answer(self, progress: Progress, done: int, total: int) -> bytes:
        """Return the body of the answer; what `progress` raises gives the question up."""
        worker = Thread(target=self._ask, name="fish", daemon=True)
        worker.start()
        try:
            while worker.is_alive():
                worker.join(LOOK_S)
                progress(done, total)
        finally:
            self._line.close()
        if isinstance(self._error, ConnectionRefusedError):
            raise MissingWeights(
                f"no Fish Speech server answers at {self._where}",
                remedy="Start it (tools/api_server.py), or set UNDERSTUDY_FISH_URL to where it runs.",
            ) from self._error
        if isinstance(self._error, ToolFailed):
            raise self._error
        if self._error is not None:
            raise ToolFailed(
                f"the Fish Speech server at {self._where} did not answer: {self._error}",
                remedy="See its own log, then start the job again.",
            ) from self._error
        return self._given

    def _ask(self) -> None:
        headers = {"Content-Type": "application/json", "Accept": "audio/wav"}
        if key := os.environ.get("UNDERSTUDY_FISH_KEY"):
            headers["Authorization"] = f"Bearer {key}"
        try:
            self._line.request("POST", self._path, self._asked, headers)
            answer = self._line.getresponse()
            self._given = answer.read(MOST_BYTES + 1)
            if answer.length and len(self._given) <= MOST_BYTES:  # it hung up in the middle
                raise http.client.IncompleteRead(self._given, answer.length)
            if answer.status != http.client.OK:
                said = " ".join(self._given[:200].decode("utf-8", "replace").split())
                raise ToolFailed(  # noqa: TRY301 - raised again where it is waited for
                    f"the Fish Speech server answered {answer.status}: {said}",
                    remedy="See its own log, then start the job again.",
                )
        except (OSError, http.client.HTTPException, ToolFailed) as error:
            self._error = error


def _address(url: str) -> SplitResult:
    """Return the server's address.

    Raises:
        BadInput: if it is no http(s) address.
        MissingWeights: if it is another machine's, and the studio stays offline.
    """
    remedy = "Set UNDERSTUDY_FISH_URL to an address such as http://127.0.0.1:8080."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise BadInput(f"{url!r} is no address of a server ({error})", remedy=remedy) from error
    if parts.scheme not in {"http", "https"} or not host:
        raise BadInput(f"{url!r} is no address of a server", remedy=remedy)
    if is_offline() and not _is_here(host):
        raise MissingWeights(
            f"the Fish Speech server is at {host}, and the studio is set to stay offline",
            remedy="Run it on this machine, or unset UNDERSTUDY_OFFLINE and HF_HUB_OFFLINE.",
        )
    return parts


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _decoded(body: bytes) -> Audio:
    if len(body) > MOST_BYTES:
        raise ToolFailed("the Fish Speech server sent more sound than a line can be")
    try:
        frames, sample_rate_hz = soundfile.read(io.BytesIO(body), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, ValueError) as error:
        raise ToolFailed(
            f"the Fish Speech server sent {len(body)} bytes that are no sound",
            remedy="See its own log, then start the job again.",
        ) from error
    return sound(frames.mean(axis=1), int(sample_rate_hz))
