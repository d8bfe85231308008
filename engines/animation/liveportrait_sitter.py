"""One portrait before LivePortrait's networks: moved by key points, drawn, and put back in its place."""

from collections.abc import Iterator

import numpy as np

from engines.animation.crop import Crop
from engines.animation.liveportrait_crop import eye_ratios, lip_ratio, mask, resized, square
from engines.animation.liveportrait_motion import EYES, LIPS, Floats, Poses, moved
from engines.animation.liveportrait_networks import Networks
from engines.roles import Face, Picture
from media.pictures import PasteBack

OPEN_LIPS = 0.03  # a mouth that is further open in the portrait is closed first


class Sitter:
    """A portrait that was looked at once.

    Args:
        networks: LivePortrait's.
        portrait: the picture.
        face: where the face is in it.
        batch: frames that are drawn at once.
    """

    def __init__(self, networks: Networks, portrait: Picture, face: Face, batch: int) -> None:
        self._networks, self._batch, self._face = networks, batch, face
        made = _square(networks, face)
        seen = resized(made, networks.seen_px).cut(portrait)
        self._likeness = networks.likeness(seen)
        self._here = self._likeness.key_points()
        self._volume = networks.volume(seen)
        self._paste = made.onto(portrait, mask(made.size_px))

    def perform(
        self,
        poses: Poses,
        rest: Poses,
        *,
        own_lips: bool = True,
        lips: Floats | None = None,
        lids: Floats | None = None,
    ) -> Floats:
        """Return the portrait's key points when it does what another face does, (frames, 21, 3).

        Args:
            poses: of the other face.
            rest: that face at rest, one frame.
            own_lips: see `moved`.
            lips: (frames,) how far the other's lips stand apart, for the portrait's to do the same
                by the network that knows it; None: they move by `poses`.
            lids: (frames,) the same for its lids.
        """
        expression = poses.expression.copy()
        for ratios, points in ((lips, LIPS), (lids, EYES)):
            if ratios is not None:
                expression[:, points] = rest.expression[:, points]
        bare = Poses(poses.angles, poses.scale, poses.shift, expression)
        driven = self._stitched(moved(self._likeness, bare, rest, own_lips=own_lips))
        driven += self._closing() if lips is None else self._lips(lips)
        return driven if lids is None else driven + self._lids(lids)

    def draw(self, driven: Floats) -> Iterator[Picture]:
        """Yield the portrait with its key points at (frames, 21, 3), a few at a time."""
        for start in range(0, len(driven), self._batch):
            part = driven[start : start + self._batch]
            for made in self._networks.draw(self._volume, self._here, part):
                yield self._paste(made)

    def _stitched(self, driven: Floats) -> Floats:
        """Return the key points so that the shoulders stay where they are."""
        fitted = self._networks.fit("retarget_shoulder", self._many(len(driven)), driven)
        stitched = driven + fitted[:, :63].reshape(-1, 21, 3)
        stitched[..., :2] += fitted[:, None, 63:]
        return stitched

    def _closing(self) -> Floats:
        """Return what closes the mouth of the portrait, (1, 21, 3): nothing where it is shut."""
        if lip_ratio(self._face.points) < OPEN_LIPS:
            return np.zeros((1, 21, 3), np.float32)
        return self._lips(np.zeros(1, np.float32))

    def _lips(self, ratios: Floats) -> Floats:
        own = np.full((len(ratios), 1), lip_ratio(self._face.points), np.float32)
        given = np.concatenate([own, ratios.reshape(-1, 1)], axis=1)
        return self._networks.fit("retarget_mouth", self._many(len(ratios)), given).reshape(
            -1, 21, 3
        )

    def _lids(self, ratios: Floats) -> Floats:
        own = np.tile(np.array([eye_ratios(self._face.points)], np.float32), (len(ratios), 1))
        given = np.concatenate([own, ratios.reshape(-1, 1)], axis=1)
        return self._networks.fit("retarget_eye", self._many(len(ratios)), given).reshape(-1, 21, 3)

    def _many(self, count: int) -> Floats:
        return np.repeat(self._here[None], count, axis=0)


def paste_back(networks: Networks, portrait: Picture, face: Face) -> PasteBack:
    """Measure what pasting alone does to a portrait."""
    made = _square(networks, face)
    return made.paste_back(portrait, mask(made.size_px))


def _square(networks: Networks, face: Face) -> Crop:
    """Return the square of a portrait that is drawn anew."""
    return square(face.points, 2 * networks.seen_px)
