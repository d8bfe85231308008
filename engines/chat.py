"""Language models that answer in a chat, shared by the translators and writers that ask them.

Two back ends: an instruct model of transformers on this machine (here), and any server that speaks
the chat completions protocol (`engines.endpoint`). Both answer greedily, so that the same question
has the same answer.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from engines.networks import device_of, official

if TYPE_CHECKING:
    import torch

BEAT_S = 0.2  # between two looks at the stop button
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Message:
    """What one side says."""

    role: Literal["system", "user"]
    text: str


class Chat(Protocol):
    """A language model that follows instructions."""

    def reply(
        self,
        messages: Sequence[Message],
        check: Callable[[], None],
        *,
        most_tokens: int,
        schema: Mapping[str, Any] | None = None,
    ) -> str:
        """Return what the model answers, without what it only thought.

        Args:
            messages: instructions, then the question.
            check: called a few times a second; what it raises passes.
            most_tokens: where the answer is cut.
            schema: JSON schema of the answer, for back ends that can hold a model to it.
        """
        ...


class LocalChat:
    """An instruct model of transformers, from a folder in the official layout.

    Args:
        weights: config, tokenizer with its chat template, safetensors.
        dtype: that it computes in.
        most_tokens: no answer is longer.
    """

    def __init__(self, weights: Path, dtype: str, most_tokens: int = 8192) -> None:
        self._weights, self._dtype, self._most_tokens = weights, dtype, most_tokens
        self._model: Any = None

    def is_here(self) -> bool:
        """Tell whether its weights are on this machine."""
        return (self._weights / "config.json").is_file()

    def networks(self) -> Mapping[str, "torch.nn.Module"]:
        """Return the model, read on the first call.

        Raises:
            MissingWeights: if a file is missing or broken.
        """
        if self._model is None:
            from transformers.models.auto import AutoModelForCausalLM  # noqa: PLC0415 - heavy

            files = ("config.json", "tokenizer_config.json")
            self._model = official(AutoModelForCausalLM, self._weights, self._dtype, files=files)
        return {"model": self._model}

    def share(self, networks: Mapping[str, "torch.nn.Module"]) -> None:
        """Take the model of another one. See `engines.networks.Sharing`."""
        self._model = networks["model"]

    @cached_property
    def _tokenizer(self) -> Any:
        from transformers.models.auto import AutoTokenizer  # noqa: PLC0415 - heavy

        return cast("Any", AutoTokenizer).from_pretrained(self._weights, local_files_only=True)

    def reply(
        self,
        messages: Sequence[Message],
        check: Callable[[], None],
        *,
        most_tokens: int,
        schema: Mapping[str, Any] | None = None,  # noqa: ARG002 - it is told, not held to it
    ) -> str:
        """Return the model's answer. See `Chat`."""
        model: Any = self.networks()["model"]
        asked = self._tokenizer.apply_chat_template(
            [{"role": each.role, "content": each.text} for each in messages],
            add_generation_prompt=True,
            enable_thinking=False,
            return_dict=True,
            return_tensors="pt",
        ).to(device_of(model))
        told = model.generate(
            input_ids=asked["input_ids"],
            attention_mask=asked["attention_mask"],
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            max_new_tokens=min(most_tokens, self._most_tokens),
            pad_token_id=self._tokenizer.pad_token_id,
            stopping_criteria=heeding(check),
        )
        new = told[0, asked["input_ids"].shape[1] :]
        return without_thoughts(self._tokenizer.decode(new, skip_special_tokens=True))


def heeding(check: Callable[[], None]) -> Any:
    """Return stopping criteria that stop at nothing, but call `check` several times a second."""
    import torch  # noqa: PLC0415 - heavy
    from transformers.generation.stopping_criteria import (  # noqa: PLC0415 - heavy
        StoppingCriteria,
        StoppingCriteriaList,
    )

    class Heed(StoppingCriteria):
        def __init__(self) -> None:
            self._last_s = 0.0

        def __call__(self, input_ids: torch.Tensor, scores: Any, **more: Any) -> Any:  # noqa: ARG002
            if (now_s := time.monotonic()) - self._last_s > BEAT_S:
                self._last_s = now_s
                check()
            return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)

    return StoppingCriteriaList([Heed()])


def without_thoughts(reply: str) -> str:
    """Return an answer without the part that some models think aloud first."""
    return _THOUGHT.sub("", reply).strip()


def json_object(reply: str) -> Mapping[str, Any]:
    """Return the JSON object that a reply is or holds; an empty one if there is none.

    A member that stands twice is left out: nobody knows which one is meant.
    """
    start, end = reply.find("{"), reply.rfind("}")
    if start < 0 or end < start:
        return {}
    try:
        found: Any = json.loads(reply[start : end + 1], object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return {}
    return cast("Mapping[str, Any]", found)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    return {key: value for key, value in pairs if keys.count(key) == 1}
