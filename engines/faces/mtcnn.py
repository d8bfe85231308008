"""Faces and five points of each by MTCNN, a cascade of three small networks over a pyramid of the picture.

Zhang et al., Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks (2016),
arXiv 1604.02878. The weights come from the wheel of facenet-pytorch 2.6.0 (MIT), which is never imported.
With them, on five portraits and two pictures without a face, the official code finds the same faces; the
points differ by 9e-5 pixels at most, the chances not at all.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engines.roles import Picture
from engines.weights import own_file
from media.canonical_face import Spotted
from studio.errors import BadInput

if TYPE_CHECKING:
    from torch import Tensor

    from engines.faces.mtcnn_net import Cascade

Floats = NDArray[np.float32]

FILES = "pnet.safetensors", "rnet.safetensors", "onet.safetensors"
CELL_PX, STRIDE_PX = 12, 2  # what the first network looks at, and how far apart
CROPS_PX = 24, 48  # of the second and third
LEAST_PX, LEAST_SHARE = 20, 0.01  # the smallest face, in pixels and of the picture's longer side
SHRINK = 0.709  # from one level of the pyramid to the next: half the area
LIKELY = 0.6, 0.7, 0.7  # least chance that each network lets pass
OVERLAPS = 0.5, 0.7, 0.7, 0.7  # of two boxes for one face: in a level, in all, after each network
MOST = 4096  # boxes that the second network looks at: a picture full of leaves has so many


class Mtcnn:
    """Spots faces of a hundredth of the picture or more, turned away ones too.

    Args:
        folder: where the three files are, below the environment's `share/understudy`.
    """

    def __init__(self, *, folder: str = "faces") -> None:
        self._folder = folder

    def spot(self, picture: Picture) -> tuple[Spotted, ...]:
        """Return the faces, largest first. See `engines.roles.FaceSpotter`."""
        import torch  # noqa: PLC0415 - heavy

        with torch.inference_mode():
            pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float()
            boxes = self._proposed(pixels)
            boxes = self._refined(pixels, boxes)
            return self._placed(pixels, boxes)

    @cached_property
    def _networks(self) -> "Cascade":
        from safetensors import SafetensorError  # noqa: PLC0415 - heavy
        from safetensors.torch import load_file  # noqa: PLC0415 - heavy # pyright: ignore[reportUnknownVariableType]

        from engines.faces.mtcnn_net import Cascade  # noqa: PLC0415 - heavy

        networks = Cascade().eval()
        for network, name in zip(networks.children(), FILES, strict=True):
            path = own_file(f"{self._folder}/{name}")
            try:
                network.load_state_dict(load_file(path))
            except (RuntimeError, SafetensorError) as error:
                raise BadInput(
                    f"{name} does not hold this network",
                    remedy="Delete it, and start ./run.sh again.",
                ) from error
        return networks

    def _proposed(self, pixels: "Tensor") -> Floats:
        """Return boxes with their chances, (n, 5): left, top, right, bottom, chance."""
        height, width = pixels.shape[2:]
        scale = CELL_PX / max(LEAST_PX, LEAST_SHARE * max(height, width))
        found: list[Floats] = []
        while min(height, width) * scale >= CELL_PX:
            size = int(height * scale + 1), int(width * scale + 1)
            chance, shift = self._networks.pnet(_resized(pixels, size))
            rows, columns = np.nonzero(chance[0].numpy() >= LIKELY[0])
            places = np.stack([columns, rows], axis=1).astype(np.float32) * STRIDE_PX + 1
            corners = [np.floor(places / scale), np.floor((places + CELL_PX - 1) / scale)]
            rest = chance[0, rows, columns].numpy()[:, None], shift[0, :, rows, columns].numpy().T
            level = np.hstack([*corners, *rest])
            found.append(level[_apart(level, OVERLAPS[0])])
            scale *= SHRINK
        every = np.concatenate(found) if found else np.zeros((0, 9), np.float32)
        every = every[_apart(every, OVERLAPS[1])][:MOST]
        return _square(_shifted(every[:, :5], every[:, 5:], 0))

    def _refined(self, pixels: "Tensor", boxes: Floats) -> Floats:
        if not len(boxes):
            return boxes
        chance, shift = self._networks.rnet(_crops(pixels, boxes, CROPS_PX[0]))
        passed = chance.numpy() > LIKELY[1]
        boxes = np.hstack([boxes[passed, :4], chance.numpy()[passed, None]])
        kept = _apart(boxes, OVERLAPS[2])
        return _square(_shifted(boxes[kept], shift.numpy()[passed][kept], 1))

    def _placed(self, pixels: "Tensor", boxes: Floats) -> tuple[Spotted, ...]:
        if not len(boxes):
            return ()
        chance, shift, points = self._networks.onet(_crops(pixels, boxes, CROPS_PX[1]))
        passed = chance.numpy() > LIKELY[2]
        boxes = np.hstack([boxes[passed, :4], chance.numpy()[passed, None]])
        places = points.numpy()[passed].reshape(-1, 2, 5).transpose(0, 2, 1)
        sides = boxes[:, 2:4] - boxes[:, :2] + 1
        places = boxes[:, None, :2] - 1 + sides[:, None] * places
        boxes = _shifted(boxes, shift.numpy()[passed], 1)
        kept = _apart(boxes, OVERLAPS[3], of_smaller=True)
        kept = sorted(kept, key=lambda index: -float(boxes[index, 3] - boxes[index, 1]))
        return tuple(
            Spotted(places[each].astype(np.float32), float(boxes[each, 4])) for each in kept
        )


def _resized(pixels: "Tensor", size: tuple[int, int]) -> "Tensor":
    """Return pictures of that height and width, each pixel a mean, from -1 to 1."""
    from torch.nn.functional import interpolate  # noqa: PLC0415 - heavy

    return (interpolate(pixels, size=size, mode="area") - 127.5) * 0.0078125


def _crops(pixels: "Tensor", boxes: Floats, side_px: int) -> "Tensor":
    """Return what is seen in each box, (n, 3, side, side); beyond the picture there is nothing."""
    import torch  # noqa: PLC0415 - heavy

    height, width = pixels.shape[2:]
    corners = np.trunc(boxes[:, :4]).astype(int)
    start = np.clip(corners[:, :2] - 1, 0, (width - 1, height - 1))
    end = np.clip(corners[:, 2:], start + 1, (width, height))
    return torch.cat(
        [
            _resized(pixels[:, :, top:bottom, left:right], (side_px, side_px))
            for (left, top), (right, bottom) in zip(start, end, strict=True)
        ]
    )


def _shifted(boxes: Floats, shift: Floats, more_px: int) -> Floats:
    """Return the boxes moved by shares of their own sides, which the networks measure so."""
    sides = boxes[:, 2:4] - boxes[:, :2] + more_px
    moved = boxes[:, :4] + shift * np.tile(sides, 2)
    return np.hstack([moved, boxes[:, 4:5]]).astype(np.float32)


def _square(boxes: Floats) -> Floats:
    """Return each box as the square of its longer side about the same middle."""
    sides = boxes[:, 2:4] - boxes[:, :2]
    longer = sides.max(axis=1, keepdims=True)
    start = boxes[:, :2] + sides / 2 - longer / 2
    return np.hstack([start, start + longer, boxes[:, 4:5]])


def _apart(boxes: Floats, overlap: float, *, of_smaller: bool = False) -> Sequence[int]:
    """Return which boxes stay, the likeliest first, where two for one face are one.

    Args:
        boxes: (n, 5 or more): left, top, right, bottom, chance.
        overlap: above which two are one: the shared area, of both together.
        of_smaller: the shared area of the smaller one instead; a pixel counts to both edges then.
    """
    more_px = 1 if of_smaller else 0
    sides = boxes[:, 2:4] - boxes[:, :2] + more_px
    areas = sides.prod(axis=1)
    left = np.argsort(-boxes[:, 4], kind="stable")
    kept: list[int] = []
    while left.size:
        best, left = int(left[0]), left[1:]
        kept.append(best)
        low = np.maximum(boxes[best, :2], boxes[left, :2])
        high = np.minimum(boxes[best, 2:4], boxes[left, 2:4])
        shared = np.maximum(high - low + more_px, 0).prod(axis=1)
        smaller, both = np.minimum(areas[best], areas[left]), areas[best] + areas[left] - shared
        left = left[shared <= overlap * (smaller if of_smaller else both)]
    return kept
