"""LivePortrait that speaks: JoyVASA's motion on LivePortrait's networks, both our own code.

Guo et al. 2024 (arXiv 2407.03168) and Cao et al. 2024 (arXiv 2411.09209), both MIT, code and weights; the
authors' face detector, whose weights are not for commercial use, is not used: the mesh of our face
finder takes its place.

Where the film is made in parts, both sides of a cut draw the same motion for the four seconds around it,
from the same sound and noise, and ease into it: they meet exactly.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engines.animation.joyvasa import FPS, SpeechMotion
from engines.animation.liveportrait_motion import Floats
from engines.animation.liveportrait_networks import Networks
from engines.animation.liveportrait_sitter import Sitter, paste_back
from engines.roles import Face, Part, Phone, Picture
from media.audio import Audio, AudioFile
from media.pictures import PasteBack
from studio.progress import Progress

if TYPE_CHECKING:
    import torch

SEAM_S = 2.0  # on each side of a cut, both parts draw the same motion
SHARED_S, EASED_S = 0.2, 1.0  # nearest to the cut it stands alone, then it is eased
SPREAD = 7919  # parts the seeds of the cuts


class LivePortrait:
    """Moves a portrait's head, eyes and lips by what is said; new views of the head within limits.

    Args:
        weights: folder of LivePortrait in the official layout.
        motion: folder of JoyVASA.
        hearing: folder of the HuBERT that JoyVASA hears with.
        narrow: what the widths of the networks are divided by; 1: as published.
        steps: of the walk from noise to motion.
        guidance: how much the sound counts.
        batch: frames that are drawn at once.
    """

    looks_back = 0
    hears_back_s = SEAM_S

    def __init__(
        self,
        *,
        weights: Path,
        motion: Path,
        hearing: Path,
        narrow: int = 1,
        steps: int = 30,
        guidance: float = 2.0,
        batch: int = 4,
    ) -> None:
        self._networks, self._batch = Networks(weights, narrow), batch
        self._motion = SpeechMotion(motion, hearing, narrow=narrow, steps=steps, guidance=guidance)

    def networks(self) -> Mapping[str, "torch.nn.Module"]:
        """Return the networks of both. See `engines.networks.Hosted`."""
        return {**self._networks.modules, **self._motion.modules}

    def animate(
        self,
        portrait: Picture,
        face: Face,
        speech: AudioFile,
        phones: Sequence[Phone],
        *,
        fps: float,
        seed: int,
        progress: Progress,
        part: Part | None = None,
    ) -> Iterator[Picture]:
        """Yield the frames. See `engines.roles.PortraitAnimator`.

        Raises:
            MissingWeights: if they are not there.
            BadInput: if a file is not what it should be.
        """
        del phones  # it hears them
        wanted = part or Part(0, max(1, round(speech.duration_s * fps)))
        count = wanted.stop - wanted.first
        sitter = Sitter(self._networks, portrait, face, self._batch)
        check = lambda: progress(0, count)  # noqa: E731
        check()
        driven = self._spoken(sitter, Take(speech, fps, seed, wanted), check)
        for done, frame in enumerate(sitter.draw(driven), start=1):
            yield frame
            progress(done, count)

    def paste_back(self, portrait: Picture, face: Face) -> PasteBack:
        """Measure. See `engines.roles.Pastes`."""
        return paste_back(self._networks, portrait, face)

    def _spoken(self, sitter: Sitter, take: "Take", check: Callable[[], None]) -> Floats:
        """Return the key points of a part, (frames, 21, 3)."""
        part, frames = take.part, np.arange(take.part.first, take.part.stop)
        driven = self._heard(sitter, take.speech.read(), frames / take.fps, take.seed, check)
        last_s = part.stop / take.fps
        ends = [part.first] * (part.first > 0)
        ends += [part.stop] * (take.speech.duration_s - last_s > 1 / take.fps)
        for cut in ends:
            cut_s = cut / take.fps
            share = _near(frames / take.fps - cut_s)
            near = share > 0
            sound = take.speech.cut(cut_s - SEAM_S, cut_s + SEAM_S)
            seed = take.seed + SPREAD * round((part.at_s + cut_s) * take.fps)
            at_s = frames[near] / take.fps - max(0.0, cut_s - SEAM_S)
            shared = self._heard(sitter, sound, at_s, seed, check)
            weight = share[near, None, None]
            driven[near] = driven[near] * (1 - weight) + shared * weight
        return driven

    def _heard(
        self,
        sitter: Sitter,
        sound: Audio,
        at_s: NDArray[np.float64],
        seed: int,
        check: Callable[[], None],
    ) -> Floats:
        """Return the key points at some times of a sound."""
        poses = self._motion.poses(sound, seed, check)
        return sitter.perform(poses.timed(at_s * FPS), poses.part(0, 1), own_lips=False)


@dataclass(frozen=True, slots=True)
class Take:
    """A part of a film, and the speech around it."""

    speech: AudioFile
    fps: float
    seed: int
    part: Part


def _near(from_cut_s: NDArray[np.float64]) -> Floats:
    """Return how much the motion that both parts draw counts, at times from the cut."""
    share = np.clip((SHARED_S + EASED_S - np.abs(from_cut_s)) / EASED_S, 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)
