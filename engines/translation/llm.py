"""Translation by a language model that follows instructions: three lengths of each line at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engines.chat import Chat, LocalChat
from engines.endpoint import EndpointChat
from engines.plain import one_line
from engines.roles import Translation
from engines.translation import protocol
from engines.translation.batched import all_pairs, unknown_pair
from engines.translation.protocol import Answer, Entry, Task
from studio.errors import ToolFailed
from studio.progress import Progress

if TYPE_CHECKING:
    import torch

ROUNDS = (20, 5, 1)  # entries that are asked together, first and again


class ChatTranslator:
    """Translates by any chat.

    Args:
        chat: the language model.
        languages: that it speaks well, ISO 639-1.
    """

    def __init__(self, chat: Chat, languages: Sequence[str]) -> None:
        self._chat, self._languages = chat, tuple(languages)

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Return every pair of its languages."""
        return all_pairs(self._languages)

    def translate(
        self,
        texts: Sequence[str],
        source: str,
        target: str,
        progress: Progress,
        *,
        glossary: Sequence[tuple[str, str]] = (),
        letters: Sequence[int] = (),
    ) -> tuple[Translation, ...]:
        """Translate some lines at once. See `engines.roles.Translator`.

        Raises:
            MissingWeights: if the model is not here.
            ToolFailed: if the model gives no answer, or none that is a translation.
        """
        if (source, target) not in all_pairs(self._languages):
            known = [f"en→{each}" for each in self._languages if each != "en"]
            raise unknown_pair("the language model", source, target, [*known, "and between them"])
        lines = [one_line(text) for text in texts]
        entries = [
            Entry(str(index), line, letters[index] if letters else 0)
            for index, line in enumerate(lines)
            if any(map(str.isalpha, line))
        ]
        progress(0, len(texts))
        talk = _Talk(self._chat, entries, Task(source, target, tuple(glossary)))
        found = talk.through(lambda: progress(len(talk.answers), len(texts)))
        if entries and not any(each.text for each in found.values()):
            raise ToolFailed(
                "the language model gave no translation that can be used",
                remedy="Choose another model, or another translator.",
            )
        progress(len(texts), len(texts))
        return tuple(found.get(str(i), Translation(line)) for i, line in enumerate(lines))


@dataclass(frozen=True, slots=True)
class _Talk:
    """The questions about one call's lines, and what was answered so far."""

    chat: Chat
    entries: Sequence[Entry]
    task: Task
    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])

    def through(self, check: Callable[[], None]) -> Mapping[str, Translation]:
        """Ask until every entry has an answer, but never for ever."""
        for size in ROUNDS:
            wrong = [each for each in self.entries if self._is_open(each)]
            for start in range(0, len(wrong), size):
                self._ask(wrong[start : start + size], check)
        found = {id_: each.translation for id_, each in self.answers.items()}
        for entry in self.entries:
            if entry.id not in found:
                found[entry.id] = self._ask_alone(entry, check)
        return found

    def _is_open(self, entry: Entry) -> bool:
        known = self.answers.get(entry.id)
        return known is None or bool(known.lacks)

    def _ask(self, asked: Sequence[Entry], check: Callable[[], None]) -> None:
        reply = self.chat.reply(
            protocol.question(self.entries, asked, self.task),
            check,
            most_tokens=protocol.most_tokens(asked),
            schema=protocol.schema(asked),
        )
        for id_, new in protocol.read(reply, asked, self.task).items():
            known = self.answers.get(id_)
            if known is None or len(new.lacks) < len(known.lacks):
                self.answers[id_] = new

    def _ask_alone(self, entry: Entry, check: Callable[[], None]) -> Translation:
        reply = self.chat.reply(
            protocol.alone(entry, self.task), check, most_tokens=protocol.most_tokens([entry])
        )
        return Translation(protocol.read_alone(reply, entry))


class LlmTranslator(ChatTranslator):
    """Translates by an instruct model of transformers.

    Args:
        weights: folder in the official layout.
        languages: that it speaks well.
        dtype: that it computes in.
        most_tokens: no answer is longer.
    """

    def __init__(
        self,
        *,
        weights: Path,
        languages: Sequence[str],
        dtype: str = "bfloat16",
        most_tokens: int = 8192,
    ) -> None:
        self._local = LocalChat(weights, dtype, most_tokens)
        super().__init__(self._local, languages)

    def networks(self) -> Mapping[str, "torch.nn.Module"]:
        """Return the model. See `engines.networks.Hosted`."""
        return self._local.networks()

    def share(self, networks: Mapping[str, "torch.nn.Module"]) -> None:
        """Take the model of another engine. See `engines.networks.Sharing`."""
        self._local.share(networks)

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Return every pair of its languages if the weights are here."""
        return super().pairs() if self._local.is_here() else frozenset()


class EndpointTranslator(ChatTranslator):
    """Translates by a server that the user set (see `engines.endpoint`)."""

    def __init__(
        self,
        *,
        base_url: str,
        model: str,
        languages: Sequence[str],
        timeout_s: float = 180.0,
        tries: int = 4,
        pause_s: float = 1.0,
    ) -> None:
        chat = EndpointChat(base_url, model, timeout_s=timeout_s, tries=tries, pause_s=pause_s)
        super().__init__(chat, languages)
