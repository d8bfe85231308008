"""Faces and their 468 points by MediaPipe's two small networks, run by OpenCV.

Bazarevsky et al., BlazeFace (2019); Kartynnik et al., Real-time Facial Surface Geometry from
Monocular Video on Mobile GPUs (2019). The two files come from the wheel of mediapipe 0.10.21
(Apache-2.0), which is never imported.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.roles import Face, Picture
from engines.weights import own_file

Points = NDArray[np.float32]

DETECTOR, LANDMARKS = "face_detection_short_range.tflite", "face_landmark.tflite"
DETECTOR_PX, MESH_PX = 128, 192
SURE, UNSURE = 0.5, 0.3
CERTAIN = 0.98  # of the mesh, where the detector needed a closer look: a cat reaches less
OVERLAP = 0.3
REFINEMENTS = 2  # each looks again at what the one before found
MARGIN = 1.5  # of the square that is looked at, over the face
LEFT_EYE, RIGHT_EYE = 33, 263  # outer corners
NOSE_TIP, LEFT_CHEEK, RIGHT_CHEEK = 1, 234, 454
MOST_FACES = 8


@dataclass(frozen=True, slots=True)
class _Box:
    centre: Points
    side_px: float
    angle: float


class FaceMesh:
    """Finds faces of about 1/10 of the picture or more.

    Args:
        folder: where the two files are, below the environment's `share/understudy`.
    """

    def __init__(self, *, folder: str = "faces") -> None:
        self._folder = folder

    def find(self, picture: Picture) -> tuple[Face, ...]:
        """Return the faces, largest first. See `engines.roles.FaceFinder`."""
        for tiles, sure, least in (
            (_wide_tiles, SURE, SURE),
            (_small_tiles, SURE, CERTAIN),
            (_wide_tiles, UNSURE, CERTAIN),
        ):
            if faces := self._faces(picture, tiles(picture), sure, least):
                return faces
        return ()

    def _faces(
        self, picture: Picture, tiles: Sequence[tuple[int, int, int]], sure: float, least: float
    ) -> tuple[Face, ...]:
        """Look at each tile (left, top, side); a face that two of them see is one."""
        boxes = [box for tile in tiles for box in self._boxes(picture, tile, sure)]
        kept: list[Face] = []
        for box in sorted(boxes, key=lambda each: -each.side_px)[:MOST_FACES]:
            face = self._face(picture, box)
            if face.score >= least and not any(_same(face, each) for each in kept):
                kept.append(face)
        return tuple(sorted(kept, key=lambda face: -face.height_px))

    @cached_property
    def _detector(self) -> Any:
        return self._network(DETECTOR)

    @cached_property
    def _landmarks(self) -> Any:
        return self._network(LANDMARKS)

    def _network(self, name: str) -> Any:
        return cv2.dnn.readNetFromTFLite(str(own_file(f"{self._folder}/{name}")))

    def _boxes(self, picture: Picture, tile: tuple[int, int, int], sure: float) -> list[_Box]:
        left, top, side = tile
        square = np.zeros((side, side, 3), np.uint8)
        seen = picture[max(0, top) : top + side, max(0, left) : left + side]
        rows, columns = max(0, -top), max(0, -left)
        square[rows : rows + seen.shape[0], columns : columns + seen.shape[1]] = seen
        size, mean = (DETECTOR_PX, DETECTOR_PX), (127.5, 127.5, 127.5)
        outputs = _forward(self._detector, cv2.dnn.blobFromImage(square, 1 / 127.5, size, mean))
        scores = next(each for each in outputs if each.shape[-1] == 1).ravel()
        found = next(each for each in outputs if each.shape[-1] == 16).reshape(-1, 16)
        scores = 1 / (1 + np.exp(-np.clip(scores, -50, 50)))
        likely = np.flatnonzero(scores > sure)
        if not likely.size:
            return []
        anchors = _anchors()[likely]
        centres = found[likely, :2] / DETECTOR_PX + anchors
        sizes = found[likely, 2:4] / DETECTOR_PX
        eyes = found[likely, 4:8].reshape(-1, 2, 2) / DETECTOR_PX + anchors[:, None]
        corners = np.hstack([centres - sizes / 2, sizes])
        kept: Any = cv2.dnn.NMSBoxes(
            (corners * 1000).tolist(), scores[likely].tolist(), sure, OVERLAP
        )
        return [
            _Box(
                (centres[i] * side + (left, top)).astype(np.float32),
                MARGIN * float(sizes[i].max()) * side,
                _angle(eyes[i, 0], eyes[i, 1]),
            )
            for i in np.asarray(kept).ravel()
        ]

    def _face(self, picture: Picture, box: _Box) -> Face:
        points, score = self._mesh(picture, box)
        for _ in range(REFINEMENTS):
            low, high = points.min(axis=0), points.max(axis=0)
            side = MARGIN * float((high - low).max())
            tilt = _angle(points[LEFT_EYE], points[RIGHT_EYE])
            points, score = self._mesh(picture, _Box((low + high) / 2, side, tilt))
        return Face(points, score, _turned(points))

    def _mesh(self, picture: Picture, box: _Box) -> tuple[Points, float]:
        x, y = map(float, box.centre)
        scale = MESH_PX / max(box.side_px, 1.0)
        turn = cv2.getRotationMatrix2D((x, y), float(np.degrees(box.angle)), scale)
        turn[:, 2] += MESH_PX / 2 - np.array([x, y])
        size = (MESH_PX, MESH_PX)
        crop = cv2.warpAffine(picture, turn, size, borderMode=cv2.BORDER_REPLICATE)
        outputs = _forward(self._landmarks, cv2.dnn.blobFromImage(crop, 1 / 255.0, size))
        mesh = next(each for each in outputs if each.size == 1404).reshape(468, 3)[:, :2]
        logit = float(next(each for each in outputs if each.size == 1).ravel()[0])
        back = cv2.invertAffineTransform(turn)
        points = mesh @ back[:, :2].T + back[:, 2]
        return points.astype(np.float32), float(1 / (1 + np.exp(-np.clip(logit, -50, 50))))


def _forward(network: Any, blob: Any) -> Sequence[NDArray[np.float32]]:
    network.setInput(blob)
    return network.forward(network.getUnconnectedOutLayersNames())


def _anchors() -> Points:
    """Return the centres of the detector's cells, (896, 2), in shares of the picture."""
    grids: list[NDArray[np.float64]] = []
    for cells, repeats in ((16, 2), (8, 6)):
        middles = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(middles, middles, indexing="ij")
        grids.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), repeats, axis=0))
    return np.concatenate(grids).astype(np.float32)


def _wide_tiles(picture: Picture) -> list[tuple[int, int, int]]:
    """Return (left, top, side): the whole picture, and squares along a long one."""
    height, width = picture.shape[:2]
    side = max(height, width)
    whole = ((width - side) // 2, (height - side) // 2, side)
    short = min(height, width)
    if side < 1.2 * short:
        return [whole]
    along = [(at, 0, short) if width > height else (0, at, short) for at in _places(side, short)]
    return [whole, *along]


def _small_tiles(picture: Picture) -> list[tuple[int, int, int]]:
    """Return squares of half the shorter side, each reaching half into the next."""
    height, width = picture.shape[:2]
    side = max(DETECTOR_PX, min(height, width) // 2)
    return [(x, y, side) for y in _places(height, side) for x in _places(width, side)]


def _places(length: int, side: int) -> list[int]:
    """Return where squares begin that cover `length` and overlap by half or more."""
    count = max(1, -(-2 * length // side) - 1)
    return [round(each) for each in np.linspace(0.0, float(max(0, length - side)), count)]


def _same(one: Face, other: Face) -> bool:
    apart = np.linalg.norm(one.points.mean(axis=0) - other.points.mean(axis=0))
    return float(apart) < 0.5 * max(one.height_px, other.height_px)


def _angle(left: Any, right: Any) -> float:
    return float(np.arctan2(right[1] - left[1], right[0] - left[0]))


def _turned(points: Points) -> float:
    """Tell how far the nose is off the middle of the cheeks, 0 to 1."""
    left, right = points[LEFT_CHEEK], points[RIGHT_CHEEK]
    across = right - left
    length = float(across @ across)
    place = float((points[NOSE_TIP] - left) @ across) / length if length else 0.5
    return min(1.0, abs(2 * place - 1))
