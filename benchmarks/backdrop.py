"""Cutting people out and setting them before another background: processor time a frame, and memory.

    python -m benchmarks.backdrop CLIP [FRAMES]

The clip's frames are enlarged to each size and go through segmenter and compositing one at a time.
"""

import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np

from engines import catalog
from media.backdrop import Setting, cover, setting
from media.pictures import Pixels

SIZES = ((512, 512), (1920, 1080))
PROMPTS = ("a beach at sunset", "modern office", "city skyline at night", "misty forest at dawn")


def frames(clip: Path, width_px: int, height_px: int, count: int) -> Iterator[Pixels]:
    """Yield the first frames of a clip, filling that size."""
    with av.open(str(clip)) as film:
        for index, frame in enumerate(film.decode(video=0)):
            if index == count:
                return
            yield cover(frame.to_ndarray(format="rgb24"), width_px, height_px)


def peak_mb() -> float:
    """Return the most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(clip: Path, count: int) -> None:
    """Measure and print."""
    cv2.setNumThreads(1)
    segmenter = catalog.entry("selfie-segmenter").build()
    painter = catalog.entry("painter").build()
    for prompt in PROMPTS:
        began_s = time.process_time()
        painter.make(prompt, 1920, 1080, 1)
        print(f"painted {prompt!r}, 1920 × 1080: {time.process_time() - began_s:.1f} s")
    for width_px, height_px in SIZES:
        backdrop = painter.make(PROMPTS[0], width_px, height_px, 1)
        taken = list(frames(clip, width_px, height_px, 1)) * 2
        next(segmenter.segment(taken))  # what is loaded once
        scene: Setting | None = None
        cut_s = set_s = 0.0
        cuts = segmenter.segment(frames(clip, width_px, height_px, count))
        feeding_s = time.process_time()
        fed = sum(1 for _ in frames(clip, width_px, height_px, count))
        feeding_s = time.process_time() - feeding_s
        mattes: list[float] = []
        while True:
            began_s = time.process_time()
            cut = next(cuts, None)
            cut_s += time.process_time() - began_s
            if cut is None:
                break
            scene = scene or setting(cut.frame, cut.matte, backdrop, 0.5)
            began_s = time.process_time()
            scene.over(cut.frame, cut.matte)
            set_s += time.process_time() - began_s
            mattes.append(float(np.mean(cut.matte)))
        cut_ms, set_ms = 1000 * (cut_s - feeding_s) / fed, 1000 * set_s / fed
        print(
            f"{width_px} × {height_px}, {fed} frames: matte {cut_ms:.0f} ms, compositing {set_ms:.0f} ms"
            f" a frame; person {100 * np.mean(mattes):.0f} % of the picture; peak {peak_mb():.0f} MB"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 50)
