"""The picture of the sample: a bear and a fox under the moon, drawn frame by frame."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, FPS = 1280, 720, 25
FINE = 2  # drawn twice as large, then reduced: smooth edges
MOON = (640, 246, 112)  # x, y, radius
TITLE, SUBTITLE = "A House on the Moon", "a little film by Understudy"
Colour = tuple[int, int, int]
Picture = NDArray[np.float32]

BEAR: Colour = (134, 92, 66)
BEAR_LIGHT: Colour = (206, 166, 126)
BEAR_DARK: Colour = (96, 64, 46)
FOX: Colour = (226, 120, 56)
FOX_DARK: Colour = (176, 82, 38)
CREAM: Colour = (250, 232, 208)
INK: Colour = (38, 26, 32)
SCARF: Colour = (196, 58, 66)
TONGUE: Colour = (222, 106, 108)
MOUTH: Colour = (84, 26, 34)
BLUSH: Colour = (232, 128, 112)


@dataclass(frozen=True, slots=True)
class Pose:
    """One character at one moment."""

    mouth: float  # 0 shut .. 1 open
    nod: float  # pixels the head is lowered
    sway: float  # -1..1, breath and tail
    shut_eyes: bool
    look_x: float  # -1..1


class Pen:
    """Draws shapes around an origin, in pixels of the finished picture."""

    def __init__(self, draw: ImageDraw.ImageDraw, x: float, y: float) -> None:
        self._draw, self.x, self.y = draw, x, y

    def at(self, x: float, y: float) -> "Pen":
        """Return a pen with its origin moved."""
        return Pen(self._draw, self.x + x, self.y + y)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        """Fill an ellipse with centre and radii."""
        x, y = self.x + x, self.y + y
        box = [(x - rx) * FINE, (y - ry) * FINE, (x + rx) * FINE, (y + ry) * FINE]
        self._draw.ellipse(box, fill=fill)

    def blob(self, points: Sequence[tuple[float, float]], fill: Colour) -> None:
        """Fill a closed smooth curve through `points` (Catmull-Rom)."""
        self._draw.polygon(
            [((self.x + x) * FINE, (self.y + y) * FINE) for x, y in _curve(points)], fill=fill
        )

    def shape(self, points: Sequence[tuple[float, float]], fill: Colour) -> None:
        """Fill a polygon with straight sides."""
        self._draw.polygon(
            [((self.x + x) * FINE, (self.y + y) * FINE) for x, y in points], fill=fill
        )

    def stroke(self, points: Sequence[tuple[float, float]], width: float, fill: Colour) -> None:
        """Draw a line with round ends."""
        places = [((self.x + x) * FINE, (self.y + y) * FINE) for x, y in points]
        self._draw.line(places, fill=fill, width=round(width * FINE), joint="curve")
        for x, y in (places[0], places[-1]):
            r = width * FINE / 2
            self._draw.ellipse([x - r, y - r, x + r, y + r], fill=fill)


class Scene:
    """The night, painted once; `frame` adds what moves."""

    def __init__(self, duration_s: float) -> None:
        random = np.random.default_rng(7)
        self._duration_s = duration_s
        self._sky = _background(random)
        self._front = _foreground(random)
        self._stars = random.uniform((20, 10, 0.4, 0), (1260, 380, 1.0, 6.28), (110, 4))
        self._flies = random.uniform((80, 430, 0, 0.2), (1200, 640, 6.28, 0.6), (16, 4))
        self._title = _title()

    def frame(self, time_s: float, bear: Pose, fox: Pose) -> NDArray[np.uint8]:
        """Return the picture at `time_s`, (720, 1280, 3) RGB."""
        picture = self._sky.copy()
        self._twinkle(picture, time_s)
        _shooting_star(picture, time_s - 0.55 * self._duration_s)
        _blend(picture, self._front)
        _blend(picture, _character(_draw_bear, 400, 628, bear))
        _blend(picture, _character(_draw_fox, 868, 630, fox))
        self._fireflies(picture, time_s)
        shown = min(1.0, max(0.0, (time_s - 0.3) / 0.6)) * min(1.0, max(0.0, (3.0 - time_s) / 0.6))
        if shown > 0:
            _blend(picture, self._title, shown)
        light = min(1.0, (self._duration_s - time_s) / 1.2)  # players show the first picture
        return np.clip(picture * max(0.0, light) + 0.5, 0, 255).astype(np.uint8)

    def _twinkle(self, picture: Picture, time_s: float) -> None:
        for x, y, size, phase in self._stars:
            if math.hypot(x - MOON[0], y - MOON[1]) > MOON[2] + 30:
                light = 120 * size * (0.72 + 0.28 * math.sin(1.7 * time_s + 3 * phase))
                _glow(picture, x, y, 0.7 + 0.8 * size, (light, light, light * 1.05))

    def _fireflies(self, picture: Picture, time_s: float) -> None:
        for x, y, phase, speed in self._flies:
            here_x = x + 46 * math.sin(speed * time_s + phase) + 16 * math.sin(2.3 * speed * time_s)
            here_y = y + 24 * math.sin(1.4 * speed * time_s + 2 * phase)
            light = max(0.0, math.sin(1.9 * speed * 2 * time_s + 5 * phase)) ** 2
            _glow(picture, here_x, here_y, 7.0, (70 * light, 66 * light, 22 * light))
            _glow(picture, here_x, here_y, 1.7, (175 * light, 170 * light, 70 * light))


def _curve(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    count, out = len(points), list[tuple[float, float]]()
    for i in range(count):
        p = np.array([points[(i + k) % count] for k in (-1, 0, 1, 2)])
        for t in np.linspace(0, 1, 10, endpoint=False):
            a = 2 * p[1] + (p[2] - p[0]) * t
            b = (2 * p[0] - 5 * p[1] + 4 * p[2] - p[3]) * t * t
            c = (3 * p[1] - p[0] - 3 * p[2] + p[3]) * t**3
            x, y = (a + b + c) / 2
            out.append((float(x), float(y)))
    return out


def _reduced(image: Image.Image) -> Picture:
    small = image.resize((image.width // FINE, image.height // FINE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)


def _background(random: np.random.Generator) -> Picture:
    """Paint sky, moon, far hills and the village."""
    rows = np.linspace(0, 1, HEIGHT)
    stops = [0.0, 0.35, 0.62, 0.8, 1.0]
    colours = np.array(
        [(17, 20, 52), (36, 44, 96), (86, 84, 142), (182, 128, 148), (210, 150, 140)]
    )
    sky = np.stack([np.interp(rows, stops, colours[:, c]) for c in range(3)], axis=1)
    picture = np.repeat(sky[:, None], WIDTH, axis=1).astype(np.float32)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    away = np.hypot(x - MOON[0], y - MOON[1])
    glow = np.exp(-np.maximum(away - MOON[2], 0) / 90) * 0.55 + np.exp(-away / 330) * 0.25
    picture += glow[..., None] * np.array([120, 116, 104], dtype=np.float32)
    layer = Image.new("RGBA", (WIDTH * FINE, HEIGHT * FINE))
    pen = Pen(ImageDraw.Draw(layer), 0, 0)
    _draw_moon(pen)
    _draw_hill(pen, 500, 46, (1.3, 0.4), (66, 66, 118))
    _draw_hill(pen, 540, 34, (2.1, 2.0), (48, 54, 102))
    _draw_village(pen, random)
    _draw_hill(pen, 578, 22, (1.6, 4.2), (36, 48, 86))
    _blend(picture, _reduced(layer))
    return picture + random.normal(0, 0.8, (HEIGHT, WIDTH, 1)).astype(np.float32)


def _draw_moon(pen: Pen) -> None:
    x, y, r = MOON
    pen.oval(x, y, r, r, (253, 244, 214))
    for dx, dy, size in (
        (-38, -30, 22),
        (30, -52, 13),
        (44, 14, 26),
        (-22, 42, 17),
        (-70, 20, 10),
        (8, 78, 11),
        (-4, -4, 8),
    ):
        pen.oval(x + dx, y + dy, size, size * 0.94, (240, 226, 190))
        pen.oval(
            x + dx + size * 0.12, y + dy + size * 0.14, size * 0.82, size * 0.76, (245, 233, 200)
        )
    # The house of the story: a wall, a roof, a chimney, a lit window.
    house = pen.at(x + 66, y - 88)
    house.shape([(8, -42), (15, -40), (13, -22), (6, -24)], (150, 112, 96))
    house.shape([(-16, -22), (18, -10), (10, 14), (-22, 2)], (222, 204, 168))
    house.shape([(-25, -22), (4, -40), (26, -5)], (172, 96, 84))
    house.shape([(-7, -11), (2, -8), (-1, 2), (-10, -1)], (255, 178, 70))


def _draw_hill(pen: Pen, y: float, height: float, turn: tuple[float, float], fill: Colour) -> None:
    """Fill below a wavy line; `turn` is how many waves there are, and their phase."""
    waves, phase = turn
    line = [
        (
            x,
            y
            + height * math.sin(waves * 2 * math.pi * x / WIDTH + phase)
            + 0.3 * height * math.sin(5.1 * x / WIDTH * waves + phase),
        )
        for x in range(-40, WIDTH + 80, 40)
    ]
    pen.blob([*line, (WIDTH + 60, HEIGHT + 60), (-60, HEIGHT + 60)], fill)


def _draw_village(pen: Pen, random: np.random.Generator) -> None:
    pen.oval(655, 578, 150, 24, (40, 48, 92))
    for i, x in enumerate(range(560, 760, 26)):
        width, height = random.uniform(8, 12), random.uniform(16, 30)
        top = 548 - height
        pen.shape(
            [(x - width, 562), (x - width, top), (x + width, top), (x + width, 562)], (40, 42, 84)
        )
        pen.shape([(x - width - 3, top + 1), (x, top - 11), (x + width + 3, top + 1)], (30, 30, 64))
        if i % 3 != 1:
            pen.shape(
                [(x - 5, top + 5), (x - 1, top + 5), (x - 1, top + 11), (x - 5, top + 11)],
                (255, 206, 110),
            )
        if i % 2 == 0:
            pen.shape(
                [(x + 2, top + 7), (x + 6, top + 7), (x + 6, top + 13), (x + 2, top + 13)],
                (255, 186, 90),
            )


def _foreground(random: np.random.Generator) -> Picture:
    """Paint the hill that the two sit on, with grass and flowers; RGBA."""
    layer = Image.new("RGBA", (WIDTH * FINE, HEIGHT * FINE))
    pen = Pen(ImageDraw.Draw(layer), 0, 0)
    _draw_hill(pen, 622, 16, (0.9, 3.4), (30, 62, 70))
    _draw_hill(pen, 668, 12, (1.1, 1.2), (22, 48, 58))
    pen.oval(400, 628, 124, 15, (18, 40, 50))
    pen.oval(880, 628, 112, 14, (18, 40, 50))
    for _ in range(420):
        x, y = random.uniform(0, WIDTH), random.uniform(624, 715)
        lean, tall = random.uniform(-4, 4), random.uniform(6, 15)
        shade = random.integers(0, 22)
        pen.stroke([(x, y), (x + lean, y - tall)], 1.6, (36 + int(shade), 80 + int(shade), 80))
    for _ in range(36):
        x, y = random.uniform(0, WIDTH), random.uniform(640, 712)
        petal = ((238, 226, 244), (250, 204, 120), (214, 170, 232))[int(random.integers(0, 3))]
        pen.oval(x, y, 3.2, 2.6, petal)
        pen.oval(x, y, 1.2, 1.1, (240, 190, 90))
    return _reduced(layer)


def _character(draw: Callable[[Pen, Pose], None], x: float, y: float, pose: Pose) -> Picture:
    """Draw a character with moonlight along its upper edge; RGBA, whole picture size."""
    size, left, top = 420, round(x) - 210, round(y) - 390
    layer = Image.new("RGBA", (size * FINE, size * FINE))
    draw(Pen(ImageDraw.Draw(layer), x - left, y - top), pose)
    small = _reduced(layer)
    alpha = small[..., 3] / 255
    below = np.zeros_like(alpha)
    below[5:] = alpha[:-5]
    rim = np.clip(alpha - below, 0, 1)[..., None] * 0.5
    dusk = np.linspace(1.0, 0.82, size, dtype=np.float32)[:, None, None]
    small[..., :3] = small[..., :3] * dusk * (1 - rim) + np.array([226, 226, 250]) * rim
    whole = np.zeros((HEIGHT, WIDTH, 4), np.float32)
    bottom = min(HEIGHT, top + size)
    whole[top:bottom, left : left + size] = small[: bottom - top]
    return whole


def _eye(pen: Pen, x: float, y: float, pose: Pose) -> None:
    if pose.shut_eyes:
        pen.stroke([(x - 9, y), (x, y + 4), (x + 9, y)], 4, INK)
        return
    pen.oval(x, y, 10, 11.5, INK)
    pen.oval(x + 3 * pose.look_x + 2.5, y - 4, 3.6, 3.6, (255, 255, 255))
    pen.oval(x + 3 * pose.look_x - 3, y + 4, 1.8, 1.8, (206, 206, 226))


def _mouth(pen: Pen, x: float, y: float, pose: Pose) -> None:
    if pose.mouth < 0.08:
        for side in (-1, 1):
            smile = [
                (x + side * 13 * t, y + 7 * math.sin(math.pi * min(1.0, 0.12 + 0.8 * t)) - 3)
                for t in np.linspace(0, 1, 9)
            ]
            pen.stroke(smile, 3.0, INK)
        return
    wide, tall = 11 + 5 * pose.mouth, 3 + 14 * pose.mouth
    pen.oval(x, y + tall * 0.55, wide, tall, MOUTH)
    pen.oval(x, y + tall * 1.05, wide * 0.62, tall * 0.42, TONGUE)


def _draw_bear(pen: Pen, pose: Pose) -> None:
    breath = 1.5 * pose.sway
    pen.blob(
        [
            (-92, -30),
            (-84, -128 - breath),
            (-44, -190),
            (44, -190),
            (86, -128 - breath),
            (94, -30),
            (60, 0),
            (-60, 0),
        ],
        BEAR,
    )
    pen.oval(10, -84, 58, 72 + breath, BEAR_LIGHT)
    pen.oval(-60, -14, 44, 25, BEAR_DARK)
    pen.oval(64, -14, 44, 25, BEAR_DARK)
    pen.oval(-64, -15, 21, 14, BEAR_LIGHT)
    pen.oval(72, -15, 21, 14, BEAR_LIGHT)
    pen.blob([(-92, -142), (-112, -88), (-96, -44 - breath), (-70, -52), (-66, -130)], BEAR_DARK)
    pen.blob([(86, -142), (104, -94), (84, -50 - 6 * pose.mouth), (58, -58), (64, -132)], BEAR_DARK)
    head = pen.at(10, -240 + pose.nod + breath)
    pen.blob([(-58, -196), (0, -178), (66, -194), (62, -166), (4, -152), (-56, -168)], SCARF)
    pen.blob(
        [(38, -176), (62, -178), (70 + 4 * pose.sway, -112), (44 + 4 * pose.sway, -108)], SCARF
    )
    for x in (-62, 62):
        head.oval(x, -56, 29, 29, BEAR)
        head.oval(x, -54, 16, 16, BEAR_LIGHT)
    head.oval(0, 0, 92, 78, BEAR)
    head.oval(-44, 20, 15, 9, BLUSH)
    head.oval(76, 18, 12, 9, BLUSH)
    head.oval(24, 30, 46, 36, BEAR_LIGHT)
    _mouth(head, 26, 38, pose)
    head.oval(26, 12, 17, 12, INK)
    head.oval(21, 8, 5, 3, (120, 104, 110))
    _eye(head, -14, -12, pose)
    _eye(head, 56, -12, pose)


def _draw_fox(pen: Pen, pose: Pose) -> None:
    breath, tail = 1.5 * pose.sway, 10 * pose.sway
    pen.blob(
        [
            (30, -14),
            (96, -6),
            (150 + tail, -62),
            (156 + tail, -142),
            (122 + tail, -172),
            (108 + tail, -112),
            (70, -66),
            (36, -50),
        ],
        FOX_DARK,
    )
    pen.blob(
        [
            (150 + tail, -104),
            (157 + tail, -144),
            (122 + tail, -173),
            (114 + tail, -132),
            (130 + tail, -124),
        ],
        CREAM,
    )
    pen.blob(
        [
            (-62, -26),
            (-56, -118 - breath),
            (-30, -172),
            (30, -172),
            (60, -112 - breath),
            (66, -26),
            (40, 0),
            (-40, 0),
        ],
        FOX,
    )
    pen.blob([(-40, -60), (-38, -136), (-6, -160), (22, -138), (22, -66), (-8, -36)], CREAM)
    for x in (-40, 30):
        pen.oval(x, -12, 30, 19, FOX_DARK)
    pen.blob(
        [(-58, -118), (-66, -60), (-50, -28 - 5 * pose.mouth), (-34, -34), (-34, -104)], FOX_DARK
    )
    pen.blob([(48, -112), (58, -60), (44, -26), (26, -32), (28, -100)], FOX_DARK)
    head = pen.at(-10, -220 + pose.nod + breath)
    for side in (-1, 1):
        head.blob([(side * 74, -22), (side * 72, -104), (side * 60, -108), (side * 14, -52)], FOX)
        head.blob([(side * 64, -40), (side * 64, -88), (side * 58, -90), (side * 30, -54)], INK)
    head.blob(
        [
            (-88, 16),
            (-76, -42),
            (-30, -66),
            (30, -66),
            (76, -42),
            (88, 16),
            (46, 56),
            (0, 68),
            (-46, 56),
        ],
        FOX,
    )
    head.blob([(-90, 18), (-58, 4), (-26, 18), (-10, 40), (2, 68), (-46, 57)], CREAM)
    head.blob([(90, 18), (52, 4), (12, 18), (-14, 40), (-2, 68), (46, 57)], CREAM)
    head.oval(-10, 30, 30, 26, CREAM)
    head.oval(-56, 16, 12, 8, BLUSH)
    head.oval(50, 16, 12, 8, BLUSH)
    _mouth(head, -10, 38, pose)
    head.oval(-11, 16, 13, 9.5, INK)
    head.oval(-15, 13, 4, 2.5, (120, 104, 110))
    _eye(head, -44, -10, pose)
    _eye(head, 24, -10, pose)


def _title() -> Picture:
    layer = Image.new("RGBA", (WIDTH * FINE, HEIGHT * FINE))
    draw = ImageDraw.Draw(layer)
    for text, size, y, fill in (
        (TITLE, 58, 46, (255, 246, 222, 255)),
        (SUBTITLE, 23, 90, (226, 214, 226, 255)),
    ):
        font = ImageFont.load_default(size * FINE)
        place = (WIDTH * FINE / 2, y * FINE)
        draw.text(
            (place[0] + 3, place[1] + 4), text, font=font, anchor="mm", fill=(20, 18, 46, 150)
        )
        draw.text(place, text, font=font, anchor="mm", fill=fill)
    return _reduced(layer)


def _shooting_star(picture: Picture, time_s: float) -> None:
    if not 0 <= time_s <= 0.9:
        return
    for i in range(26):
        along = time_s / 0.9 - 0.012 * i
        if along > 0:
            light = 170 * (1 - i / 26) * math.sin(math.pi * time_s / 0.9)
            _glow(picture, 200 + 330 * along, 70 + 120 * along, 1.6, (light, light, light))


def _glow(
    picture: Picture, x: float, y: float, radius: float, colour: tuple[float, float, float]
) -> None:
    """Add a soft spot of light."""
    reach = math.ceil(3 * radius)
    left, top = max(0, int(x) - reach), max(0, int(y) - reach)
    right, bottom = min(WIDTH, int(x) + reach + 1), min(HEIGHT, int(y) + reach + 1)
    if left >= right or top >= bottom:
        return
    dy, dx = np.mgrid[top:bottom, left:right].astype(np.float32)
    spot = np.exp(-((dx - x) ** 2 + (dy - y) ** 2) / (2 * radius * radius))
    picture[top:bottom, left:right] += spot[..., None] * np.array(colour, np.float32)


def _blend(picture: Picture, layer: Picture, share: float = 1.0) -> None:
    """Put an RGBA layer on the picture."""
    rows = np.flatnonzero(layer[..., 3].any(axis=1))
    if rows.size:
        part = slice(int(rows[0]), int(rows[-1]) + 1)
        alpha = layer[part, :, 3:] * (share / 255)
        picture[part] += alpha * (layer[part, :, :3] - picture[part])
