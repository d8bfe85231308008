"""A driving video: it is looked at once, and the portrait does what the face there does, part by part."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines.roles import FaceFinder, Part, Performance, Phone, Picture, PortraitDriver
from media.audio import open_audio
from media.film import write_film
from media.pictures import read_picture
from media.probe import probe
from media.steady import frames_between, steady
from media.tools import Check
from studio.artefacts import Artefact
from studio.errors import BadInput
from studio.steps import Desk, Run, engine_step, step
from workflows.talking_head.animation import PART_S, Excerpt, excerpt, join_parts
from workflows.talking_head.filming import Moving
from workflows.talking_head.portrait import Portrait
from workflows.talking_head.talk import Speech, laid_file

LONGEST_PX = 960
SEEN_SHARE = 0.5  # of the frames must show a face
GLANCES = 6  # so many frames are looked at first: to look for what is not there takes longest
JUMP = 0.7  # heights of a face between two frames: the film was cut there


@dataclass(frozen=True, slots=True)
class Driving:
    """A driving video, and the face in it."""

    film: Artefact  # at the film's rate, without sound
    points: Artefact  # NPY: (frames, 468, 2), where a frame shows no face as its neighbours have it
    frames: int
    fps: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """Which frames of the driving video one part of the film follows."""

    frames: tuple[int, ...]
    says: Excerpt | None  # None: what is said in the driving video


@engine_step("Watch the driving video")
def watch(finder: FaceFinder, desk: Desk, video: Artefact, fps: int) -> Driving:
    """Find the largest face in every frame.

    Raises:
        BadInput: if there is no picture, or no face in half of the frames.
    """
    name = video.name or "the driving video"
    path = desk.scratch / "driving.mp4"
    info = probe(desk.path(video), name, check=desk.check)
    steady(info, path, fps, longest_px=LONGEST_PX, check=desk.check)
    total = max(1, round(info.duration_s * fps))
    glances = [total * place // GLANCES for place in range(GLANCES)]
    _require(any(finder.find(each) for each in _some(path, glances, fps, desk.check)), name)
    found: list[NDArray[np.float32] | None] = []
    for pixels in frames_between(path, 0, total + fps, fps, check=desk.check):
        faces = finder.find(pixels)
        found.append(faces[0].points if faces else None)
        desk.progress(min(len(found), total), total)
    seen = [place for place, points in enumerate(found) if points is not None]
    _require(len(seen) >= SEEN_SHARE * max(1, len(found)), name)
    points = _filled(found, seen)
    kept = desk.scratch / "points.npy"
    np.save(kept, points)
    return Driving(
        desk.keep(path, "video/mp4", "driving.mp4"),
        desk.keep(kept, "application/octet-stream", "points.npy"),
        len(found),
        fps,
        _warnings(points, len(found) - len(seen), name),
    )


@step("Fit the driving video to the speech", version=2)
def fit(
    desk: Desk, driving: Driving, speech: Speech, phones: tuple[Phone, ...], own_sound: bool
) -> tuple[Order, ...]:
    """Return which frame of the driving video each frame of the film follows, in parts.

    With its own sound they go together, and it stands still where it has ended; else it is played
    forward and backward until the speech ends, and the mouth says what is said.

    Args:
        desk: of the step.
        driving: the driving video.
        speech: what is heard.
        phones: its sounds.
        own_sound: whether the speech is the driving video's own.
    """
    frames, late = (round(s * driving.fps) for s in (speech.duration_s, speech.starts_s[0]))
    frames = max(1, frames)
    followed = followed_frames(frames, late, driving.frames, is_straight=own_sound)
    sound, size = laid_file(desk, speech), round(PART_S * driving.fps)
    orders: list[Order] = []
    for first in range(0, frames, size):
        desk.check()
        part = (first, min(first + size, frames))
        says = None if own_sound else excerpt(desk, sound, phones, part, driving.fps)
        orders.append(Order(followed[slice(*part)], says))
    return tuple(orders)


def followed_frames(frames: int, late: int, length: int, *, is_straight: bool) -> tuple[int, ...]:
    """Return which frame of a driving video each frame of a film follows.

    Args:
        frames: of the film.
        late: frames of the film before anything is said.
        length: frames of the driving video.
        is_straight: once, then it stands still; else forward and backward.
    """
    place, last = np.arange(frames) - late, length - 1
    if is_straight or not last:
        followed = np.clip(place, 0, last)
    else:
        followed = last - np.abs(np.maximum(place, 0) % (2 * last) - last)
    return tuple(map(int, followed))


@engine_step("Let the portrait do the same", version=3)
def follow(
    driver: PortraitDriver, desk: Desk, order: Order, portrait: Portrait, driving: Driving
) -> Moving:
    """Write the frames of one part as they come."""
    pixels, film = read_picture(desk.path(portrait.picture)), desk.path(driving.film)

    def pictures(first: int, stop: int) -> Iterator[Picture]:
        return frames_between(film, first, stop, driving.fps, check=desk.check)

    points = np.load(desk.path(driving.points), allow_pickle=False)
    words = None
    if says := order.says:
        part = Part(says.first, says.stop, says.at_s)
        words = (open_audio(desk.path(says.sound)), says.phones, part)
    frames = driver.drive(
        pixels,
        portrait.face(),
        Performance(points, float(driving.fps), pictures, words),
        order.frames,
        progress=desk.progress,
    )
    path = desk.scratch / "part.mp4"
    count = write_film(frames, path, driving.fps, check=desk.check)
    made = desk.keep(path, "video/mp4", "part.mp4")
    pasted = driver.paste_back(pixels, portrait.face())
    is_mute = words is not None and not driver.speaks
    return Moving(made, count, pixels.shape[1], pixels.shape[0], pasted, is_mute)


def led(
    run: Run,
    portrait: Portrait,
    driving: Driving,
    speech: Speech,
    phones: tuple[Phone, ...],
    *,
    own_sound: bool,
) -> Moving:
    """Return the whole portrait in motion, as the face of the driving video moves."""
    orders = run.step(fit, driving, speech, phones, own_sound)
    return run.step(join_parts, run.map(follow, orders, portrait, driving), driving.fps)


def _some(path: Path, places: list[int], fps: int, check: Check) -> Iterator[Picture]:
    """Yield the frames at some places."""
    for place in places:
        yield from frames_between(path, place, place + 1, fps, check=check)


def _require(is_seen: bool, name: str) -> None:
    if not is_seen:
        raise BadInput(
            f"no face is seen in most of {name}",
            remedy="Choose a video of one person who looks at the camera, large and well lit.",
        )


def _filled(found: list[NDArray[np.float32] | None], seen: list[int]) -> NDArray[np.float32]:
    """Return (frames, 468, 2), with what lies between its neighbours where no face was seen."""
    known = np.stack([points for points in found if points is not None])
    at = np.interp(np.arange(len(found)), seen, np.arange(len(seen)))
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(seen) - 1)
    share = (at - low)[:, None, None]
    return (known[low] * (1 - share) + known[high] * share).astype(np.float32)


def _warnings(points: NDArray[np.float32], unseen: int, name: str) -> tuple[str, ...]:
    warnings: list[str] = []
    if unseen:
        warnings.append(
            f"In {unseen} frames of {name} no face was seen: it moves evenly over them."
        )
    height = float(np.median(np.linalg.norm(points[:, 10] - points[:, 152], axis=1)))
    steps = np.linalg.norm(np.diff(points.mean(axis=1), axis=0), axis=1)
    if steps.size and float(steps.max()) > JUMP * height:
        warnings.append(f"The face jumps in {name}, as if it was cut: a single shot looks better.")
    return tuple(warnings)
