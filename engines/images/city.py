"""A skyline in three depths, with windows that light up after dark."""

import numpy as np
from numpy.typing import NDArray

from engines.images.canvas import Canvas
from engines.images.light import Colour, colour, mix
from engines.images.nature import lit, sky, water
from media.filters import Floats, floats

NEON = ("#ff4fa3", "#35d6ff", "#9b5cff", "#ffb03a")


def city(canvas: Canvas) -> None:
    """Paint a city: towers behind towers, a street or water before them."""
    sky(canvas)
    for index in range(4):
        towers(canvas, (index + 1) / 4)
        if canvas.light.level < 0.45:  # its light hangs in the air
            canvas.glow(0.5, canvas.horizon, 40 * canvas.unit, colour("#c97a3a"), 0.1)
    if canvas.wish.weather in {"rain", "storm"} or canvas.light.level < 0.6:
        water(canvas)
    canvas.defocus(0.22 * canvas.unit)


def towers(canvas: Canvas, near: float) -> None:
    """Set a row of towers; far ones go over into the sky."""
    dark = canvas.light.level < 0.45
    ground = canvas.horizon + (0.0 if dark else 0.42 * near**3)
    x = float(canvas.dice.uniform(-0.06, 0))
    while x < 1:
        wide = (
            float(canvas.dice.uniform(0.035, 0.075))
            * (0.55 + 0.9 * near)
            * canvas.height
            / canvas.width
            * 1.5
        )
        tall = (0.12 + 0.3 * float(canvas.dice.beta(1.6, 2.6))) * (1.15 - 0.35 * near)
        tone = mix(
            colour("#5b6470"),
            colour(str(canvas.dice.choice(["#7b6a5c", "#4b5a6c", "#8a8880"]))),
            0.6,
        )
        _tower(canvas, (x, ground - tall, min(1.2, x + wide), ground + 0.02), tone, near)
        x += wide * float(canvas.dice.uniform(0.7, 1.15))


def _tower(
    canvas: Canvas, place: tuple[float, float, float, float], tone: Colour, near: float
) -> None:
    left, top = round(place[0] * canvas.width), round(place[1] * canvas.height)
    right, bottom = round(place[2] * canvas.width), round(place[3] * canvas.height)
    left, top, right, bottom = (
        max(0, left),
        max(0, top),
        min(canvas.width, right),
        min(canvas.height, bottom),
    )
    if right - left < 3 or bottom - top < 3:
        return
    part = canvas.pixels[top:bottom, left:right]
    face = lit(canvas, tone * 0.75, 0.62 * (1 - near))
    side = np.linspace(1.12, 0.82, right - left, dtype=np.float32)
    if canvas.sun_x > (place[0] + place[2]) / 2:
        side = side[::-1]
    down = np.linspace(1.0, 0.88, bottom - top, dtype=np.float32)
    part[...] = face * (side[None] * down[:, None])[..., None]
    rows, columns, share = _windows(canvas, bottom - top, right - left, near)
    glass = lit(canvas, colour("#9db8cc"), 0.62 * (1 - near)) * (
        0.8 if canvas.light.level > 0.45 else 0.5
    )
    part[...] += (0.35 * share)[..., None] * (glass - part)
    lamp_share = np.clip(0.9 - 1.2 * canvas.light.level, 0, 0.4)
    cells = int(rows.max()) + 1, int(columns.max()) + 1
    is_lit = canvas.dice.random(cells) < lamp_share
    bright = floats(is_lit * canvas.dice.uniform(0.45, 1, cells)) * np.float32(0.35 + 0.6 * near)
    lamps = _lamps(canvas, cells)[rows[:, None], columns[None]]
    part[...] += (bright[rows[:, None], columns[None]] * share)[..., None] * (lamps - part)


def _lamps(canvas: Canvas, cells: tuple[int, int]) -> Floats:
    """Return the colour of the lamp behind each window, (rows, columns, 3)."""
    if canvas.wish.style == "neon":
        tints = floats([colour(each) for each in NEON])
        return tints[canvas.dice.integers(0, len(NEON), cells)]
    warm, pale = colour("#ffc878"), colour("#ffeed0")
    return floats(warm + floats(canvas.dice.random(cells))[..., None] * (pale - warm))


def _windows(
    canvas: Canvas, high: int, wide: int, near: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Return each pixel row's and column's window number, and how much of a pixel is glass."""
    pitch = max(2.5, canvas.unit * (0.42 + 0.42 * near) * float(canvas.dice.uniform(0.75, 1.25)))
    y, x = np.arange(high) / (pitch * 1.35), np.arange(wide) / pitch
    in_row, in_column = np.abs(y % 1 - 0.5) < 0.33, np.abs(x % 1 - 0.5) < 0.34
    share = floats(in_row[:, None] & in_column[None])
    share[:, : max(1, round(pitch * 0.4))] = 0
    return y.astype(int), x.astype(int), share
