"""Weather in the air, the style of the picture, and what a lens and film add to it."""

from collections.abc import Callable

import cv2
import numpy as np

from engines.images.canvas import Canvas
from engines.images.light import colour, mix
from media.filters import floats, resized, soft

INDOORS = frozenset({"office", "room", "library", "studio", "space", "abstract", "bokeh", "plain"})
GRAIN = 0.012


def weather(canvas: Canvas) -> None:
    """Let it rain, snow or be foggy, out of doors."""
    wish = canvas.wish
    if wish.place in INDOORS:
        return
    if wish.weather == "fog":
        thick = np.exp(-(((canvas.rows() - canvas.horizon) / 0.3) ** 2)) * 0.85 + 0.12
        veil = thick * (0.75 + 0.5 * (canvas.noise(3, 5, 3.0) - 0.5))
        canvas.lay(mix(canvas.light.low, canvas.light.middle, 0.4), np.clip(veil, 0, 0.95))
    if wish.weather in {"rain", "storm"}:
        _streaks(canvas, 900, 5.0, 0.16)
    if wish.weather == "snowfall":
        for size, count in ((0.18, 900), (0.4, 300), (0.6, 50)):
            _flakes(canvas, size, count)
    if wish.weather == "storm":
        canvas.glow(
            float(canvas.dice.uniform(0.2, 0.8)), 0.12, 22 * canvas.unit, colour("#cfd8ff"), 0.35
        )


def _streaks(canvas: Canvas, count: int, length: float, strength: float) -> None:
    mask = np.zeros((canvas.height, canvas.width), np.uint8)
    for _ in range(count):
        x, y = canvas.dice.random(2) * (canvas.width, canvas.height)
        reach = canvas.unit * length * float(canvas.dice.uniform(0.5, 1.2))
        ends = (round(x * 8), round(y * 8)), (round((x - 0.12 * reach) * 8), round((y + reach) * 8))
        cv2.line(mask, *ends, int(canvas.dice.integers(90, 255)), 1, cv2.LINE_AA, 3)
    canvas.screen(
        strength * floats(mask)[..., None] / 255 * mix(canvas.light.low, colour("#ffffff"), 0.5)
    )


def _flakes(canvas: Canvas, size: float, count: int) -> None:
    mask = np.zeros((canvas.height, canvas.width), np.uint8)
    for _ in range(count):
        x, y = canvas.dice.random(2) * (canvas.width, canvas.height)
        radius = max(0.7, canvas.unit * size * float(canvas.dice.uniform(0.5, 1.2)))
        cv2.circle(mask, (round(x * 8), round(y * 8)), round(radius * 8), 230, -1, cv2.LINE_AA, 3)
    white = mix(colour("#ffffff"), canvas.light.low, 0.25) * (0.45 + 0.55 * canvas.light.level)
    canvas.lay(white, 0.75 * soft(floats(mask) / 255, canvas.unit * size * 0.5))


def _painting(canvas: Canvas) -> None:
    """Join like colours to strokes, on a rough ground."""
    eight = np.asarray(np.clip(canvas.pixels, 0, 1) * 255, np.uint8)
    small = cv2.resize(eight, (canvas.width // 2, canvas.height // 2), interpolation=cv2.INTER_AREA)
    for _ in range(2):
        small = cv2.bilateralFilter(cv2.medianBlur(small, 7), 9, 40, 7)
    strokes = resized(small, canvas.width, canvas.height) / np.float32(255)
    ground = canvas.noise(110, 2) - 0.5
    canvas.pixels[...] = strokes * (1 + 0.05 * ground)[..., None]


def _flat(canvas: Canvas) -> None:
    """Leave a few even tones, as on a poster."""
    smooth = np.asarray(np.clip(soft(canvas.pixels, 0.25 * canvas.unit), 0, 1) * 255, np.uint8)
    lab = cv2.cvtColor(smooth, cv2.COLOR_RGB2Lab).astype(np.float32)
    lab[..., 0] = np.round(lab[..., 0] / 26) * 26
    lab[..., 1:] = np.round(lab[..., 1:] / 10) * 10
    back = cv2.cvtColor(np.clip(lab, 0, 255).astype(np.uint8), cv2.COLOR_Lab2RGB)
    canvas.pixels[...] = floats(cv2.medianBlur(back, 5)) / np.float32(255)


def _noir(canvas: Canvas) -> None:
    grey = canvas.pixels @ floats([0.3, 0.59, 0.11])
    low, high = np.percentile(grey, (2, 98))
    tone = np.clip((grey - low) / max(float(high - low), 1e-3), 0, 1)
    canvas.pixels[...] = (tone * tone * (3 - 2 * tone))[..., None]


def _neon(canvas: Canvas) -> None:
    grey = (canvas.pixels @ floats([0.3, 0.59, 0.11]))[..., None]
    tint = colour("#2a0f52") + np.clip(grey * 1.6, 0, 1) * (
        mix(colour("#ff3fa4"), colour("#38d9ff"), 0.5) - colour("#2a0f52")
    )
    canvas.pixels[...] = 0.8 * canvas.pixels + 0.2 * tint * (0.25 + grey)
    canvas.screen(0.5 * soft(np.clip(canvas.pixels - 0.45, 0, 1), 2.4 * canvas.unit))
    side = canvas.columns()[..., None]
    canvas.screen(0.16 * ((1 - side) ** 3 * colour("#ff2f9a") + side**3 * colour("#1fc8ff")))


def _vintage(canvas: Canvas) -> None:
    grey = (canvas.pixels @ floats([0.3, 0.59, 0.11]))[..., None]
    faded = 0.55 * canvas.pixels + 0.45 * grey * floats([1.08, 0.95, 0.76])
    canvas.pixels[...] = 0.07 + 0.86 * faded * floats([1.04, 0.99, 0.88])


STYLES: dict[str, Callable[[Canvas], None]] = {
    "painting": _painting,
    "flat": _flat,
    "noir": _noir,
    "neon": _neon,
    "vintage": _vintage,
}


def finish(canvas: Canvas) -> None:
    """Give the picture its style, a soft bloom, darker corners and grain."""
    if canvas.wish.is_blurred and canvas.wish.place not in INDOORS:
        canvas.defocus(1.6 * canvas.unit)
    if canvas.wish.style in STYLES:
        STYLES[canvas.wish.style](canvas)
    if canvas.wish.style != "flat":
        bright = soft(np.clip(canvas.pixels - 0.72, 0, 1), 1.8 * canvas.unit)
        canvas.screen(0.5 * bright)
        x, y = canvas.columns() - 0.5, canvas.rows() - 0.5
        canvas.pixels[...] *= (1 - 0.42 * np.clip(x * x + y * y - 0.08, 0, 1))[..., None]
        grain = canvas.dice.standard_normal((canvas.height, canvas.width)).astype(np.float32)
        strength = GRAIN * (2.0 if canvas.wish.style in {"vintage", "noir"} else 1.0)
        canvas.pixels[...] += (strength * soft(grain, 0.6))[..., None]
