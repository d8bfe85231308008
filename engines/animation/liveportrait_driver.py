"""LivePortrait led by a film: the portrait moves as the face there does, from how that looks at rest.

Guo et al. 2024 (arXiv 2407.03168), https://github.com/KwaiVGI/LivePortrait (MIT, code and weights). As there,
one square around the face serves the whole film, and motion is relative; to the calmest frame instead of
the first one, so that a film may begin in the middle of a word.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engines.animation.crop import Crop
from engines.animation.liveportrait_crop import (
    DRIVING_SCALE,
    DRIVING_SHIFT,
    average,
    eye_ratios,
    lip_ratio,
    square,
)
from engines.animation.liveportrait_motion import Floats, Poses, joined
from engines.animation.liveportrait_networks import Networks
from engines.animation.liveportrait_sitter import Sitter, paste_back
from engines.animation.performance import Acting
from engines.roles import Face, Performance, Picture
from media.pictures import PasteBack
from studio.progress import Progress

if TYPE_CHECKING:
    import torch

MOST_CROPS = 500  # of a film's frames: so many tell where the face is


class LivePortraitDriver:
    """Moves a portrait's head, eyes and lips as a face in a film.

    Args:
        weights: folder of LivePortrait in the official layout.
        narrow: what the widths of the networks are divided by; 1: as published.
        batch: frames that are drawn at once.
        fit_lips: the lips open as far as those in the film do, by the network that knows it.
        fit_lids: the same for the lids.
    """

    speaks = False  # lips, cheeks and jaw are one motion of the film's

    def __init__(
        self,
        *,
        weights: Path,
        narrow: int = 1,
        batch: int = 4,
        fit_lips: bool = False,
        fit_lids: bool = False,
    ) -> None:
        self._networks, self._batch = Networks(weights, narrow), batch
        self._fit_lips, self._fit_lids = fit_lips, fit_lids

    def networks(self) -> Mapping[str, "torch.nn.Module"]:
        """Return the networks. See `engines.networks.Hosted`."""
        return self._networks.modules

    def drive(
        self,
        portrait: Picture,
        face: Face,
        performance: Performance,
        frames: Sequence[int],
        *,
        progress: Progress,
    ) -> Iterator[Picture]:
        """Yield the frames. See `engines.roles.PortraitDriver`.

        Raises:
            MissingWeights: if the weights are not there.
            BadInput: if a file is not what it should be.
        """
        points, wanted = performance.points, np.array(frames)
        progress(0, len(wanted))
        every = -(-len(points) // MOST_CROPS)
        crop = average(
            [
                square(mesh, self._networks.seen_px, DRIVING_SCALE, DRIVING_SHIFT, turned=False)
                for mesh in points[::every]
            ]
        )
        calm = Acting(points, performance.fps).rest
        rest = self._seen(performance, crop, calm, calm + 1, lambda: None)
        low, high = int(wanted.min()), int(wanted.max()) + 1
        seen = self._seen(performance, crop, low, high, lambda: progress(0, len(wanted)))
        lips, lids = (
            np.array([ratio(points[frame]) for frame in wanted], np.float32) if fit else None
            for fit, ratio in ((self._fit_lips, lip_ratio), (self._fit_lids, _lids))
        )
        sitter = Sitter(self._networks, portrait, face, self._batch)
        driven = sitter.perform(seen.timed(wanted - low), rest, lips=lips, lids=lids)
        for done, frame in enumerate(sitter.draw(driven), start=1):
            yield frame
            progress(done, len(wanted))

    def paste_back(self, portrait: Picture, face: Face) -> PasteBack:
        """Measure. See `engines.roles.Pastes`."""
        return paste_back(self._networks, portrait, face)

    def _seen(
        self, performance: Performance, crop: Crop, low: int, high: int, check: Callable[[], None]
    ) -> Poses:
        """Return the poses of the film's face from frame `low` up to `high`."""
        pictures = performance.pictures(low, high)
        found: list[Poses] = []
        while batch := list(islice(pictures, self._batch)):
            check()
            found.append(self._networks.look([crop.cut(each) for each in batch])[0])
        return joined(found)


def _lids(points: Floats) -> float:
    return sum(eye_ratios(points)) / 2
