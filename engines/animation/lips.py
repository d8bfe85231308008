"""Filmed lips that follow other speech by warping: no neural network, the puppet's mouth on a film.

In each frame the mouth as it is seen, by the face's mesh, is moved to how the new speech wants it:
what is too far open is closed by its own lips, what is to open further gets a painted inside. All
else of the head stays the film's own.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from engines.animation.mouth import UPPER_SHARE, WIDEST, Motion, Mouth
from engines.animation.pose import LOUD_DB, Pose, mouth_poses
from engines.animation.rig import Floats
from engines.roles import Moment, Phone, Picture
from media.audio import Audio
from media.lip_sync import SILENCE_DB, levels_db
from studio.progress import Progress

CORNERS, EYES, LIPS = (61, 291), (33, 263), (13, 14)
CALM_FRAMES = 0.6  # of the Gaussian over the points: they tremble a little
TEETH = (
    0.68,
    0.60,
    0.52,
)  # of a portrait's: here they stand beside real ones, in the mouth's shade
REACH = 0.65  # of the puppet's widest: people on film open their mouths less than it
CLOSED_SHARE = 10  # percentile of the openings at which a mouth counts as shut
WIDER, NARROWER = 1.18, 0.84
PAINTED_FROM, PAINTED_TO = 0.06, 0.16  # of the half width: so much further open, the inside is new
SEEN_SMALL = 1.7  # times further than the mesh says are lips apart when they are open
CHIN = 0.35  # of what the lower lip comes up, the chin does


class MouthWarp:
    """Works at the film's own size; a frame at a time."""

    def sync(
        self,
        frames: Iterable[Picture],
        moments: Sequence[Moment],
        speech: Audio,
        phones: Sequence[Phone],
        *,
        progress: Progress,
    ) -> Iterator[Picture]:
        """Yield the frames with moved lips. See `engines.roles.LipSyncer`."""
        points = _calm([None if m.face is None else m.face.points for m in moments])
        usual = _Usual.of(points)
        at_s = np.array([float(each.at_s) for each in moments], np.float64)
        poses = mouth_poses(_usual_level(speech), phones, at_s)
        for index, (frame, moment) in enumerate(zip(frames, moments, strict=True)):
            own = points[index]
            if own is not None and moment.share > 0:
                moved = frame.copy()
                mouth = Mouth(frame, own, TEETH)
                mouth.move(moved, usual.motion(mouth, own, poses[index], moment.share))
                yield moved
            else:
                yield frame
            progress(index + 1, len(moments))


class _Usual:
    """How this face's mouth is when nothing is said: what openings and widths are held against.

    Args:
        shut: how far the mesh sees the lips apart when they are shut, in eye distances.
        width: of the mouth, in eye distances.
    """

    def __init__(self, shut: float, width: float) -> None:
        self._shut, self._width = shut, width

    @classmethod
    def of(cls, points: Sequence[Floats | None]) -> "_Usual":
        """Measure it over all frames."""
        seen = [each for each in points if each is not None]
        gaps = [_apart(each, LIPS) / _apart(each, EYES) for each in seen]
        widths = [_apart(each, CORNERS) / _apart(each, EYES) for each in seen]
        if not seen:
            return cls(0.0, 1.0)
        return cls(float(np.percentile(gaps, CLOSED_SHARE)), float(np.median(widths)))

    def motion(self, mouth: Mouth, points: Floats, pose: Pose, share: float) -> Motion:
        """Return how to move the mouth of one frame so that it stands as `pose` says."""
        scale, half, rest = _apart(points, EYES), mouth.half_px, mouth.resting_px
        usual_half = self._width * scale / 2
        is_open = max(0.0, rest - self._shut * scale)
        wanted = REACH * WIDEST * usual_half * pose.jaw * (1 - pose.press)
        gap = max(0.0, wanted - is_open) * share
        shut = max(0.0, is_open - wanted) * share
        width = 1 + 0.12 * pose.wide - 0.22 * pose.round - 0.06 * pose.jaw
        width = float(np.clip(width * usual_half / half, NARROWER, WIDER))
        further = (gap / half - PAINTED_FROM) / (PAINTED_TO - PAINTED_FROM)
        return Motion(
            gap=gap,
            width=1 + (width - 1) * share,
            kept=max(1 - SEEN_SMALL, 1 - SEEN_SMALL * shut / max(rest, 1e-3)),
            teeth=pose.teeth * share,
            round=pose.round * share,
            lifted=SEEN_SMALL * CHIN * (1 - UPPER_SHARE) * shut,
            painted=float(np.clip(further, 0, 1)),
        )


def _usual_level(speech: Audio) -> Audio:
    """Return it as loud as the puppet's speech is: lines of a film are softer, each in its way."""
    level_db = levels_db(speech, np.arange(0, speech.duration_s, 0.02))
    heard = level_db[level_db > SILENCE_DB]
    if not heard.size:
        return speech
    gain_db = LOUD_DB - float(np.percentile(heard, 95))
    return Audio((speech.samples * 10 ** (gain_db / 20)).astype(np.float32), speech.sample_rate_hz)


def _apart(points: Floats, pair: tuple[int, int]) -> float:
    return max(float(np.linalg.norm(points[pair[0]] - points[pair[1]])), 1e-3)


def _calm(points: Sequence[Floats | None]) -> list[Floats | None]:
    """Return the points of each frame, eased with those of its neighbours."""
    calm: list[Floats | None] = []
    for index, own in enumerate(points):
        if own is None:
            calm.append(None)
            continue
        total, weights = np.zeros_like(own, np.float64), 0.0
        for step in (-2, -1, 0, 1, 2):
            at = index + step
            near = points[at] if 0 <= at < len(points) else None
            if near is not None:
                weight = float(np.exp(-0.5 * (step / CALM_FRAMES) ** 2))
                total, weights = total + weight * near, weights + weight
        eased: NDArray[np.float64] = total / weights
        calm.append(eased.astype(np.float32))
    return calm
