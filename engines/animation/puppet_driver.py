"""The puppet led by a film: it opens its mouth, blinks, looks and turns its head as the face there does."""

from collections.abc import Iterator, Sequence

import numpy as np

from engines.animation.performance import Acting, gaze_of
from engines.animation.puppet import Figure
from engines.roles import Face, Performance, Picture
from studio.progress import Progress

MARGIN = 4  # frames around those that are wanted, for the easing of the gaze


class PuppetDriver:
    """Works at the portrait's own size; follows within the small motions that the puppet has."""

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
        poses = acting.poses(gaze)
        for done, frame in enumerate(wanted, start=1):
            yield figure.show(poses[frame])
            progress(done, len(wanted))

    def paste_back(self, portrait: Picture, face: Face) -> None:
        """Answer that nothing is pasted: it moves the portrait's own pixels. See `engines.roles.Pastes`."""
