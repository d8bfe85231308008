"""Somebody who was cut out, set before another background: edges cleaned, colours and light brought near.

Colours of the edge: the background's share is taken out of each mixed pixel by blur fusion (Forte,
"Approximate Fast Foreground Colour Estimation", ICIP 2021). Colours of the person: moved a little towards
the new surroundings (Reinhard et al., "Color Transfer between Images", 2001, in Lab, held within limits).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.filters import Floats, box, fitted, floats, resized, soft
from media.pictures import Pixels, warped

EDGE = 0.004  # nearer to 0 or 1 than that a pixel is not mixed
FUSION_PX = 480  # the longer side at which the colours around the edge are estimated
FUSION_REACH = 0.025  # of the longer side
PURE = 3  # how much more a pixel of one side alone counts there
MOST_SHIFT = np.array([9.0, 7.0, 7.0], np.float32)  # of L, a, b
LEAST_CONTRAST, MOST_CONTRAST = 0.88, 1.12
WRAP = 0.22  # of the light from behind that reaches round the edge
WRAP_REACH = 0.02  # of the longer side
DISC = 0.045  # of the shorter side: the blur disc's radius at full amount
GLINT = 3.0  # how much brighter a lamp was before the camera cut it off at white


def cover(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    """Return a picture that fills a frame: scaled, its middle kept, what sticks out cut off."""
    height, width = pixels.shape[:2]
    scale = max(width_px / width, height_px / height)
    half = (scale - 1) / 2  # pixels are areas: their middles move by half a step
    offset = (half + (width_px - width * scale) / 2, half + (height_px - height * scale) / 2)
    return warped(pixels, scale, offset, (width_px, height_px))


def plain(colour: str, width_px: int, height_px: int) -> Pixels:
    """Return a picture of one colour, given as `#rrggbb`."""
    return np.full(
        (height_px, width_px, 3), list(bytes.fromhex(colour.removeprefix("#"))), np.uint8
    )


def out_of_focus(frame: Pixels, matte: Floats, amount: float) -> Pixels:
    """Return what is behind the person, as a lens with a wide aperture would show it.

    A disc in linear light, so that lamps become round spots; nothing of the person bleeds into it.

    Args:
        frame: the whole picture.
        matte: (height, width), 1 where the person is.
        amount: 0..1.
    """
    import cv2  # noqa: PLC0415 - heavy

    radius = max(1, round(amount * DISC * min(matte.shape)))
    shape = (2 * radius + 1, 2 * radius + 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, shape).astype(np.float32)
    disc /= float(disc.sum())
    seen = np.clip(1 - floats(cv2.dilate(matte, np.ones((5, 5), np.uint8))), 0, 1)
    light = _linear(frame)
    around = box(light * seen[..., None], 2 * radius).max(axis=2)
    around /= np.maximum(box(seen, 2 * radius), 1e-3)
    glint = light.min(axis=2) - around  # small, bright, white
    behind = light * ((1 + GLINT * np.clip(glint, 0, 1)) * seen)[..., None]
    total, share = np.zeros_like(light), np.zeros_like(matte)
    blurred, known = floats(cv2.filter2D(behind, -1, disc)), floats(cv2.filter2D(seen, -1, disc))
    for reach in (0, 4, 16, 64):  # behind the person: from nearby, else from farther away
        near, count = box(blurred, reach * radius), box(known, reach * radius)
        weight = np.clip(count * 8, 0, 1) * (1 - share)
        total += (weight / np.maximum(count, 1e-6))[..., None] * near
        share += weight
    return _encoded(total / np.maximum(share, 1e-6)[..., None])


@dataclass(frozen=True, slots=True)
class Setting:
    """A background of a film, and how somebody is set before it."""

    backdrop: Pixels
    glow: Pixels  # the backdrop, blurred: the light that comes from there
    colours: Floats  # (3, 4): what is done to the person's colours
    wrap: float  # 0: no light reaches round the edge

    def over(self, frame: Pixels, matte: Floats) -> Pixels:
        """Return the person of `frame` before the backdrop; all of one size."""
        import cv2  # noqa: PLC0415 - heavy

        person = _unmixed(frame, matte)
        if not np.array_equal(self.colours, np.eye(3, 4, dtype=np.float32)):
            person = np.asarray(cv2.transform(person, self.colours), np.uint8)
        if self.wrap > 0:
            height, width = matte.shape
            small = resized(matte, max(2, width // 8), max(2, height // 8))  # it has no detail
            shade = resized(soft(small, WRAP_REACH * max(small.shape)), width, height)
            around = self.wrap * (1 - shade)
            person = _blend(person, self.glow, 1 - around)
        return _blend(person, self.backdrop, matte)


def setting(frame: Pixels, matte: Floats, backdrop: Pixels, strength: float) -> Setting:
    """Return a backdrop prepared for a film.

    Args:
        frame: the film's first frame.
        matte: of that frame.
        backdrop: as large as the film.
        strength: 0..1, how far colours and light come nearer to the backdrop's.
    """
    glow = soft(floats(backdrop), WRAP_REACH * max(matte.shape)).astype(np.uint8)
    return Setting(backdrop, glow, _matched(frame, matte, backdrop, strength), WRAP * strength)


def _matched(frame: Pixels, matte: Floats, backdrop: Pixels, strength: float) -> Floats:
    """Return the (3, 4) map of colours that brings the person nearer to the backdrop."""
    same = np.eye(3, 4, dtype=np.float32)
    inside = matte > 0.95
    if strength <= 0 or inside.sum() < 64:
        return same
    colours = frame[inside][:: max(1, int(inside.sum()) // 20_000)]
    person, around = _lab(colours), _lab(backdrop.reshape(-1, 3)[:: max(1, matte.size // 20_000)])
    middle, spread = person.mean(axis=0), person.std(axis=0)
    shift = np.clip(0.35 * (around.mean(axis=0) - middle), -MOST_SHIFT, MOST_SHIFT)
    contrast = np.clip(around.std(axis=0) / np.maximum(spread, 1e-3), LEAST_CONTRAST, MOST_CONTRAST)
    contrast[1:] = np.minimum(contrast[1:], 1)  # no skin gets more colourful
    gain = 1 + strength * (contrast - 1)
    wanted = _rgb((person - middle) * gain + middle + strength * shift)
    given = np.column_stack([colours, np.full(len(colours), 255.0)]).astype(np.float64)
    keep = 40 * len(colours)  # ridge towards "as it is": few colours must not bend the others
    left = given.T @ given / 255**2 + keep / 400 * np.eye(4)
    right = given.T @ (wanted - colours) / 255**2
    change = np.linalg.solve(left, right).T
    change[:, 3] *= 255
    return np.asarray(same + change, np.float32)


def _unmixed(frame: Pixels, matte: Floats) -> Pixels:
    """Return the frame with the background's colour taken out of the pixels of the edge."""
    mixed = np.flatnonzero((matte > EDGE) & (matte < 1 - EDGE))
    if not mixed.size:
        return frame
    height, width = matte.shape
    size = fitted(width, height, FUSION_PX)
    small, share = resized(frame, *size), resized(matte, *size)[..., None]
    reach = FUSION_REACH * max(size)
    sure, void = share**PURE, (1 - share) ** PURE
    usual = behind = person = small
    for radius in (reach, reach / 6):  # wide for certainty, then close
        own, other = box(sure, radius)[..., None], box(void, radius)[..., None]
        usual = box(person * sure, radius) / (own + 1e-5)
        behind = box(behind * void, radius) / (other + 1e-5)
        person = np.clip(usual + share * (small - share * usual - (1 - share) * behind), 0, 255)
    usual, behind = (resized(each, width, height).reshape(-1, 3)[mixed] for each in (usual, behind))
    alpha = matte.ravel()[mixed][:, None]
    colour = frame.reshape(-1, 3)[mixed].astype(np.float32)
    clean = usual + alpha * (colour - alpha * usual - (1 - alpha) * behind)
    out = frame.copy()
    out.reshape(-1, 3)[mixed] = np.clip(clean + 0.5, 0, 255).astype(np.uint8)
    return out


def _blend(over: Pixels, under: Pixels, share: Any) -> Pixels:
    import cv2  # noqa: PLC0415 - heavy

    weight = np.asarray(share, np.float32)
    return np.asarray(cv2.blendLinear(over, under, weight, 1 - weight), np.uint8)


def _linear(pixels: Pixels) -> Floats:
    return np.square(
        pixels.astype(np.float32) / 255
    )  # near enough to sRGB's curve, and back exactly


def _encoded(light: Any) -> Pixels:
    return np.asarray(np.clip(np.sqrt(np.maximum(light, 0)) * 255 + 0.5, 0, 255), np.uint8)


def _lab(colours: NDArray[np.uint8]) -> Floats:
    import cv2  # noqa: PLC0415 - heavy

    row = colours.reshape(1, -1, 3).astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(row, cv2.COLOR_RGB2Lab)[0], np.float32)


def _rgb(lab: Any) -> Floats:
    import cv2  # noqa: PLC0415 - heavy

    row = np.asarray(lab, np.float32).reshape(1, -1, 3)
    return np.asarray(cv2.cvtColor(row, cv2.COLOR_Lab2RGB)[0] * 255, np.float32)
