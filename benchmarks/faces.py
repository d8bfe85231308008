"""Which faces are found, in pictures that make it hard, and what is taken for a face that is none.

    python -m benchmarks.faces SPOTTER PORTRAITS [WITHOUT_FACES...]

SPOTTER is an engine's id (`yunet`, `mtcnn`). PORTRAITS is a folder of pictures of one face each; those named `noface_*` have none, like the files
that follow. Each portrait is shrunk into a large picture, turned, darkened, covered in parts; a face
counts where its five points lie near those of the untouched portrait.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engines import catalog
from engines.roles import FaceFinder, FaceSpotter
from media.canonical_face import five_points
from media.pictures import Pixels, read_picture
from workflows.talking_head.portrait import DOUBTFUL, confirmed, pointed

NEAR = 0.25  # of the eyes' distance to the mouth: how far a point may be off
PROMPTS = ("modern office", "misty forest at dawn", "city skyline at night", "cosy living room")
ROOMS = ((1024, (28, 40, 56, 80)), (2400, (40, 60, 100)))


@dataclass(frozen=True)
class Scene:
    """A picture, and where its face is."""

    kind: str
    pixels: Pixels
    five: NDArray[np.float32]


def scenes(portrait: Pixels, five: NDArray[np.float32], backdrop: Pixels) -> Iterator[Scene]:
    """Yield the portrait as it is, and made harder."""
    height_px = _size(five)
    yield Scene("as it is", portrait, five)
    for room_px, sizes in ROOMS:
        behind = np.asarray(cv2.resize(backdrop, (room_px, room_px)), np.uint8)
        for size_px in sizes:
            scale = size_px / (2.2 * height_px)  # eyes to mouth, times 2.2: hairline to chin
            turn = np.array([[scale, 0, room_px * 0.3], [0, scale, room_px * 0.4]])
            shape = (
                max(1, round(portrait.shape[1] * scale)),
                max(1, round(portrait.shape[0] * scale)),
            )
            small = cv2.resize(portrait, shape, interpolation=cv2.INTER_AREA)
            pixels = behind.copy()
            left, top = int(turn[0, 2]), int(turn[1, 2])
            part = small[: room_px - top, : room_px - left]
            pixels[top : top + part.shape[0], left : left + part.shape[1]] = part
            yield Scene(f"{size_px} px of {room_px}", pixels, _moved(five, turn))
    middle = five.mean(axis=0)
    for degrees in (30, 60, 90):
        turn = np.asarray(cv2.getRotationMatrix2D(tuple(map(float, middle)), degrees, 1), float)
        size = portrait.shape[1::-1]
        pixels = cv2.warpAffine(portrait, turn, size, borderMode=cv2.BORDER_REPLICATE)
        yield Scene(f"turned {degrees}°", np.asarray(pixels, np.uint8), _moved(five, turn))
    yield Scene("dark", (portrait * 0.1).astype(np.uint8), five)
    yield Scene("out of focus", _blurred(portrait, height_px / 4), five)
    noise = np.random.default_rng(0).normal(0, 60, portrait.shape)
    yield Scene("grainy", np.clip(portrait + noise, 0, 255).astype(np.uint8), five)
    for kind, (first, last) in {"eyes hidden": (0, 1), "mouth hidden": (3, 4)}.items():
        pixels = portrait.copy()
        ends = [tuple(map(int, five[each])) for each in (first, last)]
        cv2.line(pixels, ends[0], ends[1], (30, 30, 30), max(1, int(height_px * 0.6)))
        yield Scene(kind, pixels, five)


def _size(five: NDArray[np.float32]) -> float:
    """Return how far the eyes are from the mouth."""
    return float(np.linalg.norm(five[:2].mean(axis=0) - five[3:].mean(axis=0)))


def _moved(five: NDArray[np.float32], turn: NDArray[np.float64]) -> NDArray[np.float32]:
    return (five @ turn[:, :2].T + turn[:, 2]).astype(np.float32)


def _blurred(pixels: Pixels, sigma: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8)


def judged(finder: FaceFinder, spotter: FaceSpotter, scene: Scene) -> str:
    """Say who finds the face, and how surely."""
    near = NEAR * _size(scene.five)
    if faces := finder.find(scene.pixels):
        off = np.abs(five_points(faces[0].points) - scene.five).max()
        return "mesh" if off < 2 * near else "mesh, elsewhere"
    found = spotter.spot(scene.pixels)
    if not found:
        return "nobody"
    if np.abs(found[0].points - scene.five).max() > near:
        return "spotter, elsewhere"
    size = np.array(scene.pixels.shape[1::-1])
    face = pointed(finder, scene.pixels, (found[0].points / size).tolist())
    return "spotter, mesh sure" if face.score >= DOUBTFUL else "spotter, mesh unsure"


def without(files: list[Path]) -> Iterator[tuple[str, Pixels]]:
    """Yield pictures in which nobody is seen, each in two sizes."""
    painter = catalog.entry("painter").build()
    taken = [(each.stem, read_picture(each, longest_px=1000)) for each in files]
    taken += [(each, painter.make(each, 1000, 750, 1)) for each in PROMPTS]
    for name, pixels in taken:
        for scale in (0.5, 1.0):
            yield name, np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale), np.uint8)


def main(spots: str, folder: Path, more: list[Path]) -> None:
    """Measure and print."""
    cv2.setNumThreads(1)
    finder, spotter = (catalog.entry(each).build() for each in ("face-mesh", spots))
    files = sorted(folder.glob("*.png"))
    faceless = [each for each in files if each.stem.startswith("noface")] + more
    backdrop = catalog.entry("painter").build().make("misty forest at dawn", 1024, 1024, 1)
    told: dict[str, Counter[str]] = {}
    for path in (each for each in files if each not in faceless):
        portrait = read_picture(path)
        (face,) = finder.find(portrait)
        for scene in scenes(portrait, five_points(face.points), backdrop):
            told.setdefault(scene.kind, Counter())[judged(finder, spotter, scene)] += 1
    for kind, counts in told.items():
        print(f"{kind:18s}", ", ".join(f"{count} {who}" for who, count in counts.most_common()))
    false = Counter[str]()
    spent_s = {"mesh": 0.0, "spotter": 0.0}
    pictures = list(without(faceless))
    for name, pixels in pictures:
        began_s = time.process_time()
        faces = finder.find(pixels)
        halfway_s = time.process_time()
        spotted = spotter.spot(pixels)
        spent_s["mesh"] += halfway_s - began_s
        spent_s["spotter"] += time.process_time() - halfway_s
        sure = () if faces else confirmed(finder, pixels, [each.points for each in spotted])
        false["mesh"] += bool(faces)
        false["spotter"] += bool(spotted)
        false["spotter alone, mesh sure"] += bool(sure)
        if faces or spotted:
            scores = [[round(each.score, 3) for each in found] for found in (faces, spotted, sure)]
            print("  no face:", name, pixels.shape, *scores)
    print(f"of {len(pictures)} without a face, one is found in", dict(false))
    print("s a picture", {name: round(each / len(pictures), 3) for name, each in spent_s.items()})


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), [Path(each) for each in sys.argv[3:]])
