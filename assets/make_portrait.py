"""Draws `portrait.jpg`, the sample face: our own drawing, CC0; `python assets/make_portrait.py`."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

SIZE, SCALE = 1024, 2
Colour = tuple[int, int, int]
SKIN, SHADE, BLUSH = (232, 184, 152), (196, 138, 108), (226, 140, 122)
HAIR, HAIR_LIGHT = (72, 44, 36), (118, 74, 54)
LIP, LIP_DARK = (190, 92, 88), (128, 52, 54)
CLOTH, WALL, GLOW = (46, 84, 106), (206, 214, 206), (246, 238, 222)


def at(*places: float) -> list[float]:
    """Return places given in pixels of the finished picture."""
    return [place * SCALE for place in places]


class Sheet:
    """A picture that is painted in soft layers."""

    def __init__(self) -> None:
        y = np.linspace(0, 1, SIZE * SCALE)[:, None, None]
        x = np.linspace(-1, 1, SIZE * SCALE)[None, :, None]
        glow = np.exp(-(x**2) * 1.6 - ((y - 0.35) * 2.2) ** 2)
        wall: NDArray[np.float64] = np.array(WALL) * (1 - glow) + np.array(GLOW) * glow
        self.image = Image.fromarray(wall.astype(np.uint8))

    def paint(self, colour: Colour, soft_px: float = 1.0, strength: float = 1.0) -> "Brush":
        """Return a brush; what it draws goes onto the sheet when `done`."""
        return Brush(self, colour, soft_px, strength)


class Brush:
    """One layer of one colour."""

    def __init__(self, sheet: Sheet, colour: Colour, soft_px: float, strength: float) -> None:
        self._sheet, self._colour, self._soft, self._strength = sheet, colour, soft_px, strength
        self._mask = Image.new("L", sheet.image.size)
        self._draw = ImageDraw.Draw(self._mask)
        self._limit: Image.Image | None = None

    def oval(self, x: float, y: float, width: float, height: float) -> "Brush":
        """Draw an ellipse around (x, y)."""
        self._draw.ellipse(at(x - width / 2, y - height / 2, x + width / 2, y + height / 2), 255)
        return self

    def shape(self, *points: tuple[float, float]) -> "Brush":
        """Draw a closed smooth shape through the points."""
        self._draw.polygon([tuple(at(*each)) for each in _smooth(points)], 255)
        return self

    def stroke(self, width: float, *points: tuple[float, float]) -> "Brush":
        """Draw a line along the points."""
        self._draw.line(
            [tuple(at(*each)) for each in _curve(points)], 255, round(width * SCALE), "curve"
        )
        return self

    def inside(self, *points: tuple[float, float]) -> "Brush":
        """Let the finished layer end at a smooth shape, however soft it is."""
        self._limit = Image.new("L", self._mask.size)
        ImageDraw.Draw(self._limit).polygon([tuple(at(*each)) for each in _smooth(points)], 255)
        self._limit = self._limit.filter(ImageFilter.GaussianBlur(3 * SCALE))
        return self

    def within(self, x: float, y: float, width: float, height: float) -> "Brush":
        """Keep only what lies in an ellipse."""
        keep = Image.new("L", self._mask.size)
        box = at(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        ImageDraw.Draw(keep).ellipse(box, 255)
        self._mask = Image.composite(self._mask, Image.new("L", self._mask.size), keep)
        return self

    def done(self) -> None:
        """Lay the layer onto the sheet."""
        mask = self._mask.filter(ImageFilter.GaussianBlur(self._soft * SCALE))
        if self._limit is not None:
            mask = ImageChops.multiply(mask, self._limit)
        mask = mask.point([round(level * self._strength) for level in range(256)])
        self._sheet.image.paste(self._colour, (0, 0), mask)


def _curve(points: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    """Return an open smooth curve through the points."""
    first, last = points[0], points[-1]
    closed = _smooth((first, *points, last))
    return closed[16 : -2 * 16]


def _smooth(points: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    """Return a closed Catmull-Rom curve through the points."""
    p = np.array(points)
    before, after, beyond = np.roll(p, 1, 0), np.roll(p, -1, 0), np.roll(p, -2, 0)
    t = np.linspace(0, 1, 16, endpoint=False)[None, :, None]
    a, b, c, d = (each[:, None, :] for each in (before, p, after, beyond))
    curve = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
    return [(float(x), float(y)) for x, y in curve.reshape(-1, 2)]


def body(sheet: Sheet) -> None:
    """Hair behind, neck, shoulders."""
    sheet.paint(HAIR, 3).shape(
        (512, 150), (700, 200), (770, 400), (770, 640), (720, 790), (512, 800), (304, 790), (254, 640), (254, 400), (324, 200)
    ).done()  # fmt: skip
    sheet.paint(SHADE, 2).shape((430, 640), (594, 640), (612, 880), (512, 950), (412, 880)).done()
    sheet.paint(SKIN, 14, 0.8).shape(
        (450, 700), (580, 700), (600, 880), (512, 940), (424, 880)
    ).done()
    sheet.paint(CLOTH, 2).shape(
        (420, 830), (512, 912), (604, 830), (800, 890), (900, 1060), (512, 1090), (124, 1060), (224, 890)
    ).done()  # fmt: skip
    sheet.paint((70, 116, 140), 30, 0.7).oval(320, 1000, 240, 130).oval(720, 1000, 240, 130).done()


def face(sheet: Sheet) -> None:
    """The head with light from the left."""
    outline = (
        (512, 232), (626, 262), (690, 360), (696, 470), (676, 580), (622, 680), (556, 732), (512, 742),
        (468, 732), (402, 680), (348, 580), (328, 470), (334, 360), (398, 262),
    )  # fmt: skip
    sheet.paint(SHADE, 3).shape(*outline).done()
    lit = tuple((512 + (x - 512) * 0.92 - 6, y - 4) for x, y in outline)
    sheet.paint(SKIN, 22).shape(*lit).inside(*outline).done()
    sheet.paint((246, 208, 180), 40, 0.7).oval(470, 390, 220, 200).oval(430, 560, 90, 90).done()
    sheet.paint(BLUSH, 26, 0.35).oval(412, 570, 100, 70).oval(612, 570, 100, 70).done()
    sheet.paint(SHADE, 16, 0.5).oval(512, 742, 150, 26).done()


def nose(sheet: Sheet) -> None:
    """Bridge, tip, nostrils."""
    sheet.paint(SHADE, 10, 0.45).stroke(12, (534, 440), (540, 500), (548, 556)).done()
    sheet.paint((250, 214, 188), 8, 0.8).stroke(14, (508, 430), (508, 540)).done()
    sheet.paint(SHADE, 7, 0.75).oval(512, 580, 76, 16).done()
    sheet.paint((140, 84, 70), 3, 0.8).oval(492, 577, 18, 8).oval(532, 577, 18, 8).done()


def eye(sheet: Sheet, x: float) -> None:
    """One eye and its brow."""
    side = 1 if x > 512 else -1
    lid = (
        (x - 42, 452),
        (x - 20, 436),
        (x + 4, 432),
        (x + 26, 438),
        (x + 42, 452),
        (x + 20, 464),
        (x - 20, 464),
    )
    sheet.paint(SHADE, 9, 0.55).oval(x, 436, 104, 50).done()
    sheet.paint((246, 242, 238), 1).shape(*lid).done()
    sheet.paint((88, 66, 44), 1).oval(x, 448, 32, 32).within(x, 449, 90, 32).done()
    sheet.paint((24, 18, 16), 1).oval(x, 448, 15, 15).done()
    sheet.paint((255, 255, 255), 1).oval(x - 6, 442, 7, 7).done()
    sheet.paint((54, 34, 30), 1.2).stroke(
        6, (x - 44, 453), (x - 21, 437), (x + 4, 432), (x + 27, 438), (x + 44, 453)
    ).done()
    sheet.paint(SHADE, 2, 0.8).stroke(
        3, (x - 40, 455), (x - 18, 465), (x + 20, 465), (x + 40, 455)
    ).done()
    sheet.paint(SHADE, 2, 0.7).stroke(3, (x - 40, 434), (x, 418), (x + 40, 434)).done()
    brow = ((x - 46 * side, 402), (x - 18 * side, 393), (x + 20 * side, 387), (x + 56 * side, 403))
    sheet.paint(HAIR, 2.5, 0.85).stroke(11, *brow).done()


def mouth(sheet: Sheet) -> None:
    """Closed lips, a little content."""
    upper = (
        (446, 646),
        (484, 632),
        (502, 630),
        (512, 634),
        (522, 630),
        (540, 632),
        (578, 646),
        (540, 650),
        (512, 652),
        (484, 650),
    )
    lower = (
        (448, 648),
        (484, 652),
        (512, 654),
        (540, 652),
        (576, 648),
        (548, 672),
        (512, 680),
        (476, 672),
    )
    sheet.paint(SHADE, 8, 0.5).oval(512, 694, 90, 16).done()
    sheet.paint(LIP, 1.5).shape(*upper).done()
    sheet.paint((206, 112, 104), 1.5).shape(*lower).done()
    sheet.paint((236, 160, 148), 5, 0.7).oval(506, 664, 46, 10).done()
    sheet.paint(LIP_DARK, 1.2).stroke(
        3.5, (444, 645), (484, 651), (512, 653), (540, 651), (580, 645)
    ).done()


def hair(sheet: Sheet) -> None:
    """The hair in front, parted at the side."""
    sheet.paint(HAIR, 3).shape(
        (560, 196), (650, 220), (712, 310), (728, 480), (704, 560), (690, 440), (664, 348), (580, 290),
        (470, 286), (388, 330), (346, 420), (322, 560), (298, 480), (312, 310), (390, 200), (480, 172),
    ).done()  # fmt: skip
    for offset in range(0, 120, 24):
        sheet.paint(HAIR_LIGHT, 4, 0.5).stroke(
            5, (560, 210), (480 - offset / 2, 222 + offset / 3), (380 - offset / 3, 290 + offset), (326, 440 + offset / 2)
        ).done()  # fmt: skip
    sheet.paint(HAIR_LIGHT, 5, 0.5).stroke(6, (570, 214), (650, 270), (700, 380), (714, 500)).done()


def main() -> None:
    """Draw and write the picture."""
    sheet = Sheet()
    body(sheet)
    face(sheet)
    nose(sheet)
    eye(sheet, 434)
    eye(sheet, 590)
    mouth(sheet)
    hair(sheet)
    grain = np.random.default_rng(1).normal(0, 2.0, (SIZE, SIZE, 1))
    small = np.asarray(sheet.image.resize((SIZE, SIZE), Image.Resampling.LANCZOS), np.float64)
    out = Image.fromarray(np.clip(small + grain, 0, 255).astype(np.uint8))
    out.save(Path(__file__).with_name("portrait.jpg"), quality=92)


if __name__ == "__main__":
    main()
