"""A portrait that speaks by warping: no neural network, a puppet and honest about it.

The mouth follows the sounds of the text (or the sound alone), lids, gaze, breath and head move by
themselves. The picture is warped part by part over a mesh of the face; the inside of the mouth is
painted in colours of the portrait. The same seed gives the same film.
"""

from collections.abc import Iterator, Sequence

from engines.animation.eyes import eyes_of
from engines.animation.head import Head
from engines.animation.mouth import Mouth
from engines.animation.pose import REACH_S, poses
from engines.roles import Face, Part, Phone, Picture
from media.audio import AudioFile
from studio.progress import Progress


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
        mouth, head = Mouth(portrait, face.points), Head(portrait, face.points)
        eyes = eyes_of(portrait, face.points)
        made = poses(speech.read(), phones, frames, fps, seed, at_s=wanted.at_s)
        for done, pose in enumerate(made, start=1):
            frame = portrait.copy()
            mouth.draw(frame, pose)
            for eye in eyes:
                eye.draw(frame, pose)
            head.move(frame, pose)
            yield frame
            progress(done, len(frames))
