"""The painter's tools: a canvas of light, noise, layers and glows."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from engines.images.light import Colour, Light
from engines.images.words import Wish
from media.filters import Floats, floats, resized, soft


@dataclass(frozen=True, slots=True)
class Canvas:
    """What is painted on: `pixels` is (height, width, 3) in 0..1, changed in place."""

    wish: Wish
    light: Light
    pixels: Floats
    dice: np.random.Generator
    horizon: float = 0.58  # of the height
    sun_x: float = 0.5  # of the width: where sun or moon stands

    @property
    def width(self) -> int:
        """In pixels."""
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        """In pixels."""
        return self.pixels.shape[0]

    @property
    def unit(self) -> float:
        """A hundredth of the mean side, in pixels: sizes are told in it."""
        return float(np.sqrt(self.width * self.height)) / 100

    def rows(self) -> Floats:
        """Return the height of each row, 0 at the top, (height, 1)."""
        return np.linspace(0, 1, self.height, dtype=np.float32)[:, None]

    def columns(self) -> Floats:
        """Return the place of each column, 0 at the left, (1, width)."""
        return np.linspace(0, 1, self.width, dtype=np.float32)[None]

    def noise(self, cells: float, octaves: int = 5, stretch: float = 1.0) -> Floats:
        """Return fractal noise in 0..1, (height, width); `cells` of it along the mean side."""
        total, weight, share = np.zeros((self.height, self.width), np.float32), 0.0, 1.0
        for octave in range(octaves):
            fine = cells * 2**octave
            rows = max(2, round(fine * self.height / (100 * self.unit)) + 2)
            columns = max(2, round(fine * self.width / (100 * self.unit) / stretch) + 2)
            if octave and max(rows, columns) > 2 * max(self.height, self.width):
                break
            grid = self.dice.random((rows, columns)).astype(np.float32)
            size = (self.width, self.height)
            total += share * floats(cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC))
            weight, share = weight + share, share * 0.5
        low, high = np.percentile(total[::4, ::4] / weight, (1, 99))
        return floats(np.clip((total / weight - low) / max(float(high - low), 1e-3), 0, 1))

    def line(self, cells: float, octaves: int = 6, roughness: float = 0.5) -> Floats:
        """Return a rough line in 0..1, (width,)."""
        total, weight, share = np.zeros(self.width, np.float32), 0.0, 1.0
        at = np.linspace(0, 1, self.width)
        for octave in range(octaves):
            count = max(3, round(cells * 2**octave) + 3)
            steps = np.linspace(0, 1, count) + self.dice.uniform(-0.3, 0.3, count) / count
            total += floats(share * np.interp(at, np.sort(steps), self.dice.random(count)))
            weight, share = weight + share, share * roughness
        return floats(total / weight)

    def moved(self, values: Any, down_px: float, right_px: float) -> Floats:
        """Return them moved; their edges go on."""
        turn = np.array([[1, 0, round(right_px)], [0, 1, round(down_px)]], np.float32)
        size = (values.shape[1], values.shape[0])
        return floats(cv2.warpAffine(values, turn, size, borderMode=cv2.BORDER_REPLICATE))

    def lay(self, colours: Any, share: Any) -> None:
        """Paint `colours` over everything, `share` (height, width) of them at each place."""
        self.pixels[...] += floats(share)[..., None] * (floats(colours) - self.pixels)

    def glow(self, x: float, y: float, radius_px: float, light: Colour, strength: float) -> None:
        """Add a round glow at a place given in shares of the canvas."""
        dy = (np.arange(self.height, dtype=np.float32)[:, None] - y * self.height) / radius_px
        dx = (np.arange(self.width, dtype=np.float32)[None] - x * self.width) / radius_px
        fall = strength * np.exp(-np.sqrt(dx * dx + dy * dy + 1e-6))
        self.screen(light * fall[..., None])

    def screen(self, light: Any) -> None:
        """Add light the way film does: bright places take less of it."""
        self.pixels[...] = 1 - (1 - np.clip(self.pixels, 0, 1)) * (1 - np.clip(floats(light), 0, 1))

    def below(self, line: Floats, soft_px: float = 1.2) -> Floats:
        """Return (height, width), 1 below a line given in shares of the height."""
        rows = np.arange(self.height, dtype=np.float32)[:, None]
        return floats(np.clip((rows - line[None] * self.height) / soft_px + 0.5, 0, 1))

    def patch(self, corners: Any, tint: Any, share: float = 1.0) -> None:
        """Fill a polygon of (x, y) in shares of the canvas with a colour."""
        places = floats(floats(corners) * floats([self.width, self.height]))
        low = np.clip(np.floor(places.min(axis=0)) - 1, 0, (self.width, self.height)).astype(int)
        high = np.clip(np.ceil(places.max(axis=0)) + 2, 0, (self.width, self.height)).astype(int)
        if (high <= low).any():
            return
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        fine = np.asarray(np.round((places - floats(low)) * 16), np.int32)
        cv2.fillPoly(mask, [fine], 255, cv2.LINE_AA, 4)
        part = self.pixels[low[1] : high[1], low[0] : high[0]]
        part += (floats(mask) * np.float32(share / 255))[..., None] * (floats(tint) - part)

    def bar(self, place: tuple[float, float, float, float], tint: Any, share: float = 1.0) -> None:
        """Fill a rectangle: left, top, right, bottom in shares of the canvas."""
        left, top, right, bottom = place
        self.patch([(left, top), (right, top), (right, bottom), (left, bottom)], tint, share)

    def within(self, place: tuple[float, float, float, float]) -> Floats:
        """Return (height, width), 1 within a rectangle."""
        left, top, right, bottom = place
        y, x = self.rows(), self.columns()
        return floats((x >= left) & (x <= right) & (y >= top) & (y <= bottom))

    def defocus(self, radius_px: float) -> None:
        """Put everything painted so far out of focus: lamps become discs."""
        radius = max(1, round(radius_px))
        shape = (2 * radius + 1, 2 * radius + 1)
        disc = floats(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, shape))
        shrink = max(1, radius // 8)
        if shrink > 1:
            small = resized(self.pixels, self.width // shrink, self.height // shrink)
            disc = resized(disc, max(3, shape[0] // shrink) | 1, max(3, shape[0] // shrink) | 1)
        else:
            small = self.pixels
        bright = small**2 * (1 + 6 * np.clip(small.max(axis=2, keepdims=True) - 0.82, 0, 1))
        spread = cv2.filter2D(bright, -1, disc / float(disc.sum()), borderType=cv2.BORDER_REFLECT)
        back = resized(np.sqrt(np.clip(spread, 0, 1)), self.width, self.height)
        self.pixels[...] = soft(back, shrink * 0.6) if shrink > 1 else back
