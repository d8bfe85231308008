"""A language model behind an address that the user set: the chat completions protocol.

Spoken by llama.cpp, Ollama, vLLM, LM Studio and most services. Nothing but that address is asked, no
redirect is followed, and nothing at all when the studio is offline.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from engines.chat import BEAT_S, Message, without_thoughts
from media.addresses import without_login
from studio.errors import BadInput, MissingWeights, ToolFailed
from studio.settings import load_settings

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 8 << 20
LONGEST_WAIT_S = 30.0
AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
REFUSED = frozenset({401, 403})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a server sent back, or why nothing came."""

    status: int = 0  # 0: no answer
    body: bytes = b""
    wait_s: float = 0.0  # as it asked
    failure: str = ""


class EndpointChat:
    """Asks a server, and again a few times where it is busy or breaks off.

    Args:
        base_url: such as "http://localhost:11434/v1".
        model: as the server calls it.
        timeout_s: for one whole answer.
        tries: at most, for one question.
        pause_s: before the second try; doubled for each one more.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        timeout_s: float = 180.0,
        tries: int = 4,
        pause_s: float = 1.0,
    ) -> None:
        self._url, self._model = base_url.rstrip("/"), model
        self._shown_url = without_login(self._url)
        self._timeout_s, self._tries, self._pause_s = timeout_s, tries, pause_s
        self._holds_to_schema = True

    def reply(
        self,
        messages: Sequence[Message],
        check: Callable[[], None],
        *,
        most_tokens: int,
        schema: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the model's answer. See `engines.chat.Chat`.

        Raises:
            BadInput: if the address or the key is refused.
            MissingWeights: if no server is set, or the studio is offline.
            ToolFailed: if the server gives no answer that can be used.
        """
        self._must_be_allowed()
        asked: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": each.role, "content": each.text} for each in messages],
            "temperature": 0,
            "max_tokens": most_tokens,
            "stream": False,
        }
        if schema is not None and self._holds_to_schema:
            form = {"name": "answer", "strict": True, "schema": schema}
            told = self._asked({**asked, "response_format": _form(form)}, check)
            if told.status not in {400, 422}:
                return self._content(told)
            self._holds_to_schema = False  # it does not know schemas: the words must do
        return self._content(self._asked(asked, check))

    def _must_be_allowed(self) -> None:
        if not self._url or not self._model:
            raise MissingWeights(
                "no language model's server is set",
                remedy="Set UNDERSTUDY_LLM_URL and UNDERSTUDY_LLM_MODEL.",
            )
        if load_settings().offline:
            raise MissingWeights(
                "the studio is offline, so it asks no language model's server",
                remedy="Unset UNDERSTUDY_OFFLINE, or choose a translator that works on this machine.",
            )
        parts = urlsplit(self._url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise BadInput(
                f"the language model's address {self._shown_url!r} cannot be used",
                remedy="Set UNDERSTUDY_LLM_URL to one like http://localhost:11434/v1",
            )

    def _asked(self, body: Mapping[str, Any], check: Callable[[], None]) -> _Answer:
        """Ask until there is an answer that another try would not change."""
        answer = _Answer()
        for attempt in range(self._tries):
            if attempt:
                _pause(max(answer.wait_s, self._pause_s * 2 ** (attempt - 1)), check)
            answer = self._once(body, check)
            if answer.status and answer.status not in AGAIN:
                return answer
        why = answer.failure or f"it answers {answer.status}{_said(answer.body)}"
        raise ToolFailed(
            f"the language model's server at {self._shown_url} gave no answer in {self._tries} tries: {why}",
            remedy="See whether it runs and has room, then start the job again.",
        )

    def _once(self, body: Mapping[str, Any], check: Callable[[], None]) -> _Answer:
        """Ask once, beside this thread, which looks at the stop button meanwhile."""
        import httpx  # noqa: PLC0415 - slow to import

        ends_s = time.monotonic() + self._timeout_s
        is_near = urlsplit(self._url).hostname in LOOPBACK
        client = httpx.Client(timeout=self._timeout_s, trust_env=not is_near)
        pool = ThreadPoolExecutor(1, thread_name_prefix="endpoint")
        try:
            coming = pool.submit(self._send, client, body, ends_s)
            while True:
                check()
                try:
                    return coming.result(timeout=BEAT_S)
                except NotYet:
                    if time.monotonic() > ends_s:
                        return _late(self._timeout_s)
        finally:
            client.close()  # ends what is still under way
            pool.shutdown(wait=False, cancel_futures=True)

    def _send(self, client: "httpx.Client", body: Mapping[str, Any], ends_s: float) -> _Answer:
        import httpx  # noqa: PLC0415 - slow to import

        key = load_settings().llm_key.get_secret_value()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        url, got = f"{self._url}/chat/completions", bytearray()
        try:
            with client.stream("POST", url, json=dict(body), headers=headers) as answer:
                for piece in answer.iter_bytes():
                    got += piece
                    if len(got) > MOST_BYTES:
                        return _Answer(failure=f"it sends more than {MOST_BYTES >> 20} MB")
                    if time.monotonic() > ends_s:
                        return _late(self._timeout_s)
                wait_s = _seconds(answer.headers.get("retry-after", ""))
                return _Answer(answer.status_code, bytes(got), wait_s)
        except httpx.TimeoutException:
            return _late(self._timeout_s)
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError, UnicodeError) as error:
            return _Answer(failure=_sentence(str(error)) or type(error).__name__)

    def _content(self, answer: _Answer) -> str:
        if answer.status in REFUSED:
            raise BadInput(
                f"the language model's server at {self._shown_url} refuses the key ({answer.status})",
                remedy="Set UNDERSTUDY_LLM_KEY to one that it takes.",
            )
        if answer.status != 200:
            raise ToolFailed(
                f"the language model's server at {self._shown_url} answers {answer.status}"
                f"{_said(answer.body)}",
                remedy=f"See whether it has the model {self._model!r}.",
            )
        try:
            content: Any = json.loads(answer.body)["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError, RecursionError):
            content = None
        if not isinstance(content, str):
            raise ToolFailed(
                f"what the server at {self._shown_url} answers is no chat completion",
                remedy="See whether UNDERSTUDY_LLM_URL ends as its documents say, mostly in /v1",
            )
        return without_thoughts(content)


def _form(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": schema}


def _late(timeout_s: float) -> _Answer:
    return _Answer(failure=f"it took longer than {timeout_s:g} s")


def _seconds(text: str) -> float:
    """Return what Retry-After says, if it is a number; 0 otherwise."""
    return min(float(text), LONGEST_WAIT_S) if text.strip().isdecimal() else 0.0


def _pause(seconds: float, check: Callable[[], None]) -> None:
    ends_s = time.monotonic() + seconds
    while (left_s := ends_s - time.monotonic()) > 0:
        check()
        time.sleep(min(BEAT_S, left_s))


def _said(body: bytes) -> str:
    """Return what an error page says, in brackets; empty if that is nothing."""
    text = body.decode("utf-8", "replace")
    try:
        error: Any = json.loads(text)
        while isinstance(error, dict):
            known = cast("Mapping[str, Any]", error)
            error = known.get("error", known.get("message", ""))
        text = str(error) or text
    except (ValueError, RecursionError):
        pass
    return f" ({_sentence(text)})" if text.strip() else ""


def _sentence(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text[:400]).split())[:200]
