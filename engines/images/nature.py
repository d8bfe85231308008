"""Skies, mountains, hills, woods, water, sand and snow."""

from collections.abc import Callable
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.images.canvas import Canvas
from engines.images.light import Colour, colour, mix
from media.filters import Floats, floats, soft

Bytes: TypeAlias = NDArray[np.uint8]

GREENS = {
    "": "#4f7a3c",
    "spring": "#79a84a",
    "summer": "#4c7f38",
    "autumn": "#a8682c",
    "winter": "#dfe6ee",
}


def sky(canvas: Canvas) -> None:
    """Paint the sky over the whole canvas: colours, sun or moon, stars, clouds."""
    light, place = canvas.light, canvas.rows() / canvas.horizon
    blend = np.clip(place, 0, 1)[..., None]
    upper = light.top + np.clip(blend / 0.6, 0, 1) * (light.middle - light.top)
    lower = light.middle + np.clip((blend - 0.5) / 0.5, 0, 1) ** 1.4 * (light.low - light.middle)
    share = np.clip((blend - 0.3) / 0.4, 0, 1)
    canvas.pixels[...] = upper + share * (lower - upper)
    if light.level < 0.4:
        stars(canvas, 1.0 - light.level * 2)
    x = canvas.sun_x
    if light.height >= 0:
        y = canvas.horizon * (1 - light.height)
        is_night = light.level < 0.2
        size = canvas.unit * (3.2 if is_night else 2.6)
        if not is_night:
            canvas.glow(x, y, 34 * canvas.unit, light.sun, 0.55)
        canvas.glow(x, y, 9 * canvas.unit, light.sun, 0.35 if is_night else 0.6)
        canvas.lay(mix(light.sun, colour("#ffffff"), 0.7), _disc(canvas, x, y, size))
    if canvas.wish.weather == "aurora":
        aurora(canvas)
    clouds(canvas)


def stars(canvas: Canvas, strength: float) -> None:
    """Scatter stars, few of them bright."""
    count = round(canvas.width * canvas.height / 2600)
    points = np.zeros((canvas.height, canvas.width), np.float32)
    ys, xs = (
        canvas.dice.integers(0, canvas.height, count),
        canvas.dice.integers(0, canvas.width, count),
    )
    points[ys, xs] = canvas.dice.power(0.22, count)
    points = soft(points, 0.9) * 5 + soft(points, 2.4) * 6
    tint = mix(colour("#ffffff"), colour("#bcd0ff"), 0.5)
    canvas.screen(np.clip(points * strength, 0, 1)[..., None] * tint)


def clouds(canvas: Canvas) -> None:
    """Lay clouds over the sky, flatter and denser towards the horizon, lit from the sun's side."""
    light = canvas.light
    depth = np.clip(canvas.rows() / canvas.horizon, 0, 1)
    shapes = 0.65 * canvas.noise(3.2, 6, 2.6) + 0.35 * canvas.noise(9, 5, 4.0)
    edge = 1.02 - 0.72 * light.cover
    dense = np.clip((shapes - edge) / 0.28, 0, 1) ** 1.2
    shift = round(1.6 * canvas.unit)
    lit = np.clip(0.5 + 2.2 * (shapes - canvas.moved(shapes, -shift, shift / 2)), 0, 1)
    bright = mix(light.low, light.sun, 0.55) * (0.35 + 0.65 * min(1.0, light.level + 0.25))
    shade = mix(light.middle, light.top, 0.4) * (0.92 if light.level > 0.3 else 0.8)
    colours = shade + lit[..., None] * (bright - shade)
    fade = np.clip((1.04 - depth) / 0.25, 0, 1) * (0.85 if light.cover > 0.5 else 0.75)
    canvas.lay(colours, dense * fade)


def aurora(canvas: Canvas) -> None:
    """Hang curtains of northern light."""
    x = canvas.columns()
    for tint, base in (("#38e08c", 0.34), ("#5fd0c8", 0.26), ("#9a6be0", 0.2)):
        line = base + 0.2 * (canvas.line(2.5, 3) - 0.5)
        up = line[None] - canvas.rows()
        rays = 0.45 + 0.55 * canvas.line(46, 3)[None]
        fall = np.exp(-np.clip(up, 0, 1) / 0.11) * (up > 0) + np.exp(-((up / 0.012) ** 2)) * (
            up <= 0
        )
        veil = soft(
            floats(fall * rays * (0.6 + 0.4 * np.sin(6 * x + base * 40))), 0.5 * canvas.unit
        )
        canvas.screen(np.clip(0.55 * veil, 0, 1)[..., None] * colour(tint))


def lit(canvas: Canvas, base: Colour, distance: float) -> Colour:
    """Return a colour of the ground in this light, as far away as `distance` (0 near, 1 far)."""
    light = canvas.light
    shone = base * (0.10 + 0.90 * light.level) * mix(colour("#ffffff"), light.sun, 0.45)
    shone = mix(shone.astype(np.float32), light.middle * light.level, 0.12)
    return mix(
        shone, mix(light.low, light.middle, 0.35), distance * light.haze * 1.3 if distance else 0
    )


def ridges(canvas: Canvas, base: Colour, count: int, highest: float, snow: bool) -> None:
    """Stack mountains from far to near, with light and shade on their flanks."""
    for index in range(count):
        near = (index + 1) / count
        crest = canvas.line(2.2 + 1.6 * index, 8, 0.52)
        line = canvas.horizon + 0.02 - highest * (1 - 0.72 * near) * (0.25 + 1.05 * crest)
        mask = canvas.below(line)
        flank = canvas.noise(7 + 3 * index, 6, 0.8)
        step = max(1, round(0.7 * canvas.unit))
        relief = np.clip(0.5 + 3.0 * (flank - canvas.moved(flank, step, step)), 0, 1)
        dark, bright = (
            lit(canvas, base * 0.55, 0.8 * (1 - near)),
            lit(canvas, base, 0.8 * (1 - near)),
        )
        colours = dark + relief[..., None] * (bright - dark)
        if snow and near < 0.99:
            down = (canvas.rows() - line[None]) / (highest * (1 - 0.6 * near))
            white = lit(canvas, colour("#f2f6fb"), 0.6 * (1 - near))
            cap = np.clip((0.42 - down + 0.5 * (flank - 0.5)) / 0.12, 0, 1)
            colours = colours + (cap * (0.55 + 0.45 * relief))[..., None] * (white - colours)
        canvas.lay(colours, mask)


def meadow(canvas: Canvas, base: Colour, layers: int = 4) -> None:
    """Roll hills towards the viewer."""
    for index in range(layers):
        near = (index + 1) / layers
        top = canvas.horizon + (1 - canvas.horizon) * (near - 1 / layers) * 0.8
        line = top + 0.05 * (1 - 0.3 * near) * (canvas.line(1.6 + index, 4, 0.35) - 0.5)
        tone = canvas.noise(14 + 10 * (1 - near), 5, 3.5)
        dark, bright = (
            lit(canvas, base * 0.62, 0.7 * (1 - near)),
            lit(canvas, base, 0.7 * (1 - near)),
        )
        slope = np.clip((canvas.rows() - line[None]) / 0.22, 0, 1)
        share = np.clip(0.85 - 0.5 * slope + 0.5 * (tone - 0.5), 0, 1)
        canvas.lay(dark + share[..., None] * (bright - dark), canvas.below(line))
        if index < layers - 1 and canvas.wish.place in {"hills", "mountains"}:
            trees(
                canvas,
                line,
                lit(canvas, base * 0.42, 0.6 * (1 - near)),
                0.018 + 0.05 * near,
                density=0.35,
            )


def trees(canvas: Canvas, line: Floats, tint: Colour, tall: float, *, density: float) -> None:
    """Plant a row of trees on a line: silhouettes, more of them pointed where it is high or cold."""
    pointed = 0.25 if canvas.wish.place == "hills" else 0.75
    mask = np.zeros((canvas.height, canvas.width), np.uint8)
    size = tall * canvas.height
    clumps = np.clip((canvas.line(5, 4) - 0.62 + 0.4 * density) / 0.12, 0, 1)
    x = -size * 0.3
    while x < canvas.width + size * 0.3:
        here = int(np.clip(x, 0, canvas.width - 1))
        foot, high = line[here] * canvas.height + 2, size * float(canvas.dice.uniform(0.6, 1.25))
        if canvas.dice.random() < clumps[here]:
            high *= 0.55 + 0.45 * float(clumps[here])
            kind = _pointed if canvas.dice.random() < pointed else _round
            kind(canvas, mask, float(x), float(foot), high)
        x += size * float(canvas.dice.uniform(0.16, 0.5))
    canvas.lay(tint, floats(mask) / np.float32(255))


def _pointed(canvas: Canvas, mask: Bytes, x: float, foot: float, high: float) -> None:
    points = [(x, foot - high)]
    sides: list[tuple[float, float]] = []
    for step in np.linspace(0.12, 1, 7):
        reach = high * 0.24 * step * float(canvas.dice.uniform(0.75, 1.15))
        points += [
            (x + reach, foot - high * (1 - step)),
            (x + reach * 0.55, foot - high * (1 - step)),
        ]
        sides += [
            (x - reach, foot - high * (1 - step)),
            (x - reach * 0.55, foot - high * (1 - step)),
        ]
    _fill(mask, [*points, *reversed(sides)])


def _round(canvas: Canvas, mask: Bytes, x: float, foot: float, high: float) -> None:
    _fill(mask, [(x - high * 0.03, foot), (x + high * 0.03, foot), (x, foot - high * 0.6)])
    for _ in range(9):
        dx, dy = canvas.dice.normal(0, 0.14, 2) * high
        radius = high * float(canvas.dice.uniform(0.1, 0.2))
        centre = (round((x + dx) * 8), round((foot - high * 0.64 + dy) * 8))
        cv2.circle(mask, centre, round(radius * 8), 255, -1, cv2.LINE_AA, 3)


def _fill(mask: Bytes, points: Any) -> None:
    cv2.fillPoly(mask, [np.round(np.array(points) * 8).astype(np.int32)], 255, cv2.LINE_AA, 3)


def water(canvas: Canvas, to: float = 1.0) -> None:
    """Fill from the horizon down to `to` with water that mirrors what stands above it."""
    top, bottom = round(canvas.horizon * canvas.height), round(to * canvas.height)
    count = max(1, bottom - top)
    depth = np.linspace(0, 1, count, dtype=np.float32)[:, None]
    waves = canvas.noise(30, 4, 14.0)[:count] - 0.5
    swell = canvas.noise(9, 3, 9.0)[:count] - 0.5
    reach = (1.5 + 26 * depth) * canvas.unit / 4
    ys = (
        top
        - 1
        - np.arange(count, dtype=np.float32)[:, None] * 0.92
        + (2.4 * waves + swell) * reach * 2
    )
    xs = np.arange(canvas.width, dtype=np.float32)[None] + waves * reach
    mirrored = floats(
        cv2.remap(
            canvas.pixels,
            floats(np.broadcast_to(xs, ys.shape)),
            floats(np.clip(ys, 0, top - 1)),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
    )
    deep = mix(canvas.light.top, colour("#0f4a5e"), 0.5) * (0.25 + 0.6 * canvas.light.level)
    share = np.clip(0.25 + 0.42 * depth - 0.5 * waves * depth, 0, 0.85)[..., None]
    surface = mirrored + share * (deep - mirrored)
    if canvas.light.height >= 0:
        column = (canvas.columns() - canvas.sun_x) / (0.03 + 0.16 * depth)
        glitter = np.exp(-(column**2)) * np.clip((waves + 0.5 * swell - 0.02) / 0.2, 0, 1)
        strength = 0.9 if canvas.light.height < 0.4 else 0.45
        surface = surface + (strength * glitter)[..., None] * (canvas.light.sun - surface)
    canvas.pixels[top:bottom] = surface


def sand(canvas: Canvas, base: Colour) -> None:
    """Paint a shore in front of the water, wet and with foam at its edge."""
    line = 0.84 + 0.05 * (canvas.line(1.5, 3, 0.4) - 0.5) + 0.05 * (canvas.columns()[0] - 0.5)
    grain = 0.6 * canvas.noise(18, 5, 4.0) + 0.4 * canvas.noise(160, 2)
    near = np.clip((canvas.rows() - line[None]) / 0.18, 0, 1)
    dark, bright = lit(canvas, base * 0.66, 0), lit(canvas, base, 0)
    share = np.clip(0.25 + 0.6 * near + 0.25 * (grain - 0.5), 0, 1)
    canvas.lay(
        dark + share[..., None] * (bright - dark), canvas.below(floats(line), 0.8 * canvas.unit)
    )
    for offset, strength in ((0.0, 0.75), (-0.035, 0.4), (-0.075, 0.22)):
        edge = line + offset + 0.012 * (canvas.line(9, 4) - 0.5)
        across = (canvas.rows() - edge[None]) / (0.006 + 0.05 * (offset + 0.09))
        foam = np.exp(-(across**2)) * (0.35 + 0.65 * canvas.noise(60, 3, 3.0))
        white = mix(lit(canvas, colour("#ffffff"), 0), canvas.light.sun, 0.2)
        canvas.lay(white, np.clip(strength * foam, 0, 1))


def palms(canvas: Canvas) -> None:
    """Let a palm or two lean into the picture from its sides."""
    tint = lit(canvas, colour("#26341c"), 0) * 0.8
    mask = np.zeros((canvas.height, canvas.width), np.uint8)
    for side in (0.06, 0.95):
        foot = np.array([side * canvas.width, 0.98 * canvas.height])
        lean = (0.5 - side) * 0.22 * canvas.width
        high = float(canvas.dice.uniform(0.55, 0.72)) * canvas.height
        t = np.linspace(0, 1, 24)[:, None]
        trunk = foot + np.hstack([lean * t**2, -high * t])
        for a, b, s in zip(trunk[:-1], trunk[1:], np.linspace(1.5, 0.7, 23), strict=True):
            wide = max(1, round(s * canvas.unit))
            ends = [(round(float(x) * 8), round(float(y) * 8)) for x, y in (a, b)]
            cv2.line(mask, ends[0], ends[1], 255, wide, cv2.LINE_AA, 3)
        for angle in np.linspace(-2.9, 0.1, 11) + canvas.dice.uniform(-0.15, 0.15, 11):
            length = canvas.unit * float(canvas.dice.uniform(14, 20))
            way = np.array([np.cos(angle), np.sin(angle)])
            spine = trunk[-1] + length * (t * way + np.array([0, 0.55]) * t**2.2)
            wide = canvas.unit * 2.6 * np.sin(np.pi * t.clip(0.03, 0.97)) ** 0.7
            _fill(mask, [*map(tuple, spine), *map(tuple, (spine + wide * [0.1, 1.0])[::-1])])
    canvas.lay(tint, floats(mask) / np.float32(255))


def forest(canvas: Canvas, base: Colour) -> None:
    """Stand trunks in rows that go over into the light between them."""
    light = canvas.light
    air = mix(mix(light.low, light.sun, 0.4), mix(colour("#a9cf86"), base, 0.35), 0.6)
    air = floats(air * (0.16 + 0.8 * light.level))
    canvas.pixels[...] = air * (0.75 + 0.35 * canvas.noise(4, 4))[..., None]
    canvas.glow(
        float(canvas.dice.uniform(0.35, 0.65)), 0.3, 26 * canvas.unit, light.sun, 0.5 * light.level
    )
    for index in range(6):
        near = (index + 1) / 6
        wood = mix(lit(canvas, colour("#3b3024"), 0), air, 0.8 * (1 - near))
        leaf = mix(lit(canvas, base * 0.6, 0), air, 0.72 * (1 - near))
        ground = canvas.below(floats(0.62 + 0.3 * near + 0.05 * (canvas.line(4, 5) - 0.5)), 3)
        canvas.lay(leaf * (0.7 + 0.5 * canvas.noise(30, 4, 2.0))[..., None], ground)
        _trunks(canvas, near, wood)
        crown = canvas.noise(7 + 5 * (1 - near), 6)
        high = np.clip((0.34 - 0.1 * near - canvas.rows()) / 0.3, -1, 1)
        leaves = np.clip((crown - 0.62 + 0.55 * high) / 0.1, 0, 1)
        canvas.lay(leaf * (0.6 + 0.8 * canvas.noise(70, 3))[..., None], leaves)
    beams(canvas)
    canvas.defocus(0.25 * canvas.unit)


def _trunks(canvas: Canvas, near: float, wood: Colour) -> None:
    aspect = canvas.height / canvas.width
    for x in canvas.dice.uniform(-0.02, 1.02, max(3, round(16 * (1 - 0.78 * near) / aspect))):
        wide = (0.006 + 0.034 * near**1.8) * float(canvas.dice.uniform(0.55, 1.3)) * aspect
        lean, foot = float(canvas.dice.normal(0, 0.012)), 0.66 + 0.34 * near
        for part in range(6):  # round: lighter on one side
            left, right = -1 + part / 3, -1 + (part + 1) / 3 + 0.05
            corners = [
                (x + left * wide + lean, -0.02),
                (x + right * wide + lean, -0.02),
                (x + right * wide * 1.35, foot),
                (x + left * wide * 1.35, foot),
            ]
            canvas.patch(corners, wood * (0.8 + 0.09 * part))


def beams(canvas: Canvas) -> None:
    """Let light fall through in slanting beams."""
    light = canvas.light
    if light.level < 0.3:
        return
    slant = canvas.columns() + 0.5 * canvas.rows()
    rays = np.interp(slant.ravel(), np.linspace(0, 1.5, canvas.width), canvas.line(22, 3)).reshape(
        slant.shape
    )
    fall = np.clip((rays - 0.55) / 0.2, 0, 1) * np.clip(0.95 - canvas.rows(), 0, 1) ** 1.3
    canvas.screen(0.28 * light.level * floats(fall)[..., None] * light.sun)


def dunes(canvas: Canvas, base: Colour) -> None:
    """Lay dunes with a lit and a shaded side, parted by a winding edge."""
    for index in range(5):
        near = (index + 1) / 5
        rough = canvas.line(1.2 + 0.5 * (1 - near), 3, 0.3)
        crest = soft(rough[None], (3 + 4 * near) * canvas.unit)[0]
        crest = floats(canvas.horizon - 0.02 + 0.36 * near**1.5 - 0.2 * (crest - 0.42))
        down = canvas.rows() - crest[None]
        bend = 0.05 * (canvas.noise(2.2, 3) - 0.5) + 0.5 * np.clip(down, 0, 1)
        places = np.clip(
            np.arange(canvas.width)[None] + bend * canvas.width * 0.5, 0, canvas.width - 1
        )
        slope = np.gradient(crest) * canvas.width
        steep = soft(slope[None], 1.2 * canvas.unit)[0][places.astype(int)]
        ripple = 0.5 + 0.5 * np.sin((down * 520 + 30 * canvas.noise(4, 4)) * (0.35 + near) / 3)
        share = 1 / (1 + np.exp(-9 * (steep + 0.04))) * np.clip(1.05 - 0.9 * down, 0.45, 1)
        share = np.clip(0.08 + 0.9 * share + 0.035 * (ripple - 0.5) * near, 0, 1)
        dark, bright = (
            lit(canvas, base * 0.5, 0.6 * (1 - near)),
            lit(canvas, base, 0.6 * (1 - near)),
        )
        canvas.lay(dark + floats(share)[..., None] * (bright - dark), canvas.below(crest))


def _disc(canvas: Canvas, x: float, y: float, radius_px: float) -> Floats:
    rows = np.arange(canvas.height, dtype=np.float32)[:, None] - y * canvas.height
    columns = np.arange(canvas.width, dtype=np.float32)[None] - x * canvas.width
    return floats(np.clip((radius_px - np.hypot(rows, columns)) / 1.5 + 0.5, 0, 1))


def _green(canvas: Canvas) -> Colour:
    return colour(GREENS[canvas.wish.season])


def beach(canvas: Canvas) -> None:
    """Paint sky, sea and sand."""
    sky(canvas)
    water(canvas)
    sand(canvas, colour("#e3cda4"))
    if "palms" in canvas.wish.extras or canvas.wish.season == "summer":
        palms(canvas)


def lake(canvas: Canvas) -> None:
    """Paint mountains that stand in a lake, woods at its shore."""
    sky(canvas)
    ridges(canvas, colour("#5d6a72"), 3, 0.26, snow=True)
    shore = canvas.horizon + 0.004 * canvas.line(6, 3)
    trees(canvas, floats(shore), lit(canvas, _green(canvas) * 0.4, 0.25), 0.075, density=1.0)
    water(canvas)


def mountains(canvas: Canvas) -> None:
    """Paint mountains behind meadows."""
    sky(canvas)
    ridges(canvas, colour("#6b6f78"), 4, 0.4, snow=canvas.wish.season != "summer")
    meadow(canvas, _green(canvas), 3)


def hills(canvas: Canvas) -> None:
    """Paint rolling hills with trees."""
    sky(canvas)
    ridges(canvas, _green(canvas) * 0.8, 2, 0.08, snow=False)
    meadow(canvas, _green(canvas), 4)


def woods(canvas: Canvas) -> None:
    """Paint the inside of a forest."""
    forest(canvas, _green(canvas))


def desert(canvas: Canvas) -> None:
    """Paint dunes."""
    sky(canvas)
    dunes(canvas, colour("#e0a865"))


def ice(canvas: Canvas) -> None:
    """Paint snow before white mountains."""
    sky(canvas)
    ridges(canvas, colour("#8795a5"), 3, 0.3, snow=True)
    meadow(canvas, colour("#edf2f8"), 3)


def above(canvas: Canvas) -> None:
    """Paint a sea of clouds under the sky."""
    sky(canvas)
    light = canvas.light
    bright = mix(mix(light.low, light.sun, 0.6), colour("#ffffff"), 0.45) * (
        0.25 + 0.75 * light.level
    )
    for index in range(7):
        near = (index + 1) / 7
        heads = np.sqrt(np.abs(canvas.line(4 + 4 * (1 - near), 5, 0.6) - 0.45))
        line = floats(canvas.horizon + 0.5 * near**1.6 - (0.05 + 0.12 * near) * heads)
        down = canvas.rows() - line[None]
        puffs = canvas.noise(6 + 5 * (1 - near), 6, 2.0)
        shade = mix(mix(light.middle, light.top, 0.25), light.low, 0.55 * (1 - near)) * (
            0.3 + 0.7 * light.level
        )
        share = np.clip(1.0 - down / (0.08 + 0.16 * near) + 0.9 * (puffs - 0.5), 0, 1)
        share = (share * (0.55 + 0.45 * near))[..., None]
        canvas.lay(
            shade + share * (bright - shade), canvas.below(line, (1 + 3 * near) * canvas.unit)
        )


SCENES: dict[str, tuple[Callable[[Canvas], None], str, float]] = {
    "beach": (beach, "golden", 0.5),
    "lake": (lake, "golden", 0.56),
    "mountains": (mountains, "day", 0.62),
    "hills": (hills, "golden", 0.5),
    "forest": (woods, "golden", 0.6),
    "desert": (desert, "golden", 0.48),
    "snow": (ice, "day", 0.55),
    "sky": (above, "golden", 0.52),
}
"""Place -> what paints it, its usual time of day, where its horizon is."""
