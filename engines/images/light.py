"""The light of a time of day, and how the weather changes it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engines.images.words import Wish

Colour = NDArray[np.float32]  # (3,), 0..1


@dataclass(frozen=True, slots=True)
class Light:
    """Colours of the sky from top to horizon, of the sun, and of what it shines on."""

    top: Colour
    middle: Colour
    low: Colour
    sun: Colour
    level: float  # of daylight on the ground, 0..1
    height: (
        float  # of the sun or moon above the horizon, as a share of the sky; below 0: none is seen
    )
    cover: float = 0.35  # of the sky by clouds
    haze: float = 0.5  # how much of the far ground goes over into the sky


def colour(code: str) -> Colour:
    """Return `#rrggbb` as three floats."""
    return (np.array(list(bytes.fromhex(code.removeprefix("#"))), np.float32) / 255).astype(
        np.float32
    )


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Return what lies that far from `a` to `b`."""
    return (a + share * (b - a)).astype(np.float32)


def _light(skies: str, sun: str, level: float, height: float) -> Light:
    top, middle, low = map(colour, skies.split())
    return Light(top, middle, low, colour(sun), level, height)


TIMES = {
    "dawn": _light("#52699c #c79aa3 #f5cfa9", "#ffe2b8", 0.74, 0.12),
    "day": _light("#2d6cb0 #79aedb #cfe3ef", "#fffaf0", 1.0, 0.75),
    "golden": _light("#5a86bb #cdb894 #f7d695", "#ffe6ae", 0.92, 0.22),
    "dusk": _light("#2b3366 #a85468 #f79350", "#ffc070", 0.56, 0.09),
    "twilight": _light("#0d1a40 #33507f #9a829a", "#d8c8e0", 0.32, -1.0),
    "night": _light("#03071a #0a1633 #1c2f55", "#e6ecff", 0.15, 0.62),
}


def light_of(wish: Wish, usual: str = "day") -> Light:
    """Return the light of a description, or of the place's usual time where it tells none."""
    dark = wish.weather == "aurora" or wish.style == "neon"
    light = TIMES[wish.time or ("night" if dark else usual)]
    if wish.weather in {"clouds", "rain", "snowfall", "fog"}:
        grey = mix(light.middle, np.full(3, float(light.middle.mean()), np.float32), 0.75)
        light = replace(
            light,
            top=mix(light.top, grey, 0.65),
            middle=mix(light.middle, grey, 0.6),
            low=mix(light.low, grey, 0.45),
            level=light.level * 0.82,
            height=-1.0,
            cover=0.95,
            haze=0.95 if wish.weather == "fog" else 0.75,
        )
    elif wish.weather == "storm":
        light = replace(
            light,
            top=mix(light.top, colour("#1c222c"), 0.7),
            middle=mix(light.middle, colour("#3a4552"), 0.7),
            low=mix(light.low, colour("#8f9aa2"), 0.5),
            level=light.level * 0.6,
            height=-1.0,
            cover=1.0,
        )
    return light
