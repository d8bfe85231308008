"""SoulX-FlashHead: a portrait and a voice become a film of any length, by a network of 1.3 billion.

Yu et al. 2026 (arXiv 2602.07449), https://github.com/Soul-AILab/SoulX-FlashHead (Apache-2.0). The
transformer is ours (`engines.animation.nets.flashhead`), the autoencoder (Wan 2.1) and the ears
(wav2vec 2.0) are stock classes. As in its streaming mode, a chunk hears the eight seconds up to its
own end. It films at 25 frames a second, 512 pixels square, around the face; that is pasted back.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engines.animation.crop import Crop, upright
from engines.animation.flashhead_files import read_hearing, read_transformer, read_vae
from engines.animation.hearing import speech_layers
from engines.networks import device_of
from engines.roles import Face, Part, Phone, Picture
from media.audio import AudioFile
from media.listen import mono_cut
from media.pictures import PasteBack
from studio.progress import Progress

if TYPE_CHECKING:
    import torch

    from engines.animation.nets.flashhead import FlashHead as Transformer
    from engines.animation.nets.flashhead_sampler import Draw

FPS, RATE_HZ = 25, 16_000
HEARD_S = 8  # of sound, up to the chunk's end
NEAR = 2  # frames on both sides that a frame hears
FACE_SHARE, FACE_AT = 0.45, 0.45  # how high the face is in the square, and where its middle


class FlashHead:
    """Films the head and the shoulders; the face should look at us, and be sharp.

    Args:
        weights: folder of the official repository.
        hearing: folder of wav2vec 2.0 base.
        model: folder of the transformer in `weights`.
        vae: the autoencoder's file in `weights`.
        dtype: of transformer and autoencoder, a name of torch's.
        steps: of each chunk; 4 is what it was distilled for.
        size_px: of the square that is filmed, a multiple of 16.
    """

    looks_back = 6  # five of its own, at 30 frames a second
    hears_back_s = 7.0  # a chunk has 1.12 s, and hears the 8 s up to its end

    def __init__(
        self,
        *,
        weights: Path,
        hearing: Path,
        model: str = "Model_Pro",
        vae: str = "VAE_Wan/Wan2.1_VAE.pth",
        dtype: str = "bfloat16",
        steps: Literal[2, 4] = 4,
        size_px: int = 512,
    ) -> None:
        self._folder, self._hearing_folder = weights / model, hearing
        self._vae_file, self._dtype = weights / vae, dtype
        self._steps: Literal[2, 4] = steps
        self._size_px = size_px

    def networks(self) -> "Mapping[str, torch.nn.Module]":
        """Return transformer, autoencoder and ears.

        Raises:
            MissingWeights: if a file is not there.
            BadInput: if a file is not what it should be.
        """
        return {"transformer": self._transformer, "vae": self._vae, "hearing": self._hearing[0]}

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

        At other rates than 25 each frame is the one that was filmed nearest to its time.
        """
        del phones  # it hears them
        wanted = part or Part(0, max(1, round(speech.duration_s * fps)))
        crop = self._crop(portrait, face)
        numbers = [_own(wanted.first - back, fps) for back in range(len(wanted.before), 0, -1)]
        at = numbers[-1] if numbers else _own(wanted.first, fps) - 1  # the one that was shown last
        done, total = 0, wanted.stop - wanted.first
        take = _Take(
            portrait=crop.cut(portrait),
            carried=_carried(crop, dict(zip(numbers, wanted.before, strict=True))),
            first=at + 1,
            speech=speech,
            seed=(seed, round(wanted.at_s * FPS)),
            tell=lambda: progress(done, total),
        )
        filmed, paste, shown = self._filmed(take), crop.onto(portrait), None
        while done < total:
            while at < _own(wanted.first + done, fps):
                at, shown = at + 1, next(filmed)
            yield wanted.before[-1].copy() if shown is None else paste(shown)
            done += 1
            progress(done, total)

    def paste_back(self, portrait: Picture, face: Face) -> PasteBack:
        """Measure. See `engines.roles.Pastes`."""
        return self._crop(portrait, face).paste_back(portrait)

    def _crop(self, portrait: Picture, face: Face) -> Crop:
        return upright(face, portrait, share=FACE_SHARE, at=FACE_AT, size_px=self._size_px)

    def _filmed(self, take: "_Take") -> Iterator[Picture]:
        """Yield frames of its own, (size, size, 3), without end."""
        from engines.animation.nets.flashhead_sampler import FRESH, Sampler  # noqa: PLC0415 - heavy

        sampler = Sampler(self._transformer, self._vae, take.portrait, steps=self._steps)
        if take.carried:
            sampler.go_on_from(take.carried)
        for first in count(take.first, FRESH):
            take.tell()
            heard = self._heard(take.speech, first + FRESH)
            with _told(self._transformer, take.tell):
                frames = sampler.film(heard, _noise(take.seed[0], take.seed[1] + first))
            yield from frames

    def _heard(self, speech: AudioFile, stop: int) -> "torch.Tensor":
        """Return what is heard around each frame of the chunk that ends before `stop`.

        Returns:
            (CHUNK, window, layers, channels), where the transformer is. Before and after the speech
            is silence; what comes after the chunk is not heard.
        """
        import torch  # noqa: PLC0415 - heavy

        from engines.animation.nets.flashhead_sampler import CHUNK  # noqa: PLC0415 - heavy

        network, prepare = self._hearing
        frames, size = HEARD_S * FPS, HEARD_S * RATE_HZ
        end = stop * RATE_HZ // FPS
        found = mono_cut(speech, RATE_HZ, (end - size) / RATE_HZ, end / RATE_HZ)
        wave = np.zeros(size, np.float32)
        before = max(0, size - end)
        wave[before : before + found.size] = found[: size - before]
        given = prepare(wave, sampling_rate=RATE_HZ, return_tensors="pt").input_values
        with torch.inference_mode():
            layers = speech_layers(network, given.to(device_of(network)), frames)[1:]
        around = torch.arange(frames - CHUNK, frames)[:, None] + torch.arange(-NEAR, NEAR + 1)
        heard = layers.transpose(0, 1)[around.clamp(max=frames - 1).to(layers.device)]
        return heard.to(device_of(self._transformer))

    @cached_property
    def _transformer(self) -> "Transformer":
        return read_transformer(self._folder, self._dtype)

    @cached_property
    def _vae(self) -> Any:
        return read_vae(self._vae_file, self._dtype)

    @cached_property
    def _hearing(self) -> tuple[Any, Any]:
        return read_hearing(self._hearing_folder)


@dataclass(frozen=True, slots=True)
class _Take:
    """What is filmed in one go; frames are the network's own, counted from the speech's beginning."""

    portrait: Picture  # (size, size, 3)
    carried: list[Picture]  # the frames before, as large; none: it begins with the portrait
    first: int
    speech: AudioFile
    seed: tuple[int, int]  # the film's, and the frame of the film with which the speech begins
    tell: Callable[[], None]


def _own(frame: int, fps: float) -> int:
    """Return which frame of its own is nearest in time to a frame of the film."""
    return int((frame + 0.5) * FPS / fps)


def _carried(crop: Crop, before: Mapping[int, Picture]) -> list[Picture]:
    """Return the frames to go on from, of the network's size; `before` is by its own numbers."""
    from engines.animation.nets.flashhead_sampler import CARRIED  # noqa: PLC0415 - heavy

    last = [crop.cut(each) for each in before.values()][-CARRIED:]
    return last[:1] * (CARRIED - len(last)) + last


def _noise(seed: int, frame: int) -> "Draw":
    """Return noise that depends on the film's seed and the chunk's place alone, not on the device."""
    import torch  # noqa: PLC0415 - heavy

    dice = torch.Generator()
    dice.manual_seed(
        int(np.random.SeedSequence((seed, frame)).generate_state(1, np.uint64)[0] >> 1)
    )
    return lambda size: torch.randn(size, generator=dice)


@contextmanager
def _told(network: "Transformer", tell: Callable[[], None]) -> Generator[None, None, None]:
    """Call `tell` before every block of the network: it can be stopped there."""

    def hook(_block: object, _given: object) -> None:
        tell()

    hooks = [each.register_forward_pre_hook(hook) for each in network.blocks]
    try:
        yield
    finally:
        for each in hooks:
            each.remove()
