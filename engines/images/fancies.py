"""What is no place on earth: space, spots of light, flowing colours, plain light."""

import cv2
import numpy as np

from engines.images.canvas import Canvas
from engines.images.light import Colour, colour, mix
from engines.images.nature import stars
from media.filters import floats, soft

COSMIC = ("#27408f", "#7a3fa0", "#c2527a", "#2f8f9a")
CALM = ("#1f3a5f", "#3f7f8c", "#d98e5f", "#7a4f7f")


def _palette(canvas: Canvas, usual: tuple[str, ...]) -> list[Colour]:
    """Return the wished colours, filled up with relations of theirs, or the usual ones."""
    wished = [colour(each) for each in canvas.wish.colours]
    if not wished:
        chosen = [colour(each) for each in usual]
        turn = int(canvas.dice.integers(len(chosen)))
        return chosen[turn:] + chosen[:turn]
    while len(wished) < 4:
        base = wished[len(wished) % len(canvas.wish.colours)]
        wished.append(mix(base, colour("#0c1220" if len(wished) % 2 else "#f2e6d8"), 0.5))
    return wished


def space(canvas: Canvas) -> None:
    """Paint a nebula, stars before and behind it, and a planet where one is asked for."""
    tints = _palette(canvas, COSMIC)
    canvas.pixels[...] = colour("#03040b")
    for index, tint in enumerate(tints):
        drift = canvas.noise(1.6 + 0.5 * index, 7)
        veins = 1 - np.abs(2 * canvas.noise(3.2 + index, 6) - 1)
        thick = np.clip((drift - 0.42) / 0.5, 0, 1) ** 1.5 * (0.3 + 0.7 * veins**2)
        canvas.screen((1.5 - 0.15 * index) * floats(thick)[..., None] * tint)
    dust = np.clip((canvas.noise(4, 7) - 0.55) / 0.4, 0, 1)
    canvas.pixels[...] *= (1 - 0.55 * dust)[..., None]
    stars(canvas, 1.0)
    for _ in range(7):
        x, y = canvas.dice.random(2)
        canvas.glow(
            float(x),
            float(y),
            canvas.unit * float(canvas.dice.uniform(0.5, 1.1)),
            colour("#dfe8ff"),
            1.3,
        )
    if "planet" in canvas.wish.extras:
        _planet(canvas, mix(tints[1], colour("#d08a5a"), 0.5))


def _planet(canvas: Canvas, tint: Colour) -> None:
    x, y = float(canvas.dice.choice([0.2, 0.8])), 0.34
    radius = 24 * canvas.unit
    dx = (np.arange(canvas.width, dtype=np.float32)[None] - x * canvas.width) / radius
    dy = (np.arange(canvas.height, dtype=np.float32)[:, None] - y * canvas.height) / radius
    far = dx * dx + dy * dy
    high = np.sqrt(np.clip(1 - far, 0, 1))
    shone = np.clip(-0.65 * dx - 0.4 * dy + 0.55 * high, 0, 1)
    bands = 0.6 + 0.4 * np.sin(9 * dy + 3 * canvas.noise(3, 6, 5.0)) * canvas.noise(5, 5, 6.0)
    base = mix(tint, colour("#f0dcc0"), 0.5) * floats(1.35 * bands * shone + 0.02)[..., None]
    canvas.lay(base, np.clip((1 - np.sqrt(far)) * radius / 1.5 + 0.5, 0, 1))
    rim = np.exp(-(((np.sqrt(far) - 1) / 0.05) ** 2)) * np.clip(-0.65 * dx - 0.4 * dy + 0.3, 0, 1)
    canvas.screen(0.6 * floats(rim)[..., None] * mix(tint, colour("#bfe0ff"), 0.6))


def bokeh(canvas: Canvas) -> None:
    """Paint spots of light of a lens before a dark evening."""
    tints = _palette(canvas, ("#ffb357", "#ffd9a0", "#ff7a4a", "#7fb8ff"))
    floor = mix(tints[0], colour("#0a0d18"), 0.88)
    upper = mix(tints[-1], colour("#05070f"), 0.9)
    canvas.pixels[...] = upper + canvas.rows()[..., None] * (floor - upper)
    canvas.pixels[...] += 0.1 * (canvas.noise(2, 4) - 0.3)[..., None] * tints[0]
    for layer, count in ((0.5, 70), (1.0, 46), (1.7, 20)):
        mask = np.zeros((canvas.height, canvas.width, 3), np.float32)
        for _ in range(count):
            x, y = canvas.dice.random(), canvas.dice.beta(2.4, 2.0)
            radius = layer * canvas.unit * float(canvas.dice.uniform(1.6, 3.6))
            tint = tints[int(canvas.dice.integers(len(tints)))] * float(
                canvas.dice.uniform(0.12, 0.5)
            )
            spot = np.zeros((canvas.height, canvas.width), np.uint8)
            centre = (round(float(x) * canvas.width * 8), round(float(y) * canvas.height * 8))
            cv2.circle(spot, centre, round(radius * 8), 190, -1, cv2.LINE_AA, 3)
            cv2.circle(
                spot, centre, round(radius * 8), 255, max(1, round(radius * 0.12)), cv2.LINE_AA, 3
            )
            low, high = (
                max(0, round(float(y) * canvas.height - radius - 3)),
                round(float(y) * canvas.height + radius + 3),
            )
            part = floats(spot[low:high])[..., None] / np.float32(255)
            mask[low:high] = 1 - (1 - mask[low:high]) * (1 - part * tint)
        canvas.screen(soft(mask, 0.12 * canvas.unit * layer))


def abstract(canvas: Canvas) -> None:
    """Let the colours flow into each other in soft folds."""
    tints = _palette(canvas, CALM)
    bend = 0.9 * (canvas.noise(1.1, 3) - 0.5)
    across = canvas.columns() * 1.2 + canvas.rows() * 0.8
    flow = across + bend + 0.35 * (canvas.noise(2.0, 3, 2.0) - 0.5)
    place = np.clip((flow - flow.min()) / (flow.max() - flow.min()), 0, 1) * (len(tints) - 1)
    lower = np.minimum(place.astype(int), len(tints) - 2)
    share = place - lower
    eased = floats(share * share * (3 - 2 * share))[..., None]
    stack = np.array(tints)
    canvas.pixels[...] = stack[lower] + eased * (stack[lower + 1] - stack[lower])
    for index in range(5):
        line = canvas.line(1.3 + 0.3 * index, 3, 0.3)
        down = canvas.rows() - (0.1 + 0.2 * index + 0.35 * (line[None] - 0.5))
        fold = np.where(down > 0, np.exp(-down / 0.12), np.exp(down / 0.012))
        canvas.screen(
            0.16
            * soft(floats(fold), 0.15 * canvas.unit)[..., None]
            * mix(tints[index % len(tints)], colour("#ffffff"), 0.5)
        )


def plain(canvas: Canvas) -> None:
    """Paint a calm wall with light falling across it: what goes with anything."""
    tints = _palette(canvas, ("#6f7f8c", "#8a7f78", "#6f8078", "#7d7488"))
    base = mix(tints[0], colour("#2a2d33"), 0.25)
    x, y = canvas.columns() - 0.42, canvas.rows() - 0.36
    pool = np.exp(-(x * x * (canvas.width / canvas.height) ** 2 + y * y) / 0.5)
    wall = (0.42 + 0.75 * pool) * (0.96 + 0.08 * (canvas.noise(3, 5) - 0.5))
    canvas.pixels[...] = np.clip(
        base * floats(wall)[..., None] * (0.4 + 0.7 * canvas.light.level), 0, 1
    )
    canvas.glow(0.05, 0.1, 46 * canvas.unit, canvas.light.sun, 0.2)
