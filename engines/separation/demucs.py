"""Voice from background with Hybrid Transformer Demucs: the official networks and weights.

Rouard, Massa, Défossez 2022, "Hybrid Transformers for Music Source Separation"
(https://arxiv.org/abs/2211.08553); the network is the class of the demucs package
(https://github.com/adefossez/demucs), the leading of it over long sound is ours.

As in the official code, the whole file's mean and deviation are taken off first (which is one more
reading), segments overlap by a quarter under a triangle, and `shifts` averages runs that begin at
random places. Only the voice is computed, the background is the mixture minus the voice: both add up,
and of the fine-tuned bag only the networks that have a say in the voice are loaded (one of four).
"""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from engines.networks import device_of, last_pass
from engines.roles import Stem
from engines.separation.bags import VOICE, Member, open_bag
from engines.separation.overlap import RATE_HZ, Estimate, Part, level_of, split, triangle
from media.audio import Audio, AudioFile, Samples
from studio.progress import Progress

if TYPE_CHECKING:
    import torch

OVERLAP = 0.25
LONGEST_SHIFT = RATE_HZ // 2


class Demucs:
    """Hybrid Transformer Demucs as a separator.

    Args:
        weights: folder with the official files (see `engines.separation.bags`).
        name: of the bag in it, such as "htdemucs_ft".
        shifts: runs that are averaged, each shifted by up to half a second; 0: one, not shifted.
        seed: of the shifts.
    """

    def __init__(self, *, weights: Path, name: str, shifts: int = 0, seed: int = 0) -> None:
        self._weights, self._name = weights, name
        self._shifts, self._seed = shifts, seed
        self._members: tuple[tuple[int, Member], ...] = ()

    def networks(self) -> Mapping[str, "torch.nn.Module"]:
        """Return the networks that have a say in the voice, by signature.

        Raises:
            MissingWeights: if a file is not there.
            BadInput: if a file is not what it should be.
        """
        if not self._members:
            self._members = open_bag(self._weights, self._name)
        return {member.signature: member.network for _, member in self._members}

    def separate(self, mixture: AudioFile, progress: Progress) -> Iterator[Mapping[Stem, Audio]]:
        """Yield the stems block by block. See `engines.roles.Separator`."""
        self.networks()
        whole_s = int(mixture.duration_s)
        level = level_of(mixture, lambda: progress(0, whole_s))
        yield from split(mixture, list(self._parts()), level, progress)

    def _parts(self) -> Iterator[Part]:
        """Lead every network over the sound, `shifts` times, or once from its start."""
        chance = Random(self._seed)  # noqa: S311 - no secret
        begins = [  # drawn for every network of the bag, as in the official code
            [chance.randint(0, LONGEST_SHIFT) for _ in range(self._shifts)] or [LONGEST_SHIFT]
            for _ in range(self._members[-1][0] + 1)
        ]
        for place, member in self._members:
            network: Any = member.network
            segment = int(network.samplerate * network.segment)
            stride, weight = int((1 - OVERLAP) * segment), triangle(segment)
            share = member.share / len(begins[place])
            for number, begin in enumerate(begins[place], start=1):
                last = number == len(begins[place])
                ending = partial(last_pass, member.network) if last else nullcontext
                yield Part(_hear(member), weight, stride, LONGEST_SHIFT - begin, share, ending)


def _hear(member: Member) -> Estimate:
    """Return what one network makes of a segment, on the device where it is."""
    network: Any = member.network
    voice = list(network.sources).index(VOICE)

    def estimate(piece: Samples) -> Samples:
        import torch  # noqa: PLC0415 - heavy

        with torch.no_grad():
            sound = torch.from_numpy(piece)[None].to(device_of(member.network))
            return network(sound)[0, voice].float().cpu().numpy()

    return estimate
