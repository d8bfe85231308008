"""A rough mask of a person made exact at the picture's edges, hair included.

Two cheap methods, one after the other. Where the colours before and behind the edge differ, the share
of a pixel that is person is read off the line between them (the compositing equation, solved for
alpha as in Chuang et al., "A Bayesian Approach to Digital Matting", CVPR 2001, with local means). Then
a guided filter (He, Sun, Tang, "Guided Image Filtering", PAMI 2013, in its fast form, arXiv 1505.00996)
lets the matte follow the edges of the picture.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.roles import Picture
from media.filters import Floats, box, fitted, floats, resized

WORK_PX = 480  # the longer side at which coefficients are computed
REACH = 0.03  # of the person's size: how far hair may stand off the rough mask
COARSE = 4  # colours that are carried on are smooth: so many times smaller is enough
CERTAIN = 0.08
DISTINCT = 0.10  # colours this far apart (of full scale) are told apart for sure
UNLIKE = 0.15
MIXED = 3.0  # how much a motley background, or hair, takes from that
MISFIT = 0.06  # off the line between the two colours: then it says nothing
EPS = 2e-4  # of the guided filter: contrasts below its root are smoothed over
NEAR = 0.002  # what is further from the edge than that is decided
LOW, HIGH = 0.08, 0.96  # of the matte: beyond, it is taken for 0 and 1


@dataclass(frozen=True, slots=True)
class _Colours:
    """The usual colour of one side of the edge at each pixel, and how much it varies there."""

    mean: Floats  # (height, width, 3)
    variance: Floats  # (height, width), of the three channels together


def refine(picture: Picture, rough: Floats) -> Floats:
    """Return the matte at the size of `picture`, (height, width), 0..1.

    Args:
        picture: what is cut out.
        rough: the mask, any size.
    """
    height, width = picture.shape[:2]
    size = fitted(width, height, WORK_PX)
    small = resized(picture, *size) / np.float32(255)
    mask = resized(rough, *size)
    reach = max(2, round(REACH * float(np.sqrt(mask.sum()))))
    near = box(box(mask, reach / 2), reach / 2)
    guess = np.clip(_by_colour(small, mask, reach), 4 * near - 3, 4 * near)
    coefficients = _guided(small, floats(guess), max(2, reach // 4))
    near = resized(near, width, height)
    matte = floats(near > 0.5)
    open_ = np.flatnonzero((near > NEAR) & (near < 1 - NEAR))
    if open_.size:
        followed = _applied(picture.reshape(-1, 3)[open_], open_, coefficients, (height, width))
        lean = near.ravel()[open_]  # nothing far from the person, no holes deep inside
        followed = np.clip((followed - LOW) / (HIGH - LOW), 8 * lean - 7, 8 * lean)
        matte.ravel()[open_] = np.clip(followed, 0, 1)
    return matte


def _by_colour(picture: Floats, mask: Floats, reach: int) -> Floats:
    """Return the mask, and near its edge the place of each colour between person and background."""
    shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    within = floats(cv2.erode(mask, shape)) > 1 - CERTAIN
    beyond = floats(cv2.dilate(mask, shape)) < CERTAIN
    person, behind = _spread(picture, within, reach), _spread(picture, beyond, reach)
    line, above = floats(person.mean - behind.mean), floats(picture - behind.mean)
    length = _dot(line, line)
    place = floats(np.clip(_dot(above, line) / np.maximum(length, 1e-5), 0, 1))
    off = floats(above - place[..., None] * line)
    motley = MIXED * behind.variance
    # What is unlike the background belongs to the person where the mask is in doubt.
    unlike = 1 - np.exp(-_dot(above, above) / (2 * (UNLIKE**2 + motley)))
    doubtful = np.maximum(mask, unlike * np.clip(3 * mask - 0.3, 0, 1))
    trust = length / (length + DISTINCT**2 + motley + MIXED * person.variance)
    trust = trust * np.exp(-_dot(off, off) / (2 * MISFIT**2))
    mixed = doubtful + trust * (place - doubtful)
    return floats(np.where(within, 1, np.where(beyond, 0, mixed)))


def _spread(picture: Floats, known: NDArray[np.bool_], reach: int) -> _Colours:
    """Return the colours of the `known` pixels carried on into the others, nearest first."""
    height, width = known.shape
    weight = floats(known)
    squares = _dot(picture, picture) * weight
    sums = cv2.merge([*cv2.split(picture * weight[..., None]), squares, weight])
    sums = floats(cv2.blur(sums, (COARSE, COARSE)))
    sums = np.ascontiguousarray(sums[COARSE // 2 :: COARSE, COARSE // 2 :: COARSE])
    found, sure = np.zeros_like(sums), np.zeros(sums.shape[:2], np.float32)
    for times in (1, 2.5, 7.5, 30):  # near colours where there are some, else farther ones
        near = box(box(sums, times * reach / COARSE), times * reach / COARSE)
        share = np.clip(near[..., 4] * 16, 0, 1) * (1 - sure)
        found += (share / np.maximum(near[..., 4], 1e-6))[..., None] * near
        sure += share
    found = floats(found / np.maximum(sure, 1e-6)[..., None])
    variance = np.maximum(found[..., 3] - _dot(found[..., :3], found[..., :3]), 0)
    spread = resized(cv2.merge([*cv2.split(found[..., :3]), floats(variance)]), width, height)
    return _Colours(np.ascontiguousarray(spread[..., :3]), np.ascontiguousarray(spread[..., 3]))


def _guided(guide: Floats, mask: Floats, radius: int) -> Floats:
    """Return (height, width, 4): what makes `slopes · colour + level` follow `mask` in each window."""
    r, g, b = cv2.split(guide)
    products = [r * r, g * g, b * b, r * g, r * b, g * b]
    planes = box(cv2.merge([r, g, b, mask, r * mask, g * mask, b * mask, *products]), radius)
    mr, mg, mb, height, cr, cg, cb, rr, gg, bb, rg, rb, gb = np.moveaxis(planes, 2, 0)
    cr, cg, cb = cr - mr * height, cg - mg * height, cb - mb * height
    rr, gg, bb = rr - mr * mr + EPS, gg - mg * mg + EPS, bb - mb * mb + EPS
    rg, rb, gb = rg - mr * mg, rb - mr * mb, gb - mg * mb
    # The inverse of a symmetric 3 × 3 matrix, by cofactors.
    c_rr, c_rg, c_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    scale = 1 / (rr * c_rr + rg * c_rg + rb * c_rb)
    sr = (c_rr * cr + c_rg * cg + c_rb * cb) * scale
    sg = (c_rg * cr + c_gg * cg + c_gb * cb) * scale
    sb = (c_rb * cr + c_gb * cg + c_bb * cb) * scale
    level = height - sr * mr - sg * mg - sb * mb
    return box(cv2.merge([sr, sg, sb, level]), radius)


def _applied(
    colours: NDArray[np.uint8], at: NDArray[np.intp], coefficients: Floats, shape: tuple[int, int]
) -> Floats:
    """Return the matte of the pixels `at` (flat, of a picture of that shape) with those colours."""
    rows, columns = np.divmod(at, shape[1])
    side = int(np.ceil(np.sqrt(at.size)))
    places = np.zeros((2, side * side), np.float32)  # OpenCV reads along a rectangle
    places[0, : at.size] = (columns + 0.5) * (coefficients.shape[1] / shape[1]) - 0.5
    places[1, : at.size] = (rows + 0.5) * (coefficients.shape[0] / shape[0]) - 0.5
    x, y = places.reshape(2, side, side)
    read: Any = cv2.remap(coefficients, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    own = read.reshape(-1, 4)[: at.size]
    weighed = np.einsum("ij,ij->i", own[:, :3], colours.astype(np.float32) / 255)
    return floats(weighed + own[:, 3])


def _dot(a: Floats, b: Floats) -> Floats:
    product = a * b
    return floats(product[..., 0] + product[..., 1] + product[..., 2])
