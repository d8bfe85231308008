"""Who speaks when, by pyannote's community-1 (Plaquet & Bredin 2023; VBx clustering, Landini 2022).

An adapter to pyannote.audio 4: its `exclusive` output has one speaker at a time, which is what a dub
needs. The package wants CUDA builds of torchaudio and torchcodec, and its weights lie behind terms
that the user accepts once. Two habits of the package are not ours: it would report every use to its
makers (switched off before it is imported), and it would unpickle whatever a checkpoint holds
(torch is told to take weights and four plain classes, nothing else).
The sound goes to it as one waveform, 230 MB an hour: its own reader needs torchcodec to work.
"""

import os
import pickle
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from engines.diarization.clustering import RATE_HZ
from engines.diarization.frames import Chances, Reading, turns_of
from engines.networks import device_of
from media.audio import AudioFile
from media.listen import mono_blocks
from media.speech import Span, Turn
from studio.errors import BadInput, MissingWeights
from studio.progress import Progress

if TYPE_CHECKING:
    import torch

REPO = "pyannote/speaker-diarization-community-1"
FILES = (
    "config.yaml",
    "segmentation/pytorch_model.bin",
    "embedding/pytorch_model.bin",
    "plda/plda.npz",
    "plda/xvec_transform.npz",
)
BLOCK_S = 20.0
SEGMENTING = 0.3  # share of the work before the embeddings begin
PLAIN = ("Specifications", "Problem", "Resolution")  # of pyannote.audio.core.task


class Segment(Protocol):
    """A stretch of an annotation, as pyannote.core has it."""

    start: float
    end: float


class Annotation(Protocol):
    """Who speaks when, as pyannote.core has it."""

    def itertracks(self, *, yield_label: bool) -> Iterator[tuple[Segment, Any, Any]]:
        """Yield stretch, track and speaker."""
        ...


class Community1:
    """The pipeline as it is published.

    Args:
        weights: folder in the official layout.
        least_s: a shorter turn between others joins one of them.
    """

    def __init__(self, *, weights: Path, least_s: float = 0.3) -> None:
        self._weights = weights
        self._reading = Reading(smooth_s=0.0, least_s=least_s)

    def networks(self) -> "Mapping[str, torch.nn.Module]":
        """Return both networks. See `engines.networks.Hosted`."""
        return {
            "segmentation": self._pipeline._segmentation.model,
            "embedding": self._pipeline._embedding.model_,
        }

    def diarize(
        self, audio: AudioFile, speech: Sequence[Span], speakers: int, progress: Progress
    ) -> tuple[Turn, ...]:
        """Return the turns. See `engines.roles.Diarizer`.

        Raises:
            MissingWeights: if the package or the weights are not there.
        """
        speech = [each for each in speech if each.duration_s > 0]
        if not speech:
            return ()
        import torch  # noqa: PLC0415 - heavy

        pipeline = self._pipeline
        pipeline.to(device_of(self.networks()["segmentation"]))
        wave = np.concatenate([np.zeros(0, np.float32), *mono_blocks(audio, RATE_HZ, BLOCK_S)])
        told = _Told(round(sum(each.duration_s for each in speech)), progress)
        with torch.inference_mode():
            found = pipeline(
                {"waveform": torch.from_numpy(wave)[None], "sample_rate": RATE_HZ},
                num_speakers=speakers or None,
                hook=told,
            )
        told.all()
        annotation: Annotation = found.exclusive_speaker_diarization
        return to_turns(annotation, speech, speakers, self._reading)

    @cached_property
    def _pipeline(self) -> Any:
        self._check()
        os.environ["PYANNOTE_METRICS_ENABLED"] = "false"  # read when it is imported
        audio = import_module("pyannote.audio")
        try:
            with weights_only(_plain_classes()):
                pipeline = audio.Pipeline.from_pretrained(self._weights)
        except pickle.UnpicklingError as error:
            raise BadInput(
                f"a checkpoint of {REPO} holds more than weights ({error})",
                remedy="Fetch it again with ./run.sh weights, or choose another diarizer.",
            ) from error
        for network in (pipeline._segmentation.model, pipeline._embedding.model_):
            network.eval().requires_grad_(False)
        return pipeline

    def _check(self) -> None:
        if find_spec("pyannote") is None:
            raise MissingWeights(
                "the package pyannote.audio is not installed",
                remedy="On a machine with an NVIDIA GPU: pip install 'understudy[pyannote]'.",
            )
        if absent := [name for name in FILES if not (self._weights / name).is_file()]:
            raise MissingWeights(
                f"the weights of {REPO} are not here ({', '.join(absent)})",
                remedy=f"Accept the terms on https://huggingface.co/{REPO}, set HF_TOKEN, "
                "and fetch them with ./run.sh weights.",
            )


def to_turns(
    annotation: Annotation, speech: Sequence[Span], speakers: int, reading: Reading
) -> tuple[Turn, ...]:
    """Return the turns of an annotation: inside the speech, in order, one speaker at a time.

    Args:
        annotation: from pyannote; where speakers overlap, who came first keeps the floor.
        speech: where people speak; what the annotation leaves open goes to the nearest speaker.
        speakers: how many there are at most, or 0.
        reading: how long a turn must be.
    """
    tracks = sorted(
        (
            (float(part.start), float(part.end), str(label))
            for part, _, label in annotation.itertracks(yield_label=True)
        ),
    )
    names = list(dict.fromkeys(label for _, _, label in tracks))
    end_s = max((end_s for _, end_s, _ in tracks), default=0.0)
    frames = round(end_s / reading.frame_s) + 1
    chances: Chances = np.zeros((frames, max(1, len(names))), np.float32)
    for start_s, stop_s, label in tracks:
        part = slice(round(start_s / reading.frame_s), round(stop_s / reading.frame_s))
        free = chances[part].max(axis=1, initial=0.0) == 0.0
        chances[part, names.index(label)] = np.where(free, 1.0, chances[part, names.index(label)])
    return turns_of(chances, speech, speakers, reading)


@contextmanager
def weights_only(classes: Sequence[type[Any]]) -> Generator[None]:
    """Let torch load tensors, plain values and `classes`, whatever a package asks it for.

    torch reads the variable at every load (`torch.serialization.load`); there is no other switch
    that a caller's own `weights_only=False` cannot undo.
    """
    import torch  # noqa: PLC0415 - heavy

    name = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        with torch.serialization.safe_globals(list(classes)):
            yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _plain_classes() -> list[type[Any]]:
    task = import_module("pyannote.audio.core.task")
    version = import_module("torch.torch_version").TorchVersion
    return [version, *(getattr(task, name) for name in PLAIN)]


class _Told:
    """pyannote's hook: steps and batches to seconds of speech done, of all."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._total, self._progress = total, progress
        self._done = 0

    def __call__(
        self,
        step: str,
        artefact: object,  # noqa: ARG002 - pyannote's signature
        *,
        file: object = None,  # noqa: ARG002 - pyannote's signature
        completed: int | None = None,
        total: int | None = None,
    ) -> None:
        share = 1.0 if completed is None or not total else completed / total
        if step == "segmentation":
            share *= SEGMENTING
        elif step == "embeddings":
            share = SEGMENTING + (1 - SEGMENTING) * share
        else:
            share = 0.0  # quick ones
        self._done = max(self._done, int(share * self._total))
        self._progress(self._done, self._total)

    def all(self) -> None:
        """The work is done."""
        self._progress(self._total, self._total)
