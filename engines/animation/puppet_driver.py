"""The puppet led by a film: it opens its mouth, blinks, looks and turns its head as the face there does."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from engines.animation.performance import Acting, gaze_of
from engines.animation.pose import Pose, mouth_poses
from engines.animation.puppet import Figure
from engines.roles import Face, Performance, Picture
from studio.progress import Progress

MARGIN = 4  # frames around those that are wanted, for the easing of the gaze


class PuppetDriver:
    """Works at the portrait's own size; follows within the small motions that the puppet has."""

    speaks = True

    def drive(
        self,
        portrait: Picture,
        face: Face,
        performance: Performance,
        frames: Sequence[int],
        *,
        progress: Progress,
    ) -> Iterator[Picture]:
        """Yield the frames. See `engines.roles.PortraitDriver`."""
        points, wanted = performance.points, list(frames)
        acting, figure = Acting(points, performance.fps), Figure(portrait, face.points)
        low = max(0, min(wanted) - MARGIN)
        high = min(len(points), max(wanted) + 1 + MARGIN)
        still = gaze_of(
            next(performance.pictures(acting.rest, acting.rest + 1)), points[acting.rest]
        )
        gaze = np.zeros(len(points))
        for frame, picture in enumerate(performance.pictures(low, high), start=low):
            gaze[frame] = gaze_of(picture, points[frame]) - still
            progress(0, len(wanted))
        led = acting.poses(gaze)
        poses = _saying([led[frame] for frame in wanted], performance)
        for done, pose in enumerate(poses, start=1):
            yield figure.show(pose)
            progress(done, len(wanted))

    def paste_back(self, portrait: Picture, face: Face) -> None:
        """Answer that nothing is pasted: it moves the portrait's own pixels. See `engines.roles.Pastes`."""


def _saying(poses: list[Pose], performance: Performance) -> list[Pose]:
    """Return the poses, with a mouth that says the portrait's own words, if it has some."""
    if performance.words is None:
        return poses
    speech, phones, part = performance.words
    at_s = np.arange(part.first, part.stop) / performance.fps
    mouths = mouth_poses(speech.read(), phones, at_s, is_part=True)
    return [
        replace(
            pose,
            jaw=mouth.jaw,
            wide=mouth.wide,
            round=mouth.round,
            press=mouth.press,
            teeth=mouth.teeth,
        )
        for pose, mouth in zip(poses, mouths, strict=True)
    ]
