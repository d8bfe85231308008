"""Who speaks when, by x-vectors: WavLM with a speaker head (Chen et al. 2022), and clustering.

Stock class of transformers (`WavLMForXVector`): 94.7 M parameters read 1.6 s of sound and leave 512
numbers. The threshold for one speaker, 0.86, is that of the model's own card; the one for windows
follows from it. Neither was measured on talk here: the weights are not.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.diarization.clustering import RATE_HZ, WINDOW_S, Rules, Vectors, diarize
from engines.networks import device_of, pretrained
from media.audio import AudioFile
from media.listen import Wave
from media.speech import Span, Turn
from studio.errors import MissingWeights
from studio.progress import Progress

if TYPE_CHECKING:
    import torch

FILES = ("config.json", "preprocessor_config.json")
KINDS = ("model.safetensors", "pytorch_model.bin")  # either; transformers reads it weights only
BATCH = 8  # the first layer needs 10 MB for each window


class XVectors:
    """X-vectors and clustering.

    Args:
        weights: folder in the official layout.
        dtype: in which it computes.
        apart: distance from which two stretches are not joined.
        alike: likeness from which two speakers are one.
    """

    def __init__(
        self, *, weights: Path, dtype: str = "float32", apart: float = 0.2, alike: float = 0.86
    ) -> None:
        self._weights, self._dtype = weights, dtype
        self._rules = Rules(apart=apart, alike=alike)

    def networks(self) -> "Mapping[str, torch.nn.Module]":
        """Return the network. See `engines.networks.Hosted`."""
        return {"xvector": self._network}

    def diarize(
        self, audio: AudioFile, speech: Sequence[Span], speakers: int, progress: Progress
    ) -> tuple[Turn, ...]:
        """Return the turns. See `engines.roles.Diarizer`.

        Raises:
            MissingWeights: if they are not there.
        """
        return diarize(
            audio,
            speech,
            speakers,
            embed=self.embed,
            rules=self._rules,
            progress=progress,
            batch=BATCH,
        )

    def embed(self, waves: Sequence[Wave]) -> Vectors:
        """Return the voice of each wave (1.6 s at 16 kHz, shorter ones are repeated)."""
        import torch  # noqa: PLC0415 - heavy

        size = round(WINDOW_S * RATE_HZ)
        whole = [
            np.resize(each, size) if each.size else np.zeros(size, np.float32) for each in waves
        ]
        given = self._extractor(whole, sampling_rate=RATE_HZ, return_tensors="pt")
        network = self._network
        with torch.inference_mode():
            values = given["input_values"].to(device_of(network), network.dtype)
            found: Vectors = network(input_values=values).embeddings.float().cpu().numpy()
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)

    @cached_property
    def _network(self) -> Any:
        from transformers.models.wavlm import WavLMForXVector  # noqa: PLC0415 - heavy

        self._check()
        return pretrained(WavLMForXVector, self._weights, self._dtype)

    @cached_property
    def _extractor(self) -> Any:
        from transformers.models.wav2vec2 import Wav2Vec2FeatureExtractor  # noqa: PLC0415 - heavy

        self._check()
        return Wav2Vec2FeatureExtractor.from_pretrained(self._weights, local_files_only=True)

    def _check(self) -> None:
        absent = [name for name in FILES if not (self._weights / name).is_file()]
        if not any((self._weights / name).is_file() for name in KINDS):
            absent.append(" or ".join(KINDS))
        if absent:
            raise MissingWeights(
                f"the weights of the x-vectors are not here ({', '.join(absent)})",
                remedy="Fetch microsoft/wavlm-base-plus-sv with ./run.sh weights.",
            )
