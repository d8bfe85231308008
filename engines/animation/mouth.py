"""The puppet's mouth: lips and jaw as a warp in two halves, the inside of the mouth painted.

All geometry is in the mouth's own frame: u along the lips, v down, the origin between the corners.
Teeth belong to the skull: the upper ones stay where they are when the jaw drops.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.animation.pose import Pose
from engines.animation.rig import Floats, smooth_step, warp, window_around
from engines.roles import Picture

UPPER_INNER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LOWER_INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
LOWER_OUTER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
CORNERS, CHIN, UNDER_NOSE, JAW_SIDES = (78, 308), 152, 2, (172, 397)
CHEEK = (50, 205, 207, 187)

WIDEST = 0.62  # of the half width: how far the lips part when the jaw is wide open
UPPER_SHARE = 0.22  # of it that the upper lip takes
SHOWS_TEETH = 0.16  # of the half width: a portrait whose lips are further apart than this
SPEAKS = 0.08  # of the jaw, of lips pressed or rounded: a portrait that does more speaks
CLOSING_UP = 0.3  # of a resting opening: what the upper lip comes down as it closes
POINTS = 41  # of a drawn lip
SOFTNESS = 0.2  # of the width of the picture's edges: of those that are painted


Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Motion:
    """One pose in pixels of this mouth."""

    gap: float = 0.0  # wanted between the lips, at the centre, beside the resting opening
    width: float = 1.0  # of the mouth, in shares of its resting width
    kept: float = 1.0  # of the resting opening; below 0 the lips are drawn over one another
    teeth: float = 0.0
    round: float = 0.0
    lifted: float = 0.0  # how far the chin comes up as the mouth closes
    painted: float = 1.0  # how much of the inside is painted, 0..1

    @property
    def up(self) -> float:
        """What the upper lip takes of the gap."""
        return UPPER_SHARE * self.gap

    @property
    def low(self) -> float:
        """What the lower lip takes of the gap."""
        return (1 - UPPER_SHARE) * self.gap


class Mouth:
    """The mouth of a portrait.

    Args:
        picture: (height, width, 3), the portrait.
        points: (468, 2), its mesh.
        teeth: how bright painted teeth are in red, green and blue; 1 as in a lit portrait.
    """

    def __init__(self, picture: Picture, points: Floats, teeth: Colour = (1.0, 1.0, 1.0)) -> None:
        self._picture = picture
        left, right = points[list(CORNERS)]
        self._middle = (left + right) / 2
        self._half = half = float(np.linalg.norm(right - left)) / 2
        along = (right - left) / (2 * half)
        self._turn = np.array([along, [-along[1], along[0]]], np.float32)
        self._upper = self._local(points[list(UPPER_INNER)])
        self._lower = self._local(points[list(LOWER_INNER)])
        self._rest = np.maximum(self._lower[:, 1] - self._upper[:, 1], 0)
        self._chin = float(self._local(points[[CHIN]])[0, 1])
        self._nose = float(self._local(points[[UNDER_NOSE]])[0, 1])
        self._lip_line = float(self._lower[:, 1].mean())
        self._jaw_half = float(np.linalg.norm(points[JAW_SIDES[0]] - points[JAW_SIDES[1]])) / 2
        below = self._chin + 1.2 * (self._chin - self._lip_line)
        self.window = window_around(
            self._middle, (3.2 * half, 1.8 * half, 3.2 * half, below), picture
        )
        x, y = self.window.grid()
        grid = self._local(np.stack([x, y], axis=-1))
        self._u, self._v = grid[..., 0], grid[..., 1]
        columns = np.arange(self.window.left, self.window.right, dtype=np.float32)
        rows = np.arange(self.window.top, self.window.bottom, dtype=np.float32)
        fine = self._local(np.stack(np.meshgrid(columns, rows), axis=-1))
        self._fine_u, self._fine_v = fine[..., 0], fine[..., 1]
        self._fade = self._fading()
        lips = window_around(self._middle, (1.5 * half, half, 1.5 * half, half), picture)
        self._soft_px = SOFTNESS * edge_px(lips.of(picture))
        self._choose_colours(points, teeth)

    def draw(self, out: Picture, pose: Pose) -> None:
        """Draw the mouth into `out`, in place."""
        self.move(out, self._motion(pose))

    def move(self, out: Picture, motion: Motion) -> None:
        """Draw the mouth, moved so, into `out`, in place."""
        upper = self._warped(self._upper_field(motion), motion)
        lower = self._warped(self._lower_field(motion), motion)
        top, bottom = self._lips(motion)
        half = self._half
        far, deep = 8 * half, 20 * half
        seam = np.vstack(
            [
                [[-far, bottom[0, 1]]], bottom, [[far, bottom[-1, 1]]],
                [[far, deep]], [[-far, deep]],
            ]
        )  # fmt: skip
        below = self._mask(seam, max(0.6, 0.012 * half))
        drawn = upper + (lower - upper) * below
        gap = float((bottom[:, 1] - top[:, 1]).max())
        if gap > 0.02 * half and motion.painted > 0:
            hole = motion.painted * self._mask(
                np.vstack([top, bottom[::-1]]), max(0.7, 0.018 * half)
            )
            drawn += (self._inside(top, bottom, gap, upper, motion) - drawn) * hole
        part = self.window.of(out)
        seen = part.astype(np.float32)
        part[:] = np.clip(seen + (drawn - seen) * self._fade, 0, 255).astype(np.uint8)

    # -- the warp -----------------------------------------------------------------------------

    @property
    def half_px(self) -> float:
        """Half the width of the mouth as it is."""
        return self._half

    @property
    def resting_px(self) -> float:
        """How far the lips are apart as they are."""
        return float(self._rest.max())

    def _motion(self, pose: Pose) -> Motion:
        gap = WIDEST * self._half * pose.jaw
        kept = (1 - pose.press) * float(np.clip(1 - 1.4 * pose.round, 0, 1))
        return Motion(
            gap=gap,
            width=1 + 0.16 * pose.wide - 0.30 * pose.round - 0.10 * pose.jaw,
            kept=1 + _speaks(pose) * (kept * min(1.0, 0.35 + 1.2 * pose.jaw) - 1),
            teeth=pose.teeth,
            round=pose.round,
            painted=_speaks(pose),
        )

    def _profile(self, u: Floats, width: float) -> Floats:
        """Return how much of the gap opens at `u`: all in the middle, nothing at the corners."""
        return (np.clip(1 - (u / (width * self._half)) ** 2, 0, 1) ** 0.8).astype(np.float32)

    def _upper_field(self, motion: Motion) -> Floats:
        """Return how far each place moves down with the upper lip; it fades toward the nose."""
        profile = self._profile(self._u, motion.width)
        moved = -motion.up * profile + self._resting(motion) * (1 - motion.kept) * CLOSING_UP
        line = float(self._upper[:, 1].mean())
        above = np.clip((line - self._v) / (line - self._nose + 1e-3), 0, 1.2)
        return (moved * np.clip(1 - above, 0, 1) ** 1.2).astype(np.float32)

    def _lower_field(self, motion: Motion) -> Floats:
        """Return how far each place moves down with the lower lip and the jaw."""
        profile = self._profile(self._u, motion.width)
        lip = motion.low * profile - self._resting(motion) * (1 - motion.kept) * (1 - CLOSING_UP)
        lip = lip - 0.10 * self._half * profile * motion.teeth
        jaw = (0.62 * motion.low - motion.lifted) * np.exp(
            -((self._u / (0.95 * self._jaw_half)) ** 4)
        )
        moved, v = np.zeros_like(self._v), self._v
        for _ in range(2):  # the field is asked at the target, and wanted at the source
            down = np.clip((v - self._lip_line) / (self._chin - self._lip_line), 0, 3)
            blend = smooth_step((1.6 * down).astype(np.float32))
            fade = smooth_step((1 - (down - 1.05) / 0.75).astype(np.float32))
            moved = (lip * (1 - blend) + jaw * blend) * fade * (v > -0.3 * self._half)
            v = self._v - moved
        return moved.astype(np.float32)

    def _resting(self, motion: Motion) -> Floats:
        u = self._u / motion.width
        return np.interp(u, self._upper[:, 0], self._rest, 0, 0).astype(np.float32)

    def _warped(self, down: Floats, motion: Motion) -> Floats:
        u, v, half = self._u, self._v, self._half
        near = np.exp(-((np.abs(u) / (1.75 * half)) ** 3) - (v / (1.15 * half)) ** 2)
        beyond = np.where(np.abs(u) > half, half / np.maximum(np.abs(u), 1e-3), 1)
        across = (motion.width - 1) * u * near * beyond
        puff = 0.06 * half * motion.round * near * np.sign(v)
        puff = puff * np.clip(np.abs(v) / (0.25 * half), 0, 1)
        source_v = v - down - puff - self._drop(u, v, motion)
        source = np.stack([u - across, source_v], axis=-1) @ self._turn + self._middle
        x, y = (
            self.window.fine(np.ascontiguousarray(source[..., axis], dtype=np.float32))
            for axis in (0, 1)
        )
        return warp(self._picture, x, y).astype(np.float32)

    def _drop(self, u: Floats, v: Floats, motion: Motion) -> Floats:
        """Return how far the corners sink when the jaw opens."""
        half = self._half
        near = np.exp(-((np.abs(u) / (1.25 * half)) ** 4) - (v / half) ** 2)
        return (0.16 * motion.gap * near * np.clip((u / half) ** 2, 0, 1)).astype(np.float32)

    # -- the inside ---------------------------------------------------------------------------

    def _lips(self, motion: Motion) -> tuple[Floats, Floats]:
        """Return the inner edges of both lips, (41, 2) each, where the warp puts them."""
        top, bottom = self._upper.copy(), self._lower.copy()
        open_top, open_bottom = (self._profile(each[:, 0], 1.0) for each in (top, bottom))
        top[:, 1] += -motion.up * open_top + self._rest * (1 - motion.kept) * CLOSING_UP
        bottom[:, 1] += motion.low * open_bottom - self._rest * (1 - motion.kept) * (1 - CLOSING_UP)
        bottom[:, 1] -= 0.10 * self._half * open_bottom * motion.teeth
        for lip in (top, bottom):
            lip[:, 1] += self._drop(lip[:, 0], lip[:, 1], motion)
            lip[:, 0] *= motion.width
        if motion.kept < 0:
            bottom[:, 1] = (bottom[:, 1] + top[:, 1]) / 2
        bottom[:, 1] = np.maximum(bottom[:, 1], top[:, 1] if motion.kept >= 0 else bottom[:, 1])
        bottom[[0, -1]] = top[[0, -1]]
        return _dense(top), _dense(bottom)

    def _inside(
        self, top: Floats, bottom: Floats, gap: float, upper: Floats, motion: Motion
    ) -> Floats:
        """Paint what is seen between the lips: dark, the tongue, the upper teeth, a shadow."""
        half = self._half
        ceiling = float(top[:, 1].mean())
        depth = np.clip((self._fine_v - ceiling) / max(gap, 1.0), 0, 1)[..., None]
        painted = self._dark * (1.15 - 0.55 * np.exp(-(((depth - 0.55) / 0.35) ** 2)))
        wide = motion.width * half
        if gap > 0.10 * half:
            angle = np.linspace(0, 2 * np.pi, 30)
            middle = np.array([0, bottom[POINTS // 2, 1] - 0.02 * half])
            ring = np.stack([np.cos(angle) * 0.55 * wide, np.sin(angle) * 0.42 * gap], axis=-1)
            tongue = 0.75 * self._mask(middle + ring, 0.05 * half)
            painted = painted + (self._tongue - painted) * tongue
        if float(self._rest.max()) > SHOWS_TEETH * half:  # its own teeth, on the upper warp
            edge = top.copy()
            rest = np.interp(edge[:, 0] / motion.width, self._upper[:, 0], self._rest)
            edge[:, 1] += 0.92 * rest
            own = self._mask(np.vstack([top, edge[::-1]]), 0.03 * half)
            painted = painted + (upper - painted) * own
        else:
            painted = self._painted_teeth(painted, top, gap, wide)
        over, under = (top + np.array([0, share * half]) for share in (-0.02, 0.05))
        brim = np.vstack([over, under[::-1]])
        return (painted * (1 - 0.16 * self._mask(brim, 0.045 * half))).astype(np.float32)

    def _painted_teeth(
        self, painted: NDArray[Any], top: Floats, gap: float, wide: float
    ) -> NDArray[Any]:
        half = self._half
        length = min(0.42 * gap, 0.17 * half) * min(1.0, gap / (0.12 * half))
        edge, above = top.copy(), top.copy()
        edge[:, 1] += length * np.clip(1 - (edge[:, 0] / (0.92 * wide)) ** 4, 0, 1)
        above[:, 1] -= 1
        teeth = 0.9 * self._mask(np.vstack([above, edge[::-1]]), max(0.6, 0.02 * half))
        round_ = 1 - 0.30 * np.clip(np.abs(self._fine_u) / wide, 0, 1)[..., None] ** 2
        return painted + (self._teeth * round_ - painted) * teeth

    def _choose_colours(self, points: Floats, teeth: Colour) -> None:
        """Mix the colours of the inside from the portrait's own skin and lips."""
        skin = self._mean(points[list(CHEEK)])
        lip = self._mean(np.vstack([points[list(LOWER_OUTER)], points[list(LOWER_INNER)][::-1]]))
        tint = skin / np.array([215.0, 175.0, 150.0])
        tint = 0.2 + 0.8 * tint / max(float(tint.mean()), 1e-3)
        light = float(np.clip(skin.mean() / 160, 0.3, 1.1))
        self._teeth = np.clip(
            np.array([222.0, 203.0, 178.0]) * tint * light * np.array(teeth), 0, 235
        )
        self._dark = lip * np.array([0.26, 0.18, 0.18])
        self._tongue = lip * np.array([0.74, 0.62, 0.64]) + 0.06 * skin

    def _mean(self, contour: Floats) -> NDArray[np.float64]:
        mask = self.window.mask(contour.astype(np.float32))
        seen = self.window.of(self._picture).astype(np.float64)
        return (seen * mask).sum(axis=(0, 1)) / max(float(mask.sum()), 1.0)

    def _fading(self) -> Floats:
        """Return (height, width, 1): 0 at the window's border, 1 inside."""
        rows, columns = self.window.height, self.window.width
        x = np.arange(columns, dtype=np.float32)[None, :]
        y = np.arange(rows, dtype=np.float32)[:, None]
        near = np.minimum(np.minimum(x, columns - 1 - x), np.minimum(y, rows - 1 - y))
        return np.clip(near / max(4.0, 0.25 * self._half), 0, 1)[..., None].astype(np.float32)

    def _local(self, points: Floats) -> Floats:
        return ((points - self._middle) @ self._turn.T).astype(np.float32)

    def _mask(self, contour: NDArray[Any], soft_px: float) -> Floats:
        placed = (contour @ self._turn + self._middle).astype(np.float32)
        return self.window.mask(placed, max(soft_px, self._soft_px))


def edge_px(picture: Picture) -> float:
    """Return how wide the sharpest edges of a picture are: what is painted is to be no sharper."""
    grey = picture.mean(axis=2)
    low, high = np.percentile(grey, (2, 98))
    steepest = float(np.percentile(np.hypot(*np.gradient(grey)), 99.5))
    return float(high - low) / max(steepest, 1.0)


def _speaks(pose: Pose) -> float:
    """Return 0 for a portrait as it is, 1 for one that speaks, and what lies between."""
    return min(1.0, max(pose.jaw, pose.press, pose.round) / SPEAKS)


def _dense(lip: Floats) -> Floats:
    """Return a lip's edge in 41 points, smoothed."""
    u = np.linspace(float(lip[0, 0]), float(lip[-1, 0]), POINTS)
    share = (lip[:, 0] - lip[0, 0]) / (lip[-1, 0] - lip[0, 0])
    v = np.interp(np.linspace(0, 1, POINTS), share, lip[:, 1])
    v[2:-2] = np.convolve(v, np.ones(5) / 5, "valid")
    return np.stack([u, v], axis=-1).astype(np.float32)
