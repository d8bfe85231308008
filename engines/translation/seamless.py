"""SeamlessM4T v2, text to text. Its weights are for non-commercial use only.

Seamless Communication et al.: Seamless, multilingual expressive and streaming speech translation
(2023). The model is transformers' own; its pieces are read by sentencepiece itself.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.networks import device_of, official
from engines.roles import Translation
from engines.translation.batched import all_pairs, check_between, generated, translated
from studio.errors import MissingWeights
from studio.progress import Progress

if TYPE_CHECKING:
    import torch

PIECES = "sentencepiece.bpe.model"
FILES = ("config.json", "generation_config.json", PIECES)
CODES = {
    "af": "afr", "ar": "arb", "be": "bel", "bg": "bul", "bn": "ben", "bs": "bos", "ca": "cat",
    "cs": "ces", "cy": "cym", "da": "dan", "de": "deu", "el": "ell", "en": "eng", "es": "spa",
    "et": "est", "eu": "eus", "fi": "fin", "fr": "fra", "ga": "gle", "gl": "glg", "he": "heb",
    "hi": "hin", "hr": "hrv", "hu": "hun", "hy": "hye", "id": "ind", "is": "isl", "it": "ita",
    "ja": "jpn", "ka": "kat", "ko": "kor", "lt": "lit", "mk": "mkd", "mt": "mlt", "nb": "nob",
    "nl": "nld", "pl": "pol", "pt": "por", "ro": "ron", "ru": "rus", "sk": "slk", "sl": "slv",
    "sr": "srp", "sv": "swe", "sw": "swh", "ta": "tam", "te": "tel", "th": "tha", "tr": "tur",
    "uk": "ukr", "ur": "urd", "vi": "vie", "zh": "cmn",
}  # fmt: skip
# fairseq's tokens stand where sentencepiece has its own three, one further on.
_PAD, _END, _OFFSET = 0, 3, 1


class Seamless:
    """Translates between any two of its languages.

    Args:
        weights: folder in the layout of facebook/seamless-m4t-v2-large.
        dtype: that it computes in.
        beams: width of the beam search.
        batch: sentences at once.
    """

    def __init__(
        self, *, weights: Path, dtype: str = "float16", beams: int = 4, batch: int = 16
    ) -> None:
        self._weights, self._dtype, self._beams, self._batch = weights, dtype, beams, batch
        self._model: Any = None
        self._pieces: Any = None
        self._codes: Mapping[str, int] = {}

    def networks(self) -> Mapping[str, "torch.nn.Module"]:
        """Return the model, read on the first call. See `engines.networks.Hosted`."""
        if self._model is None:
            from sentencepiece import SentencePieceProcessor  # noqa: PLC0415 - slow to import
            from transformers.models.seamless_m4t_v2 import (  # noqa: PLC0415 - heavy
                SeamlessM4Tv2ForTextToText,
            )

            self._model = official(
                SeamlessM4Tv2ForTextToText, self._weights, self._dtype, files=FILES
            )
            self._pieces = SentencePieceProcessor(model_file=str(self._weights / PIECES))
            # transformers 5.24 leaves this table out when it reads the file.
            told = json.loads((self._weights / "generation_config.json").read_text("utf-8"))
            self._codes = told.get("text_decoder_lang_to_code_id", {})
        return {"model": self._model}

    def _code(self, language: str) -> int:
        """Return the token that stands for a language."""
        code = self._codes.get(CODES[language])
        if code is None:
            raise MissingWeights(
                f"generation_config.json of SeamlessM4T has no token for {language!r}",
                remedy="Fetch the weights again.",
            )
        return code

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Return all pairs if the weights are here."""
        return all_pairs(tuple(CODES) if (self._weights / "config.json").is_file() else ())

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
        check_between("SeamlessM4T", CODES, source, target)

        def say(sentences: Sequence[str], check: Callable[[], None]) -> Sequence[str]:
            import torch  # noqa: PLC0415 - heavy

            network = self.networks()["model"]
            most = self._pieces.vocab_size() + _OFFSET
            asked = [
                [self._code(source), *(max(i + _OFFSET, 1) for i in ids), _END]
                for ids in self._pieces.encode(list(sentences))
            ]
            first = torch.tensor([[self._code(target)]] * len(asked), device=device_of(network))
            told = generated(network, asked, _PAD, self._beams, check, decoder_input_ids=first)
            said = [[i - _OFFSET for i in each if _END < i < most] for each in told]
            return [self._pieces.decode(each) for each in said]

        return translated(texts, self._batch, say, progress)
