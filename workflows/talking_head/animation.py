"""The portrait animated in parts: each is written, and remembered, by itself.

A part is given the sound some seconds around it, and nothing else of the speech: what is said
elsewhere can change, and the part is still the same.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engines.roles import Part, Phone, PortraitAnimator
from media.audio import AudioFile, open_audio, write_audio
from media.film import join_films, read_film, write_film
from media.pictures import read_picture
from studio.artefacts import Artefact
from studio.steps import Desk, Run, engine_step, step
from workflows.talking_head.filming import Moving
from workflows.talking_head.portrait import Portrait
from workflows.talking_head.talk import FLAC, Speech, laid_file

PART_S = 8.0
ROOM_S = 1.5  # how far from that a part may end, to end in silence
LEAST_S = 4.0
AHEAD_S = 2.0  # of sound after a part; see `engines.animation.pose.REACH_S`
QUIET_S = 0.12  # a cut is judged by the level of that long
FAR_DB_A_S = 2.0  # how much louder a cut may be that is a second nearer to `PART_S`


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What a part is animated by; all times and frames count from the beginning of its sound."""

    sound: Artefact  # FLAC
    phones: tuple[Phone, ...]
    first: int
    stop: int
    at_s: float  # when in the film the sound begins


@dataclass(frozen=True, slots=True)
class Plan:
    """The parts of a film, in order."""

    parts: tuple[Excerpt, ...]
    looks_back: int  # frames of the part before that the engine goes on from


@engine_step("Part the film")
def part_film(
    animator: PortraitAnimator, desk: Desk, speech: Speech, phones: tuple[Phone, ...], fps: int
) -> Plan:
    """Cut the speech where it is quiet, about every eight seconds.

    Every cut is chosen by itself, near a multiple of eight seconds: a change moves no cut far off.
    """
    sound = laid_file(desk, speech)
    n_frames = max(1, round(sound.duration_s * fps))
    edges = [0, *cuts(sound, fps), n_frames]
    parts: list[Excerpt] = []
    for frames in pairwise(edges):
        desk.check()
        parts.append(excerpt(desk, sound, phones, frames, fps, back_s=animator.hears_back_s))
    return Plan(tuple(parts), animator.looks_back)


def excerpt(
    desk: Desk,
    sound: AudioFile,
    phones: Sequence[Phone],
    frames: tuple[int, int],
    fps: int,
    *,
    back_s: float = AHEAD_S,
) -> Excerpt:
    """Cut out what a part of the film is animated by.

    Args:
        desk: of the step.
        sound: of the whole film.
        phones: of it.
        frames: of the part: the first, and the one after the last.
        fps: frames a second.
        back_s: how much of the sound before the part is wanted.
    """
    first, stop = frames
    from_s = max(0, math.floor(first / fps - back_s))
    to_s = min(sound.duration_s, math.ceil(stop / fps + AHEAD_S))
    path = write_audio(sound.cut(from_s, to_s), desk.scratch / f"{first}.flac")
    return Excerpt(
        desk.keep(path, FLAC, "excerpt.flac"),
        tuple(
            Phone(each.symbol, round(each.start_s - from_s, 6), round(each.end_s - from_s, 6))
            for each in phones
            if each.end_s > from_s and each.start_s < to_s
        ),
        first - from_s * fps,
        stop - from_s * fps,
        float(from_s),
    )


def cuts(sound: AudioFile, fps: int) -> list[int]:
    """Return the frames at which parts after the first begin."""
    found: list[int] = []
    while (middle_s := PART_S * (len(found) + 1)) + LEAST_S <= sound.duration_s:
        frames = np.arange(round((middle_s - ROOM_S) * fps), round((middle_s + ROOM_S) * fps) + 1)
        off_s = frames / fps - middle_s
        cost = _levels_db(sound, middle_s, off_s) + FAR_DB_A_S * np.abs(off_s)
        found.append(int(frames[cost.argmin()]))
    return found


def _levels_db(
    sound: AudioFile, middle_s: float, off_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how loud it is around each time, given from `middle_s`."""
    reach_s = ROOM_S + QUIET_S
    samples = sound.cut(middle_s - reach_s, middle_s + reach_s).samples[0].astype(np.float64)
    total = np.concatenate([[0.0], np.cumsum(np.square(samples))])
    starts, stops = (
        np.clip(np.rint((off_s + reach_s + by_s) * sound.sample_rate_hz), 0, samples.size)
        for by_s in (-QUIET_S / 2, QUIET_S / 2)
    )
    power = total[stops.astype(int)] - total[starts.astype(int)]
    return 10 * np.log10(power / np.maximum(stops - starts, 1) + 1e-6)


@engine_step("Bring the portrait to life", version=2)
def animate(
    animator: PortraitAnimator,
    desk: Desk,
    excerpt: Excerpt,
    portrait: Portrait,
    before: Moving | None = None,
    *,
    fps: int,
    seed: int,
) -> Moving:
    """Write the frames of one part as they come."""
    pixels = read_picture(desk.path(portrait.picture))
    last = deque(
        read_film(desk.path(before.film), check=desk.check) if before else (),
        maxlen=animator.looks_back,
    )
    frames = animator.animate(
        pixels,
        portrait.face(),
        open_audio(desk.path(excerpt.sound)),
        excerpt.phones,
        fps=float(fps),
        seed=seed,
        progress=desk.progress,
        part=Part(excerpt.first, excerpt.stop, excerpt.at_s, tuple(last)),
    )
    path = desk.scratch / "part.mp4"
    count = write_film(frames, path, fps, check=desk.check)
    film = desk.keep(path, "video/mp4", "part.mp4")
    pasted = animator.paste_back(pixels, portrait.face())
    return Moving(film, count, pixels.shape[1], pixels.shape[0], pasted)


@step("Join the parts")
def join_parts(desk: Desk, parts: Sequence[Moving], fps: int) -> Moving:
    """Put the parts one after another, packet by packet: nothing is coded anew."""
    if len(parts) == 1:
        return parts[0]
    path = desk.scratch / "moving.mp4"
    join_films([desk.path(each.film) for each in parts], path, fps, check=desk.check)
    film = desk.keep(path, "video/mp4", "moving.mp4")
    return replace(parts[0], film=film, frames=sum(each.frames for each in parts))


def animated(
    run: Run, portrait: Portrait, speech: Speech, phones: tuple[Phone, ...], *, fps: int, seed: int
) -> Moving:
    """Return the whole portrait in motion, made part by part."""
    plan = run.step(part_film, speech, phones, fps)
    if not plan.looks_back:
        parts = run.map(animate, plan.parts, portrait, fps=fps, seed=seed)
        return run.step(join_parts, parts, fps)
    chain: list[Moving] = []
    for excerpt in plan.parts:
        before = chain[-1] if chain else None
        chain.append(run.step(animate, excerpt, portrait, before, fps=fps, seed=seed))
    return run.step(join_parts, tuple(chain), fps)
