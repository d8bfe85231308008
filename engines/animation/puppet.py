"""A portrait that speaks by warping: no neural network, a puppet and honest about it.

The mouth follows the sounds of the text (or the sound alone), lids, gaze, breath and head move by
themselves. The picture is warped part by part over a mesh of the face; the inside of the mouth is
painted in colours of the portrait. The same seed gives the same film.
"""

from collections.abc import Iterator, Sequence

from engines.animation.eyes import eyes_of
from engines.animation.head import Head
from engines.animation.mouth import Mouth
from engines.animation.pose import REACH_S, Pose, poses
from engines.animation.rig import Floats
from engines.roles import Face, Part, Phone, Picture
from media.audio import AudioFile
from studio.progress import Progress


class Figure:
    """A portrait with a mouth, eyes and a head that can be moved.

    Args:
        portrait: (height, width, 3).
        points: (468, 2), its mesh.
    """

    def __init__(self, portrait: Picture, points: Floats) -> None:
        self._portrait = portrait
        self._mouth, self._head = Mouth(portrait, points), Head(portrait, points)
        self._eyes = eyes_of(portrait, points)

    def show(self, pose: Pose) -> Picture:
        """Return the portrait in that pose."""
        frame = self._portrait.copy()
        self._mouth.draw(frame, pose)
        for eye in self._eyes:
            eye.draw(frame, pose)
        self._head.move(frame, pose)
        return frame


class Puppet:
    """Works at the portrait's own size; memory does not grow with the speech's pictures."""

    looks_back = 0
    hears_back_s = REACH_S

    def animate(
        self,
        portrait: Picture,
        face: Face,
        speech: AudioFile,
        phones: Sequence[Phone],
        *,
        fps: float,
        seed: int,
        progress: Progress,
        part: Part | None = None,
    ) -> Iterator[Picture]:
        """Yield the frames. See `engines.roles.PortraitAnimator`."""
        wanted = part or Part(0, max(1, round(speech.duration_s * fps)))
        frames = range(wanted.first, wanted.stop)
        figure = Figure(portrait, face.points)
        made = poses(speech.read(), phones, frames, fps, seed, at_s=wanted.at_s)
        for done, pose in enumerate(made, start=1):
            yield figure.show(pose)
            progress(done, len(frames))

    def paste_back(self, portrait: Picture, face: Face) -> None:
        """Answer that nothing is pasted: it moves the portrait's own pixels. See `engines.roles.Pastes`."""
