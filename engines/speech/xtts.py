"""XTTS-v2: clones a voice in 17 languages, through coqui-tts; not for commercial use (CPML).

Casanova et al., "XTTS" (2024), https://github.com/idiap/coqui-ai-TTS. A GPT writes codes of sound
from text and the latents of the reference; the rate is made by stretching its latents in time
before the vocoder makes 24 kHz sound of them.
"""

import contextlib
from collections.abc import Generator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.catalog import built_in, entry
from engines.networks import device_of
from engines.roles import BuiltInVoice, Reference, Speech
from engines.speech.neural import (
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

ID, TITLE = "xtts-v2", "XTTS-v2"
FILES = ("config.json", "vocab.json", "model.*", "speakers_xtts.pth")
RATE_HZ, REFERENCE_RATE_HZ = 24_000, 22_050
REFERENCE_S, CHUNK_S = 12.0, 4  # as its own configuration has them
CODES_A_SECOND = REFERENCE_RATE_HZ / 1024
# Beyond these it babbles (TTS/tts/layers/xtts/tokenizer.py); some letters less, for what it spells out.
MOST_CHARACTERS = {
    "en": 250, "de": 253, "fr": 273, "es": 239, "it": 213, "pt": 203, "pl": 224, "zh": 82,
    "ar": 166, "cs": 186, "ru": 182, "nl": 251, "tr": 226, "ja": 71, "hu": 224, "ko": 95, "hi": 150,
}  # fmt: skip
# Of the trainer, not of the model; other parts of the same file.
EXTRA = ("torch_mel_spectrogram_style_encoder", "torch_mel_spectrogram_dvae", "dvae")


class Xtts:
    """Clones a voice from some seconds, and speaks at any rate."""

    def __init__(self, *, weights: Path, temperature: float = 0.75, top_p: float = 0.85) -> None:
        self._weights, self._temperature, self._top_p = weights, temperature, top_p

    def voices(self, language: str) -> tuple[BuiltInVoice, ...]:
        """Return its voices for `language`: the speaker's own."""
        return built_in(ID, language)

    def networks(self) -> "Mapping[str, torch.nn.Module]":
        """Return the whole model.

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
        check_voice(TITLE, voice, language, entry(ID).languages, rate)
        model = self._model

        def say(piece: str, index: int, total: int) -> Audio:
            with seeded(seed, device_of(model)), told(model.gpt.gpt, progress, index, total):
                return self._said(piece, language, rate, reference)

        return spoken_in_pieces(text, MOST_CHARACTERS[language], progress, say)

    def _said(self, text: str, language: str, rate: float, reference: Reference | None) -> Audio:
        latents, timbre = self._likeness(reference)
        made: dict[str, Any] = self._model.inference(
            text,
            language,
            latents,
            timbre,
            temperature=self._temperature,
            top_p=self._top_p,
            speed=rate,
            enable_text_splitting=False,
            max_new_tokens=self._codes(text),
        )
        return sound(np.asarray(made["wav"], np.float32), RATE_HZ)

    def _likeness(self, reference: Reference | None) -> "tuple[torch.Tensor, torch.Tensor]":
        """Return the latents of a voice: of the reference, else of the first that comes with it."""
        import torch  # noqa: PLC0415 - heavy

        model = self._model
        if reference is None:
            path = self._weights / "speakers_xtts.pth"
            known: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            first = known[min(known)]
            return first["gpt_cond_latent"], first["speaker_embedding"]
        heard = reference.audio.mono().cut(0, REFERENCE_S).resampled(REFERENCE_RATE_HZ)
        wave = torch.from_numpy(heard.samples).to(device_of(model))
        length_s = int(min(REFERENCE_S, max(CHUNK_S, heard.duration_s)))
        latents = model.get_gpt_cond_latents(wave, REFERENCE_RATE_HZ, length_s, CHUNK_S)
        return latents, model.get_speaker_embedding(wave, REFERENCE_RATE_HZ)

    def _codes(self, text: str) -> int:
        most = int(self._model.args.gpt_max_audio_tokens) - 3
        return max(1, min(most, round(bound_s(text) * CODES_A_SECOND)))

    @cached_property
    def _model(self) -> Any:
        check_files(TITLE, self._weights, FILES)
        from engines.speech.torchaudio_standin import stand_in  # noqa: PLC0415 - heavy

        stand_in()
        from TTS.tts.configs.xtts_config import XttsConfig  # noqa: PLC0415 - heavy
        from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer  # noqa: PLC0415 - heavy
        from TTS.tts.models.xtts import Xtts as Official  # noqa: PLC0415 - heavy

        config: Any = XttsConfig()
        config.load_json(str(self._weights / "config.json"))
        model: Any = Official(config)
        model.tokenizer = VoiceBpeTokenizer(vocab_file=self._weights / "vocab.json")
        model.init_models()
        model.load_state_dict(_state(self._weights))
        model.gpt.init_gpt_for_inference(kv_cache=model.args.kv_cache)
        model.gpt.gpt_inference.register_forward_pre_hook(_with_cache, with_kwargs=True)
        for module in (model.gpt, model.hifigan_decoder):
            module.eval()
        model.training = False
        return model.requires_grad_(False)


def _with_cache(_: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Hand the cache on by the name that coqui-tts knows: transformers 5.24 gave it another."""
    if "cache" in named:
        named["past_key_values"] = named.pop("cache")
    return given, named


def _state(weights: Path) -> dict[str, Any]:
    """Return the model's tensors, of the official pickle (read safely) or of its safetensors copy."""
    import torch  # noqa: PLC0415 - heavy
    from safetensors import torch as tensors  # noqa: PLC0415 - heavy

    copy = weights / "model.safetensors"
    if copy.is_file():
        stored: dict[str, Any] = tensors.load_file(copy)
    else:
        with _official_classes():
            stored = torch.load(weights / "model.pth", map_location="cpu", weights_only=True)
    stored = stored.get("model", stored)
    named = {key.removeprefix("xtts."): value for key, value in stored.items()}
    return {
        key: value
        for key, value in named.items()
        if key.split(".")[0] not in EXTRA and not key.startswith("gpt.gpt_inference.")
    }


@contextlib.contextmanager
def _official_classes() -> Generator[None, None, None]:
    """Allow the classes of its configuration, which the official pickle holds beside the tensors."""
    import torch  # noqa: PLC0415 - heavy
    from TTS.config.shared_configs import BaseDatasetConfig  # noqa: PLC0415 - heavy
    from TTS.tts.configs import xtts_config  # noqa: PLC0415 - heavy

    old = "TTS.tts.models.xtts"  # where they were when the file was written
    audio, arguments = xtts_config.XttsAudioConfig, xtts_config.XttsArgs
    allowed: list[Any] = [
        audio,
        arguments,
        xtts_config.XttsConfig,
        BaseDatasetConfig,
        (audio, f"{old}.XttsAudioConfig"),
        (arguments, f"{old}.XttsArgs"),
    ]
    with torch.serialization.safe_globals(allowed):
        yield
