"""Pictures painted by rules, not generated: places, light, weather and style from the words of a prompt.

It knows about twenty kinds of places (see `presets/painting/`), no people and no things: a backdrop for
somebody, a stand-in for a shot. The same words and seed give the same picture.
"""

import zlib
from collections.abc import Callable

import numpy as np

from engines.images import city, fancies, nature, rooms
from engines.images.canvas import Canvas
from engines.images.finish import finish, weather
from engines.images.light import light_of
from engines.images.words import read_wish
from engines.roles import Picture
from media.filters import fitted, resized
from studio.progress import Progress, silent

LONGEST_PX = 1920  # it is painted at that size at most, and enlarged beyond
SCENES: dict[str, tuple[Callable[[Canvas], None], str, float]] = {
    **nature.SCENES,
    "city": (city.city, "dusk", 0.66),
    "office": (rooms.office, "day", 0.6),
    "room": (rooms.living_room, "golden", 0.6),
    "library": (rooms.library, "dusk", 0.6),
    "studio": (rooms.studio, "day", 0.6),
    "space": (fancies.space, "night", 0.6),
    "bokeh": (fancies.bokeh, "night", 0.6),
    "abstract": (fancies.abstract, "day", 0.6),
    "plain": (fancies.plain, "day", 0.6),
}
"""Place -> what paints it, its usual time of day, where its horizon is."""


class Painter:
    """Paints in seconds, on the processor."""

    def make(
        self,
        prompt: str,
        width_px: int,
        height_px: int,
        seed: int,
        *,
        avoid: str = "",  # noqa: ARG002 - it paints nothing that was not asked for
        progress: Progress = silent,
    ) -> Picture:
        """Paint what the prompt's words tell. See `engines.roles.ImageMaker`."""
        wish = read_wish(prompt)
        paint, usual, horizon = SCENES[wish.place]
        width, height = fitted(width_px, height_px, LONGEST_PX)
        dice = np.random.default_rng([seed, zlib.crc32(" ".join(prompt.lower().split()).encode())])
        sun_x = float(dice.uniform(0.18, 0.82))
        pixels = np.zeros((height, width, 3), np.float32)
        canvas = Canvas(wish, light_of(wish, usual), pixels, dice, horizon, sun_x)
        for done, stroke in enumerate((paint, weather, finish)):
            progress(done, 3)
            stroke(canvas)
        progress(3, 3)
        eight = np.clip(canvas.pixels * 255 + dice.random((height, width, 1)), 0, 255)
        if (width, height) != (width_px, height_px):
            eight = resized(eight.astype(np.float32), width_px, height_px)
        return np.ascontiguousarray(eight, np.uint8)
