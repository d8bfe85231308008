"""Opus-MT: small models of one direction each, for any processor.

Tiedemann and Thottingal: OPUS-MT, building open translation services for the world (2020);
Junczys-Dowmunt et al.: Marian (2018). The models are transformers' own.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.networks import official
from engines.roles import Translation
from engines.translation.batched import generated, translated, unknown_pair
from studio.progress import Progress

if TYPE_CHECKING:
    import torch

FILES = ("config.json", "source.spm", "target.spm", "vocab.json")
# The models were taught with plain marks (the Moses normaliser, of which this is the needed part).
_PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "…": "..."})


class Marian:
    """Translates one pair.

    Args:
        weights: folder in the layout of Helsinki-NLP's repositories.
        source: the language it reads.
        target: the language it writes.
        dtype: that it computes in.
        beams: width of the beam search.
        batch: sentences at once.
    """

    def __init__(
        self,
        *,
        weights: Path,
        source: str,
        target: str,
        dtype: str = "float32",
        beams: int = 4,
        batch: int = 16,
    ) -> None:
        self._weights, self._pair, self._dtype = weights, (source, target), dtype
        self._beams, self._batch = beams, batch
        self._model: Any = None
        self._tokenizer: Any = None

    def networks(self) -> Mapping[str, "torch.nn.Module"]:
        """Return the model, read on the first call. See `engines.networks.Hosted`."""
        if self._model is None:
            from transformers.models.marian import (  # noqa: PLC0415 - heavy
                MarianMTModel,
                MarianTokenizer,
            )

            self._model = official(MarianMTModel, self._weights, self._dtype, files=FILES)
            self._tokenizer = MarianTokenizer.from_pretrained(self._weights, local_files_only=True)
        return {"model": self._model}

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Return its pair if the weights are here."""
        return frozenset({self._pair} if (self._weights / "config.json").is_file() else ())

    def translate(
        self,
        texts: Sequence[str],
        source: str,
        target: str,
        progress: Progress,
        *,
        glossary: Sequence[tuple[str, str]] = (),  # noqa: ARG002 - it cannot be told terms
        letters: Sequence[int] = (),  # noqa: ARG002 - it knows one length
    ) -> tuple[Translation, ...]:
        """Translate in batches. See `engines.roles.Translator`.

        Raises:
            MissingWeights: if they are not here.
        """
        if (source, target) != self._pair:
            raise unknown_pair("Opus-MT", source, target, ["→".join(self._pair)])

        def say(sentences: Sequence[str], check: Callable[[], None]) -> Sequence[str]:
            network = self.networks()["model"]
            plain = [each.translate(_PLAIN) for each in sentences]
            ids = self._tokenizer(plain, truncation=True, max_length=500)["input_ids"]
            pad: int = self._tokenizer.pad_token_id
            told = generated(network, ids, pad, self._beams, check)
            return [self._tokenizer.decode(each, skip_special_tokens=True) for each in told]

        return translated(texts, self._batch, say, progress)
