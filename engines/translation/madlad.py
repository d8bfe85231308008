"""MADLAD-400: one model between hundreds of languages.

Kudugunta et al.: MADLAD-400, a multilingual and document-level large audited dataset (2023). The
model is transformers' T5; its pieces are read by sentencepiece itself, as it was taught.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.networks import official
from engines.roles import Translation
from engines.translation.batched import all_pairs, check_between, generated, translated
from studio.progress import Progress

if TYPE_CHECKING:
    import torch

FILES = ("config.json", "spiece.model")
# Those of its languages that people dub, as ISO 639-1; its own code where that is another.
LANGUAGES = (
    *("af", "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "eo", "es"),
    *("et", "eu", "fa", "fi", "fr", "ga", "gl", "gu", "he", "hi", "hr", "hu", "hy", "id", "is", "it"),
    *("ja", "ka", "kk", "km", "kn", "ko", "lt", "lv", "mk", "ml", "mn", "mr", "ms", "mt", "my", "nb"),
    *("ne", "nl", "pa", "pl", "pt", "ro", "ru", "sk", "sl", "so", "sq", "sr", "sv", "sw", "ta", "te"),
    *("th", "tr", "uk", "ur", "uz", "vi", "zh"),
)  # fmt: skip
_UNKNOWN = 0
_OWN = {"nb": "no", "he": "iw"}


class Madlad:
    """Translates between any two of its languages.

    Args:
        weights: folder in the layout of google/madlad400-3b-mt.
        dtype: that it computes in.
        beams: width of the beam search.
        batch: sentences at once.
    """

    def __init__(
        self, *, weights: Path, dtype: str = "bfloat16", beams: int = 4, batch: int = 16
    ) -> None:
        self._weights, self._dtype, self._beams, self._batch = weights, dtype, beams, batch
        self._model: Any = None
        self._pieces: Any = None

    def networks(self) -> Mapping[str, "torch.nn.Module"]:
        """Return the model, read on the first call. See `engines.networks.Hosted`."""
        if self._model is None:
            from sentencepiece import SentencePieceProcessor  # noqa: PLC0415 - slow to import
            from transformers.models.t5 import T5ForConditionalGeneration  # noqa: PLC0415 - heavy

            self._model = official(
                T5ForConditionalGeneration, self._weights, self._dtype, files=FILES
            )
            self._pieces = SentencePieceProcessor(model_file=str(self._weights / "spiece.model"))
        return {"model": self._model}

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Return all pairs if the weights are here."""
        return all_pairs(LANGUAGES if (self._weights / "config.json").is_file() else ())

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
        check_between("MADLAD-400", LANGUAGES, source, target)

        def say(sentences: Sequence[str], check: Callable[[], None]) -> Sequence[str]:
            network: Any = self.networks()["model"]
            end, pad = network.config.eos_token_id, network.config.pad_token_id
            mark = f"<2{_OWN.get(target, target)}> "
            asked = [
                [*ids, end] for ids in self._pieces.encode([mark + each for each in sentences])
            ]
            told = generated(network, asked, pad, self._beams, check)
            most = self._pieces.vocab_size()
            said = [
                [i for i in each if i < most and i not in {_UNKNOWN, end, pad}] for each in told
            ]
            return [self._pieces.decode(each) for each in said]

        return translated(texts, self._batch, say, progress)
