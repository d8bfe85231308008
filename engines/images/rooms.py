"""Rooms: a wall with window, shelves, plants and lamps behind it all, seen out of focus."""

import numpy as np

from engines.images.canvas import Canvas
from engines.images.city import city
from engines.images.light import Colour, colour, light_of, mix
from engines.images.nature import hills
from media.filters import floats, resized, soft

SPINES = (
    "#7d2f2a",
    "#24405c",
    "#c9a35a",
    "#2f5a45",
    "#d8cfbf",
    "#5a3d5c",
    "#8a5a34",
    "#1f2328",
    "#b5653c",
)


def office(canvas: Canvas) -> None:
    """Paint an office: a wide window, a wall with shelves, screens and a plant."""
    _walls(canvas, _wall(canvas, "#d7d9d8"), colour("#8c7a66"))
    _window(canvas, (0.05, 0.1, 0.6, 0.62), panes=4, outside="city")
    _shelf(canvas, (0.68, 0.14, 0.97, 0.64), 4, thin=True)
    _desk(canvas, colour("#b48a5c"))
    _screen(canvas, (0.12, 0.5, 0.32, 0.7))
    _plant(canvas, 0.63, 0.72, 0.34)
    _pendants(canvas, 3)
    _ready(canvas, 1.1)


def living_room(canvas: Canvas) -> None:
    """Paint a room at home: window with curtains, sofa, pictures, a floor lamp, plants."""
    _walls(canvas, _wall(canvas, "#cdbfae"), colour("#8a6445"))
    _window(canvas, (0.06, 0.1, 0.38, 0.66), panes=2, outside="hills", curtains=True)
    _frames(canvas)
    _sofa(canvas)
    _shelf(canvas, (0.82, 0.2, 1.02, 0.72), 4)
    _plant(canvas, 0.42, 0.8, 0.42)
    _lamp(canvas, 0.74, 0.3)
    _ready(canvas, 1.25)


def library(canvas: Canvas) -> None:
    """Paint walls of books, a warm lamp between them."""
    _walls(canvas, colour("#4a3324"), colour("#5a3a24"))
    for left, right in ((-0.03, 0.3), (0.32, 0.66), (0.68, 1.03)):
        _shelf(canvas, (left, 0.02, right, 0.88), 6)
    _lamp(canvas, 0.2, 0.42)
    _lamp(canvas, 0.84, 0.46)
    _ready(canvas, 1.2)


def studio(canvas: Canvas) -> None:
    """Paint a studio: a curved backdrop with a pool of light, soft boxes at the sides."""
    tint = colour(canvas.wish.colours[0]) if canvas.wish.colours else colour("#55606e")
    x, y = canvas.columns() - 0.5, canvas.rows() - 0.44
    aspect = canvas.width / canvas.height
    pool = np.exp(-((x * aspect) ** 2 + (y * 1.1) ** 2) / 0.22)
    floor = np.clip((canvas.rows() - 0.74) / 0.1, 0, 1)
    cloth = 0.94 + 0.12 * (canvas.noise(2.4, 4) - 0.5) + 0.03 * (canvas.noise(60, 2) - 0.5)
    shade = (0.16 + 0.95 * pool) * cloth * (1 + 0.16 * floor * (1 - floor) * 4) * (1 - 0.3 * floor)
    canvas.pixels[...] = np.clip(tint * floats(shade)[..., None], 0, 1)
    warm, cool = colour("#ffcf9a"), colour("#9ac4ff")
    canvas.glow(-0.02, 0.2, 38 * canvas.unit, warm, 0.32)
    canvas.glow(1.02, 0.25, 38 * canvas.unit, cool, 0.3)
    _ready(canvas, 0.5)


def _wall(canvas: Canvas, usual: str) -> Colour:
    """Return the wall's colour: the first that was asked for, paler."""
    if not canvas.wish.colours:
        return colour(usual)
    return mix(colour(canvas.wish.colours[0]), colour("#cfcac2"), 0.35)


def _walls(canvas: Canvas, wall: Colour, floor: Colour) -> None:
    day = canvas.light.level
    ambient = 0.2 + 0.68 * day
    warm = mix(colour("#ffd2a0"), canvas.light.sun, min(1.0, day * 1.1))
    fall = 1.05 - 0.38 * np.abs(canvas.columns() - 0.25) - 0.22 * np.abs(canvas.rows() - 0.35)
    plaster = 0.97 + 0.06 * (canvas.noise(5, 5) - 0.5)
    canvas.pixels[...] = wall * warm * ambient * floats(fall * plaster)[..., None]
    if "brick" in canvas.wish.extras:
        _bricks(canvas, ambient)
    edge = np.full(canvas.width, 0.8, np.float32)
    grain = 0.85 + 0.3 * canvas.noise(30, 4, 8.0)
    away = np.clip((canvas.rows() - 0.8) / 0.2, 0, 1)
    boards = floor * warm * ambient * floats(grain * (0.7 + 0.3 * away))[..., None]
    canvas.lay(boards, canvas.below(edge, 2))
    canvas.bar((0, 0.785, 1, 0.802), wall * warm * ambient * 0.6)


def _bricks(canvas: Canvas, ambient: float) -> None:
    high, wide = 2.4 * canvas.unit, 6.4 * canvas.unit
    row = np.arange(canvas.height) / high
    column = np.arange(canvas.width)[None] / wide + 0.5 * (row.astype(int)[:, None] % 2)
    mortar = ((row % 1) < 0.13)[:, None] | ((column % 1) < 0.05)
    number = (row.astype(int)[:, None] * 131 + column.astype(int) * 17) % 97
    tone = 0.72 + 0.5 * canvas.dice.random(97)[number] + 0.2 * (canvas.noise(90, 3) - 0.5)
    brick = colour("#94503a") * floats(tone)[..., None] * ambient
    canvas.pixels[...] = np.where(mortar[..., None], colour("#b9aca0") * ambient * 0.8, brick)


def _window(
    canvas: Canvas,
    place: tuple[float, float, float, float],
    panes: int,
    outside: str,
    *,
    curtains: bool = False,
) -> None:
    """Cut a window, and paint what is outside with the same light."""
    left, top = round(place[0] * canvas.width), round(place[1] * canvas.height)
    right, bottom = round(place[2] * canvas.width), round(place[3] * canvas.height)
    view = Canvas(
        canvas.wish,
        light_of(canvas.wish),
        np.zeros((max(64, (bottom - top) // 2), max(64, (right - left) // 2), 3), np.float32),
        canvas.dice,
        0.62,
        canvas.sun_x,
    )
    (city if outside == "city" else hills)(view)
    seen = np.clip(resized(view.pixels, right - left, bottom - top) * 1.08, 0, 1)
    canvas.pixels[top:bottom, left:right] = soft(seen, 0.8 * canvas.unit)
    frame = mix(colour("#e8e4de"), colour("#2a2c30"), 0.75) * (0.3 + 0.7 * canvas.light.level)
    bar = 0.5 * canvas.unit / canvas.width
    for x in np.linspace(place[0], place[2], panes + 1):
        canvas.bar((x - bar, place[1], x + bar, place[3]), frame)
    rise = bar * canvas.width / canvas.height
    for y in (place[1], place[3]):
        canvas.bar((place[0] - bar, y - rise, place[2] + bar, y + rise), frame)
    middle = ((place[0] + place[2]) / 2, (place[1] + place[3]) / 2)
    canvas.glow(
        *middle,
        26 * canvas.unit,
        mix(canvas.light.low, canvas.light.sun, 0.4),
        0.34 * canvas.light.level,
    )
    if curtains:
        for x, way in ((place[0], 1), (place[2], -1)):
            across = (canvas.columns() - x) * way
            folds = 0.72 + 0.28 * np.cos(across * canvas.width / (1.1 * canvas.unit))
            cloth = mix(canvas.light.sun, colour("#e6d9c6"), 0.7) * (
                0.25 + 0.65 * canvas.light.level
            )
            hung = (
                (across > -0.05) & (across < 0.05) & (canvas.rows() > 0.04) & (canvas.rows() < 0.78)
            )
            canvas.lay(
                cloth * floats(np.broadcast_to(folds, hung.shape))[..., None],
                soft(floats(hung), 0.5 * canvas.unit),
            )


def _shelf(
    canvas: Canvas, place: tuple[float, float, float, float], boards: int, *, thin: bool = False
) -> None:
    """Stand a shelf with books, and here and there something else."""
    ambient = 0.22 + 0.62 * canvas.light.level
    wood = colour("#c9b08c" if thin else "#5d3f29") * ambient
    canvas.bar(place, wood * (0.75 if thin else 0.45), 0.4 if thin else 1.0)
    left, top, right, bottom = place
    step = (bottom - top) / boards
    for index in range(boards):
        floor = top + (index + 1) * step
        x = left + 0.008
        while x < right - 0.012:
            if canvas.dice.random() < (0.22 if thin else 0.06):
                x += float(canvas.dice.uniform(0.02, 0.06))
                continue
            wide = (
                float(canvas.dice.uniform(0.005, 0.014)) * 1.9 * canvas.height / canvas.width * 0.9
            )
            high = step * float(canvas.dice.uniform(0.5, 0.84))
            spine = colour(SPINES[int(canvas.dice.integers(len(SPINES)))]) * ambient
            spine = spine * float(canvas.dice.uniform(0.75, 1.2))
            canvas.bar((x, floor - high, min(x + wide, right - 0.006), floor), spine)
            canvas.bar(
                (x + 0.85 * wide, floor - high, min(x + wide, right - 0.006), floor), spine * 0.6
            )
            x += wide
        canvas.bar((left, floor - 0.006, right, floor + 0.01), wood)
        canvas.bar((left, floor + 0.01, right, floor + 0.03), wood * 0.3, 0.45)
    for x in (left, right):
        canvas.bar((x - 0.004, top - 0.01, x + 0.004, bottom + 0.02), wood)


def _desk(canvas: Canvas, wood: Colour) -> None:
    ambient = 0.25 + 0.7 * canvas.light.level
    canvas.bar((-0.02, 0.74, 0.5, 0.79), wood * ambient)
    canvas.bar((-0.02, 0.79, 0.5, 0.81), wood * ambient * 0.4)


def _screen(canvas: Canvas, place: tuple[float, float, float, float]) -> None:
    left, top, right, bottom = place
    canvas.bar(place, colour("#17191d"))
    glass = (left + 0.006, top + 0.01, right - 0.006, bottom - 0.012)
    canvas.bar(glass, colour("#53749f"))
    for index in range(5):
        y = top + 0.03 + index * 0.03
        reach = float(canvas.dice.uniform(0.3, 0.85)) * (right - left - 0.04)
        canvas.bar((left + 0.02, y, left + 0.02 + reach, y + 0.01), colour("#cfe0f4"), 0.6)
    middle = (left + right) / 2
    canvas.bar((middle - 0.012, bottom, middle + 0.012, 0.745), colour("#1c1e22"))


def _plant(canvas: Canvas, x: float, foot: float, tall: float) -> None:
    ambient = 0.2 + 0.75 * canvas.light.level
    aspect = canvas.height / canvas.width
    for _ in range(26):
        angle = float(canvas.dice.normal(-np.pi / 2, 0.65))
        reach = tall * float(canvas.dice.uniform(0.45, 1.0))
        t = np.linspace(0, 1, 12)[:, None]
        way = np.array([np.cos(angle) * aspect, np.sin(angle)])
        spine = np.array([x, foot - 0.08]) + reach * (t * way + np.array([0, 0.35]) * t**2.4)
        across = np.array([-way[1] * aspect, way[0] / aspect])
        wide = (
            0.03 * np.sin(np.pi * np.clip(t, 0.04, 1)) ** 0.8 * float(canvas.dice.uniform(0.5, 1))
        )
        tint = mix(colour("#1f4a2a"), colour("#6f9a4e"), float(canvas.dice.random())) * ambient
        canvas.patch(np.vstack([spine + wide * across, (spine - wide * across)[::-1]]), tint)
    pot = np.array(
        [
            (x - 0.05 * aspect, foot - 0.1),
            (x + 0.05 * aspect, foot - 0.1),
            (x + 0.038 * aspect, foot + 0.02),
            (x - 0.038 * aspect, foot + 0.02),
        ]
    )
    canvas.patch(pot, colour("#b8764f") * ambient)


def _pendants(canvas: Canvas, count: int) -> None:
    strength = 0.3 + 0.6 * (1 - canvas.light.level)
    for x in np.linspace(0.3, 0.86, count):
        y = float(canvas.dice.uniform(0.08, 0.14))
        canvas.bar((x - 0.001, 0, x + 0.001, y), colour("#202226"))
        canvas.glow(float(x), y + 0.01, 7 * canvas.unit, colour("#ffd9a0"), strength)
        canvas.glow(float(x), y + 0.01, 1.4 * canvas.unit, colour("#fff3df"), 1.6)


def _lamp(canvas: Canvas, x: float, y: float) -> None:
    """Stand a lamp whose light falls on the wall."""
    strength = 0.4 + 0.5 * (1 - canvas.light.level)
    aspect = canvas.height / canvas.width
    canvas.bar((x - 0.0022, y, x + 0.0022, 0.86), colour("#2a2420"))
    canvas.glow(x, y, 24 * canvas.unit, colour("#ffbe78"), strength * 0.8)
    shade = np.array(
        [
            (x - 0.035 * aspect, y - 0.06),
            (x + 0.035 * aspect, y - 0.06),
            (x + 0.062 * aspect, y + 0.05),
            (x - 0.062 * aspect, y + 0.05),
        ]
    )
    canvas.patch(shade, colour("#ffe4b8") * (0.78 + 0.22 * strength))


def _sofa(canvas: Canvas) -> None:
    ambient = 0.2 + 0.72 * canvas.light.level
    tint = colour(canvas.wish.colours[-1]) if len(canvas.wish.colours) > 1 else colour("#5f6f73")
    cloth = 0.9 + 0.2 * canvas.noise(70, 3)
    for place, tone in (
        ((0.44, 0.6, 0.8, 0.8), 0.8),
        ((0.42, 0.72, 0.82, 0.88), 1.0),
        ((0.41, 0.66, 0.455, 0.9), 0.9),
        ((0.785, 0.66, 0.83, 0.9), 0.85),
    ):
        mask = soft(canvas.within(place), 0.7 * canvas.unit)
        canvas.lay(
            tint * ambient * tone * floats(cloth)[..., None], np.clip(1.6 * mask - 0.3, 0, 1)
        )
    for x, code in ((0.5, "#c58a4e"), (0.56, "#d9cdb8"), (0.74, "#8f4a3c")):
        cushion = soft(canvas.within((x - 0.028, 0.63, x + 0.028, 0.735)), 0.7 * canvas.unit)
        canvas.lay(colour(code) * ambient, np.clip(1.8 * cushion - 0.4, 0, 1))


def _frames(canvas: Canvas) -> None:
    """Hang small pictures of soft colour fields."""
    ambient = 0.25 + 0.7 * canvas.light.level
    for left, top, right, bottom in (
        (0.5, 0.2, 0.58, 0.42),
        (0.61, 0.16, 0.72, 0.34),
        (0.61, 0.37, 0.66, 0.48),
    ):
        canvas.bar((left, top, right, bottom), colour("#2b2622") * ambient)
        canvas.bar(
            (left + 0.004, top + 0.007, right - 0.004, bottom - 0.007), colour("#efe9df") * ambient
        )
        tint = mix(colour(SPINES[int(canvas.dice.integers(len(SPINES)))]), colour("#d8c3a0"), 0.4)
        inner = (left + 0.014, top + 0.03, right - 0.014, bottom - 0.03)
        canvas.lay(tint * ambient, canvas.within(inner) * (0.55 + 0.45 * canvas.noise(6, 3)))


def _ready(canvas: Canvas, blur: float) -> None:
    """Put the room out of focus: it stands behind somebody."""
    canvas.defocus(blur * canvas.unit * (2.2 if canvas.wish.is_blurred else 1.0))
