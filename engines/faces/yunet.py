"""Faces and five points of each by YuNet, one small network over the whole picture, run by OpenCV.

Wu, Peng, Yu, YuNet: A Tiny Millisecond-level Face Detector (2023), doi 10.1007/s11633-023-1423-y;
https://github.com/opencv/opencv_zoo, models/face_detection_yunet (MIT). On WIDER FACE its page states
0.884, 0.866 and 0.750 (easy, medium, hard); MTCNN is stated with 0.851, 0.820 and 0.607. Measured here
(benchmarks/RESULTS.md) it takes a fifth of MTCNN's time, and misses small faces that are tilted by 30°.

The model is 232,589 bytes large and quick on the processor: no GPU need make room for it, so it is not
a torch network that the model manager lends, but `cv2.FaceDetectorYN`. With the official file that and
ONNX Runtime, decoded by the rules of OpenCV's face_detect.cpp, find the same 66 faces in 24 pictures and
their mirror images (least score 0.9, 0.6 and 0.3); points differ by 2.1e-4 pixels at most, scores by 8e-7.
"""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.roles import Picture
from media.canonical_face import Spotted
from studio.errors import BadInput, MissingWeights

Floats = NDArray[np.float32]

FILE = "face_detection_yunet_2023mar.onnx"
FETCH = "Fetch it, in the Engine Room or by ./run.sh weights --engine yunet."
STRIDES_PX = 8, 16, 32  # of the cells that may hold a face's middle
KINDS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}  # what the network says of a cell, in numbers
PROBE_PX = 64
LONGEST_PX, LEAST_PX, SHRINK = 1600, 320, 4  # it knows faces of 10 to 300 pixels
CLOSE_PX, REACH = 64, 1.25  # of a closer look: the face's box, and how far it goes to each side


class YuNet:
    """Spots faces of a hundredth of the picture or more.

    Args:
        weights: folder of the official file.
        sure: least score, of 0 to 1.
        overlap: above which two boxes are one face: the shared area, of both together.
    """

    def __init__(self, *, weights: Path, sure: float = 0.6, overlap: float = 0.3) -> None:
        self._path, self._sure, self._overlap = weights / FILE, sure, overlap

    def spot(self, picture: Picture) -> tuple[Spotted, ...]:
        """Return the faces, largest first. See `engines.roles.FaceSpotter`.

        Raises:
            MissingWeights: if the file is not there.
            BadInput: if it is damaged, or another network.
        """
        found = np.concatenate([self._found(picture, size) for size in _sizes(picture)])
        closer = [self._closer(picture, face) for face in self._apart(found)]
        faces = self._apart(np.array(closer, np.float32).reshape(-1, 15))
        return tuple(
            Spotted(face[4:14].reshape(5, 2), float(face[14]))
            for face in sorted(faces, key=lambda face: -float(face[3]))
        )

    @cached_property
    def _detector(self) -> Any:
        return cv2.FaceDetectorYN.create(
            "onnx",
            _network(self._path),
            np.zeros(0, np.uint8),
            (PROBE_PX, PROBE_PX),
            self._sure,
            self._overlap,
        )

    def _found(self, picture: Picture, size: tuple[int, int]) -> Floats:
        """Return what is seen in the picture at that width and height, (n, 15) in its own pixels.

        Left, top, width and height of the box; then the five points, the person's right ones first,
        which are the picture's left; then the score.
        """
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        self._detector.setInputSize(size)
        found = self._detector.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1]
        if found is None:
            return np.zeros((0, 15), np.float32)
        found = found[np.isfinite(found).all(axis=1)]  # a damaged network may say anything
        scale = np.array(picture.shape[1::-1]) / size
        return (found * np.append(np.tile(scale, 7), 1)).astype(np.float32)

    def _apart(self, found: Floats) -> Floats:
        """Return which stay, the surest first, where two for one face are one."""
        boxes, scores = found[:, :4].tolist(), found[:, 14].tolist()
        kept = cv2.dnn.NMSBoxes(boxes, scores, self._sure, self._overlap)
        return found[np.asarray(kept, int).ravel()]

    def _closer(self, picture: Picture, face: Floats) -> Floats:
        """Return the face as a look at it alone shows it, if that is surer: its points are exacter then."""
        middle, side = face[:2] + face[2:4] / 2, float(face[2:4].max())
        left, top = (max(0, round(float(at) - REACH * side)) for at in middle)
        right, bottom = (max(0, round(float(at) + REACH * side)) for at in middle)
        close = picture[top:bottom, left:right]
        if not close.size:
            return face
        scale = CLOSE_PX / side
        height, width = (max(1, round(each * scale)) for each in close.shape[:2])
        seen = self._found(close, (width, height))
        seen[:, [0, *range(4, 14, 2)]] += left
        seen[:, [1, *range(5, 14, 2)]] += top
        same = min(seen, key=lambda each: float(np.abs(each - face)[:4].max()), default=face)
        return max(face, same, key=lambda each: float(each[14]))


def _sizes(picture: Picture) -> Iterator[tuple[int, int]]:
    """Yield widths and heights at which faces of each size are small enough for the network."""
    height, width = picture.shape[:2]
    longest = min(max(height, width), LONGEST_PX)
    while True:
        scale = longest / max(height, width)
        yield max(1, round(width * scale)), max(1, round(height * scale))
        if longest <= LEAST_PX:
            return
        longest = max(LEAST_PX, longest // SHRINK)


def _network(path: Path) -> NDArray[np.uint8]:
    """Return the bytes of the file, in which OpenCV would not look for what it takes for granted.

    Raises:
        MissingWeights: if it is not there.
        BadInput: if its network does not answer as this one does.
    """
    if not path.is_file():
        raise MissingWeights(f"{path.name} is not here", remedy=FETCH)
    held = np.fromfile(path, np.uint8)
    cells = {stride: (PROBE_PX // stride) ** 2 for stride in STRIDES_PX}
    wanted = {
        f"{kind}_{stride}": (1, count, numbers)
        for kind, numbers in KINDS.items()
        for stride, count in cells.items()
    }
    try:
        network: Any = cv2.dnn.readNetFromONNX(held)
        network.setInput(np.zeros((1, 3, PROBE_PX, PROBE_PX), np.float32))
        answers = network.forward(list(wanted))
    except cv2.error as error:
        raise BadInput(f"{path.name} is damaged, or no YuNet", remedy=FETCH) from error
    if [each.shape for each in answers] != list(wanted.values()):
        raise BadInput(f"{path.name} is another network than YuNet", remedy=FETCH)
    return held
