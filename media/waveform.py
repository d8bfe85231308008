"""A sound as a picture: peaks as rounded bars, in colours of the caller's choice."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from media.audio import AudioFile
from media.tools import Check, unchecked

BLOCK_S = 10.0
OVERSAMPLE = 2
GAMMA = 0.6  # quiet speech stays visible beside loud music


@dataclass(frozen=True, slots=True)
class Look:
    """How a waveform is drawn; colours as "#rrggbb" or "#rrggbbaa"."""

    width_px: int = 1200
    height_px: int = 160
    bar_px: int = 3
    gap_px: int = 2
    colour: str = "#4f8cff"
    background: str = "#00000000"


def draw_waveform(
    audio: AudioFile, out: Path, look: Look | None = None, *, check: Check = unchecked
) -> None:
    """Write a PNG of `audio`, read in blocks."""
    look = look or Look()
    step = (look.bar_px + look.gap_px) * OVERSAMPLE
    width, height = look.width_px * OVERSAMPLE, look.height_px * OVERSAMPLE
    heights = peaks(audio, max(1, width // step), check=check) ** GAMMA
    image = Image.new("RGBA", (width, height), look.background)
    draw = ImageDraw.Draw(image)
    bar = look.bar_px * OVERSAMPLE
    for index, peak in enumerate(heights):
        half = max(bar / 2, float(peak) * (height / 2 - OVERSAMPLE))
        left = index * step
        box = (left, height / 2 - half, left + bar - 1, height / 2 + half - 1)
        draw.rounded_rectangle(box, radius=bar / 2, fill=look.colour)
    small = image.resize((look.width_px, look.height_px), Image.Resampling.BOX)
    small.save(out, format="PNG", optimize=True)


def peaks(audio: AudioFile, columns: int, *, check: Check = unchecked) -> NDArray[np.float32]:
    """Return the highest absolute sample of each of `columns` equal parts, (columns,), 0..1."""
    highest = np.zeros(columns, dtype=np.float32)
    if not audio.n_samples:
        return highest
    per_column = audio.n_samples / columns
    at = 0
    for block in audio.blocks(BLOCK_S):
        check()
        loud = np.abs(block.samples).max(axis=0)
        places: NDArray[np.int64] = np.arange(at, at + loud.size, dtype=np.int64)
        column = np.minimum((places / per_column).astype(np.int64), columns - 1)
        np.maximum.at(highest, column, loud)
        at += loud.size
    return np.minimum(highest, 1.0)
