"""People cut out by MediaPipe's small selfie network, run by OpenCV, and refined to the edge.

The network (Apache-2.0, 250 kB, 256 × 256) is in the wheel of mediapipe 0.10.21, which is never imported.
Model card: https://storage.googleapis.com/mediapipe-assets/Model%20Card%20MediaPipe%20Selfie%20Segmentation.pdf
It looks at the whole picture first, then once more, larger, at where the person is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from engines.roles import Cutout, Picture
from engines.segmentation.edges import refine
from engines.weights import own_file
from media.filters import Floats, box, fitted, floats, resized

FILE = "selfie_segmentation.tflite"
NET_PX = 256
LOOK_PX = 512  # the longer side of the rough mask
CLOSER = (
    0.8  # a second look is worth it where the person takes less of the picture's sides than that
)
MARGIN = 0.12
SURE = 0.7  # of the mask: more is a person
DOUBT = 0.05  # of the person's size: how far off what is less may still be hair
KEPT = 0.8  # of the mask before, where the picture stands still
STILL = 0.03  # a change of colour that is none, of full scale
CUT = 0.12  # a mean change of colour that is another shot


@dataclass(frozen=True, slots=True)
class _Box:
    left: int
    top: int
    right: int
    bottom: int


class SelfieSegmenter:
    """Cuts out people who fill a good part of the picture.

    Args:
        folder: where the file is, below the environment's `share/understudy`.
    """

    def __init__(self, *, folder: str = "faces") -> None:
        self._folder = folder

    def segment(self, frames: Iterable[Picture]) -> Iterator[Cutout]:
        """Yield each frame with its matte. See `engines.roles.Segmenter`."""
        before: tuple[Floats, Floats] | None = None
        for frame in frames:
            seen = _small(frame)
            rough = self._rough(seen)
            if before is not None and before[0].shape == seen.shape:
                rough = _steadied(rough, seen, before)
            before = seen, rough
            yield Cutout(frame, refine(frame, rough))

    @cached_property
    def _network(self) -> Any:
        return cv2.dnn.readNetFromTFLite(str(own_file(f"{self._folder}/{FILE}")))

    def _rough(self, seen: Floats) -> Floats:
        mask = self._looked(seen)
        part = _around(mask)
        if part is None:
            return _near_the_sure(mask)
        within = slice(part.top, part.bottom), slice(part.left, part.right)
        closer = mask.copy()
        closer[within] = self._looked(np.ascontiguousarray(seen[within]))
        # The closer look counts inside its box; towards the border of that the first one does.
        weight = np.zeros_like(mask)
        weight[within] = 1
        side = MARGIN / 2 * max(part.bottom - part.top, part.right - part.left)
        weight = np.clip(2 * box(weight, side) - 1, 0, 1)
        return _near_the_sure(floats(mask + weight * (closer - mask)))

    def _looked(self, seen: Floats) -> Floats:
        """Return the network's mask of a picture in 0..1, at its size."""
        height, width = seen.shape[:2]
        square = resized(seen, NET_PX, NET_PX)
        self._network.setInput(np.ascontiguousarray(square.transpose(2, 0, 1)[None]))
        mask = self._network.forward().reshape(NET_PX, NET_PX)
        return floats(np.clip(resized(mask, width, height), 0, 1))


def _near_the_sure(mask: Floats) -> Floats:
    """Return the mask without what is only perhaps a person and stands off what surely is one."""
    sure = floats(mask > SURE)
    reach = max(2, round(DOUBT * float(np.sqrt(sure.sum()))))
    shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return floats(mask * box(floats(cv2.dilate(sure, shape)), reach / 2))


def _small(frame: Picture) -> Floats:
    size = fitted(frame.shape[1], frame.shape[0], LOOK_PX)
    return resized(frame, *size) / np.float32(255)


def _around(mask: Floats) -> _Box | None:
    """Return the part that the person takes, with a margin; None: nobody, or nearly all of it."""
    rows, columns = np.flatnonzero(mask.max(axis=1) > 0.5), np.flatnonzero(mask.max(axis=0) > 0.5)
    if rows.size < 8 or columns.size < 8:
        return None
    height, width = mask.shape
    margin = round(MARGIN * max(rows[-1] - rows[0], columns[-1] - columns[0]))
    part = _Box(
        max(0, int(columns[0]) - margin),
        max(0, int(rows[0]) - margin),
        min(width, int(columns[-1]) + margin),
        min(height, int(rows[-1]) + margin),
    )
    wide, high = part.right - part.left, part.bottom - part.top
    return part if wide * high < CLOSER * width * height else None


def _steadied(rough: Floats, seen: Floats, before: tuple[Floats, Floats]) -> Floats:
    """Return the mask held back where the picture did not change: it must not shimmer."""
    change = np.abs(seen - before[0]).mean(axis=2)
    if float(change.mean()) > CUT:
        return rough
    kept = KEPT * np.exp(-np.square(box(change, 2) / STILL))
    return floats(rough + kept * (before[1] - rough))
