"""VibeVoice: a language model that writes speech by diffusion, and clones from a short recording.

Peng et al., "VibeVoice" (2025), arXiv 2508.19205, https://github.com/microsoft/VibeVoice (MIT); the
class is that of transformers. Qwen2.5 reads the script and the latents of the reference; a
diffusion head draws one latent of 133 ms a step, with guidance; a codec makes 24 kHz sound of it.
It was trained on English and Chinese.
"""

import math
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

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

TITLE = "VibeVoice"
LANGUAGES = ("en", "zh")
MOST_CHARACTERS = 600  # a line never is as long; it reads scripts of minutes
REFERENCE_S = 12.0
FRAME_RATE_HZ = 7.5
FILES = ("config.json", "*.safetensors", "tokenizer*.json", "*processor_config.json")


class VibeVoice:
    """Clones a voice from some seconds; no control of the rate."""

    def __init__(
        self,
        *,
        weights: Path,
        dtype: str = "bfloat16",
        diffusion_steps: int = 10,
        guidance: float = 1.3,
    ) -> None:
        self._weights, self._dtype = weights, dtype
        self._steps, self._guidance = diffusion_steps, guidance

    def voices(self, language: str) -> tuple[BuiltInVoice, ...]:
        """Return its voices for `language`: the speaker's own."""
        return built_in("vibevoice", language)

    def networks(self) -> "Mapping[str, torch.nn.Module]":
        """Return the whole model: its codec is part of it.

        Raises:
            MissingWeights: if a file is not there.
        """
        return {"model": self._model}

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
        check_voice(TITLE, voice, language, LANGUAGES, rate)
        model = self._model

        def say(piece: str, index: int, total: int) -> Audio:
            with seeded(seed, device_of(model)), told(model, progress, index, total):
                return self._said(piece, reference)

        return spoken_in_pieces(text, MOST_CHARACTERS, progress, say)

    def _said(self, text: str, reference: Reference | None) -> Audio:
        model, processor = self._model, self._processor
        rate_hz = int(processor.feature_extractor.sampling_rate)
        said = {"type": "text", "text": text}
        inputs = asked(processor, "0", [said, {"type": "audio"}], reference, REFERENCE_S)
        made: Any = model.generate(
            **inputs.to(device_of(model), dtype=model.dtype),
            max_new_tokens=math.ceil(bound_s(text) * FRAME_RATE_HZ),
            guidance_scale=self._guidance,
            num_diffusion_steps=self._steps,
            return_dict_in_generate=False,
        )
        heard = [each.float().cpu().numpy() for each in made if each is not None]
        return sound(heard[0] if heard else np.zeros(0, np.float32), rate_hz)

    @cached_property
    def _model(self) -> Any:
        from transformers.models.vibevoice import (  # noqa: PLC0415 - heavy
            VibeVoiceForConditionalGeneration,
        )

        check_files(TITLE, self._weights, FILES)
        return pretrained(VibeVoiceForConditionalGeneration, self._weights, self._dtype)

    @cached_property
    def _processor(self) -> Any:
        from transformers.models.vibevoice import VibeVoiceProcessor  # noqa: PLC0415 - heavy

        check_files(TITLE, self._weights, FILES)
        return VibeVoiceProcessor.from_pretrained(self._weights, local_files_only=True)
