"""Pocket TTS: a voice of 100 M parameters that clones, on two cores of a CPU.

Kyutai, "Continuous Audio Language Models" (2025), https://github.com/kyutai-labs/pocket-tts; the
class is that of transformers. Text and the latents of the reference go into a causal transformer;
a flow head draws one latent of 80 ms a step; the codec (a repository of its own) turns latents into
24 kHz sound. One checkpoint speaks one language.
"""

import math
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from engines.catalog import built_in
from engines.networks import device_of, pretrained
from engines.roles import BuiltInVoice, Reference, Speech
from engines.speech.neural import (
    asked,
    bound_s,
    check_files,
    check_voice,
    seeded,
    sound,
    spoken_in_pieces,
    told,
)
from media.audio import Audio
from studio.progress import Progress, silent

if TYPE_CHECKING:
    import torch

TITLE = "Pocket TTS"
MOST_CHARACTERS = 220  # about the 50 tokens in which its own program cuts a text
REFERENCE_S = 12.0
FILES = ("config.json", "*.safetensors", "tokenizer*.json", "*processor_config.json")
CODEC_FILES = ("config.json", "*.safetensors")


class PocketTts:
    """Clones a voice from some seconds; no control of the rate."""

    def __init__(
        self,
        *,
        weights: Path,
        codec: Path,
        language: str = "en",
        dtype: str = "float32",
        temperature: float = 0.3,
        name: str = "pocket-tts",
    ) -> None:
        self._weights, self._codec, self._languages = weights, codec, (language,)
        self._dtype, self._temperature, self._name = dtype, temperature, name

    def voices(self, language: str) -> tuple[BuiltInVoice, ...]:
        """Return its voices for `language`: the speaker's own."""
        return built_in(self._name, language)

    def networks(self) -> "Mapping[str, torch.nn.Module]":
        """Return the language model, and the codec: 24 kHz, (batch, 1, samples) from latents.

        Raises:
            MissingWeights: if a file is not there, of the codec's repository too.
        """
        return {"language": self._model, "codec": self._processor.audio_tokenizer}

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
        """Speak one line in the voice of `reference`. See `engines.roles.Speaker`."""
        check_voice(TITLE, voice, language, self._languages, rate)
        model = self._model

        def say(piece: str, index: int, total: int) -> Audio:
            with seeded(seed, device_of(model)), told(model, progress, index, total):
                return self._said(piece, reference)

        return spoken_in_pieces(text, MOST_CHARACTERS, progress, say)

    def _said(self, text: str, reference: Reference | None) -> Audio:
        model, processor = self._model, self._processor
        rate_hz = int(processor.feature_extractor.sampling_rate)
        said = {"type": "text", "text": text}
        inputs = asked(processor, "user", [{"type": "audio"}, said], reference, REFERENCE_S)
        frames = math.ceil(bound_s(text) * model.config.frame_rate)
        made = model.generate(
            **inputs.to(device_of(model), dtype=model.dtype),
            do_sample=True,
            temperature=self._temperature,
            max_new_tokens=frames,
            return_dict_in_generate=True,
        )
        return sound(processor.decode(made.audio_latents[0]).numpy(), rate_hz)

    @cached_property
    def _model(self) -> Any:
        from transformers.models.pocket_tts import (  # noqa: PLC0415 - heavy
            PocketTTSForConditionalGeneration,
        )

        check_files(TITLE, self._weights, FILES)
        return pretrained(PocketTTSForConditionalGeneration, self._weights, self._dtype)

    @cached_property
    def _processor(self) -> Any:
        from transformers.models.auto import AutoTokenizer  # noqa: PLC0415 - heavy
        from transformers.models.pocket_tts import (  # noqa: PLC0415 - heavy
            PocketTTSFeatureExtractor,
            PocketTTSProcessor,
        )
        from transformers.models.pocket_tts_audio_tokenizer import (  # noqa: PLC0415 - heavy
            PocketTTSAudioTokenizerModel,
        )

        check_files(TITLE, self._weights, FILES)
        check_files(f"{TITLE}'s codec", self._codec, CODEC_FILES)
        hears = PocketTTSFeatureExtractor.from_pretrained(self._weights, local_files_only=True)
        words = cast("Any", AutoTokenizer).from_pretrained(self._weights, local_files_only=True)
        codec = pretrained(PocketTTSAudioTokenizerModel, self._codec, self._dtype)
        template = self._weights / "chat_template.jinja"
        asks: Any = template.read_text("utf-8") if template.is_file() else words.chat_template
        return PocketTTSProcessor(hears, words, audio_tokenizer=codec, chat_template=asks)
