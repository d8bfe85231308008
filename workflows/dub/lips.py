"""The lips follow the dub: shots in which a speaker is seen get another mouth, all others stay.

Faces are looked for only while somebody speaks. Who of several speaks is told by the mouths: the one
that moves most, for its size, while the line is said in the original.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from engines.roles import Face, FaceFinder, LipSyncer, Moment, Picture
from media.audio import Audio, open_audio
from media.lip_sync import LipSync, levels_db, lip_sync, opening
from media.probe import MediaInfo, probe
from media.repicture import (
    Frame,
    Planes,
    Rect,
    Shot,
    find_shots,
    patched,
    read_frames,
    read_patch,
    rect_around,
    with_patch,
    write_frames,
    write_patch,
)
from media.speech import Span
from studio.artefacts import Artefact
from studio.errors import BadInput, ToolFailed
from studio.steps import Desk, Run, engine_step, step
from workflows.dub.mixing import Spoken
from workflows.dub.model import Source

Points = NDArray[np.float32]

RATE_HZ = 16_000
SOFT_S = 0.2  # before and after a line, in which the new mouth comes and goes
CONTEXT_S = 1  # of sound around a shot
LOOK_EVERY = 25  # frames: then the whole picture is searched, not only around the faces
TURNED = 0.6  # more is a profile: its mouth stays
SMALLEST_PX = 40
MOVES = 0.004  # standard deviation of a mouth that speaks, in shares of the face's height
SEEN_SHARE = 0.3  # of the frames of its lines, in which a speaker's face must be seen
BEYOND = 0.6  # of a face's height: how far around it pixels may change
UNSEEN = -1.0  # the opening of a mouth that is not seen
WORSE = "new ones would follow the dub less well than these do"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the dub, on the clock of the film."""

    speaker: str
    start_s: float
    audio: Artefact
    source: Span
    span: Span  # from where the old line or the new one begins, to where the last of them ends


@dataclass(frozen=True, slots=True)
class Scene:
    """A shot in which somebody is heard."""

    shot: Shot
    lines: tuple[Line, ...]
    tracks: tuple[Artefact, ...] = ()  # of the faces in it; see `Part`


@dataclass(frozen=True, slots=True)
class Part:
    """A face that speaks in a shot: (frames, 469, 2) float32, NaN where it is not seen.

    The points of the mesh, then (score, turned).
    """

    track: Artefact
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """A shot, and who says what in it; nobody: `refusal` says why."""

    shot: Shot
    parts: tuple[Part, ...]
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Patch:
    """What changed in a shot, or why nothing did."""

    shot: Shot
    film: Artefact | None
    rect: Rect
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Remade:
    """A shot with its new lips."""

    order: Order
    patch: Patch


@dataclass(frozen=True, slots=True)
class Read:
    """The mouth of a shot, read from its frames, and the level of the dub: one value a frame."""

    before: tuple[float, ...]
    after: tuple[float, ...]
    level_db: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Lips:
    """How it went."""

    film: Artefact | None  # the picture with its new lips; None: nothing changed
    shots: int  # that have new lips
    kept: tuple[str, ...]  # sentences: which shots kept their own, and why
    before: LipSync | None  # the old lips against the dub
    after: LipSync | None


@step("Find the shots")
def find_cuts(desk: Desk, media: Artefact) -> tuple[Shot, ...]:
    """Return the shots of the film."""
    return tuple(find_shots(_info(desk, media), check=desk.check))


@engine_step("Look for faces")
def watch(finder: FaceFinder, desk: Desk, shot: Shot, media: Artefact) -> tuple[Artefact, ...]:
    """Return a track for each face of a shot; see `Part`."""
    tracks: list[list[Face | None]] = []
    for index, frame in enumerate(read_frames(_info(desk, media), shot, check=desk.check)):
        near = [face for each in tracks if (face := each[-1]) is not None]
        found = list(_found(finder, frame.pixels(), near if index % LOOK_EVERY else []))
        for track in tracks:
            track.append(_nearest(track[-1], found))
        tracks += [[*[None] * index, face] for face in found]
        desk.progress(index + 1, shot.frames)
    return tuple(_kept(desk, each, index) for index, each in enumerate(tracks))


@step("See who speaks")
def choose(desk: Desk, scene: Scene, media: Artefact) -> Order:
    """Give each speaker of a shot the face whose mouth moves most while the original is said."""
    at_s = [float(each) for each in _times(_info(desk, media), scene.shot, desk)]
    seen = [_points(desk, each) for each in scene.tracks]
    free = [index for index, each in enumerate(seen) if _is_usable(each)]
    if not free:
        return Order(scene.shot, (), "no face is seen well enough" if seen else "no face is seen")
    parts: list[Part] = []
    for who in dict.fromkeys(each.speaker for each in scene.lines):
        own = tuple(each for each in scene.lines if each.speaker == who)
        scores = {index: _speaks(seen[index], at_s, own) for index in free}
        best = max(scores, key=lambda index: scores[index], default=-1)
        if best >= 0 and scores[best] > 0:
            free.remove(best)
            parts.append(Part(scene.tracks[best], own))
    return Order(scene.shot, tuple(parts), "" if parts else "whoever speaks is not seen speaking")


@engine_step("Let the lips follow")
def follow(syncer: LipSyncer, desk: Desk, order: Order, media: Artefact) -> Patch:
    """Make the new lips of a shot; where that fails it keeps its own."""
    try:
        return _followed(syncer, desk, order, _info(desk, media))
    except (BadInput, ToolFailed) as error:
        return Patch(order.shot, None, Rect(0, 0, 0, 0), str(error))


@step("Put the new lips into the film")
def repicture(
    desk: Desk, media: Artefact, patches: tuple[Patch, ...], *, to_work_on: bool
) -> Artefact:
    """Code the picture anew; all frames and pixels that did not change go in as they are."""
    info = _info(desk, media)
    path = desk.scratch / "picture.mp4"
    write_frames(_patched(desk, info, patches), info, path, to_work_on=to_work_on)
    return desk.keep(path, "video/mp4", "picture.mp4")


@engine_step("Look whether the lips fit")
def read_back(finder: FaceFinder, desk: Desk, remade: Remade, media: Artefact) -> Read:
    """Read the first speaker's mouth from the old and the new frames of a shot."""
    info, order = _info(desk, media), remade.order
    points, lines = _points(desk, order.parts[0].track), order.parts[0].lines
    old, new, edges_s = list[float](), list[float](), list[float]()
    start_s = _starts_s(order.shot)
    for index, frame in enumerate(_patched(desk, info, [remade.patch], order.shot)):
        edges_s.append(float(frame.at_s) - start_s)
        own = points[index]
        near = [] if np.isnan(own).any() else [_face(own)]
        found = list(_found(finder, frame.pixels(), near)) if near else []
        again = _nearest(near[0], found) if near else None
        old.append(opening(near[0].points) if near else UNSEEN)
        new.append(UNSEEN if again is None else opening(again.points))
        desk.progress(index + 1, order.shot.frames)
    edges_s.append(order.shot.end_s - start_s)
    level_db = levels_db(_speech(desk, order.shot, lines), np.array(edges_s))
    return Read(tuple(old), tuple(new), tuple(float(each) for each in level_db))


def with_lips(run: Run, source: Source, spoken: Sequence[Spoken], *, to_work_on: bool) -> Lips:
    """Let the lips of the film follow the dub, shot by shot; every shot is remembered."""
    lines = [_line(run, source, each) for each in spoken]
    scenes = [
        Scene(shot, own)
        for shot in run.step(find_cuts, source.media)
        if (own := tuple(each for each in lines if _meet(each.span, shot)))
    ]
    tracks = run.map(watch, [each.shot for each in scenes], source.media)
    seen = [replace(each, tracks=own) for each, own in zip(scenes, tracks, strict=True)]
    orders = run.map(choose, seen, source.media)
    wanted = [each for each in orders if each.parts]
    patches = run.map(follow, wanted, source.media)
    made = [Remade(*each) for each in zip(wanted, patches, strict=True) if each[1].film]
    read = list(zip(made, run.map(read_back, made, source.media), strict=True))
    good = [(each.patch, own) for each, own in read if not _is_worse(own)]
    kept = [(each.shot, each.refusal) for each in (*orders, *patches) if each.refusal]
    kept += [(each.order.shot, WORSE) for each, own in read if _is_worse(own)]
    told = tuple(
        f"From {_clock(shot)} the lips are the film's own: {why}."
        for shot, why in sorted(kept, key=lambda each: each[0].start_s)
    )
    if not good:
        return Lips(None, 0, told, None, None)
    changed, seen = tuple(patch for patch, _ in good), [own for _, own in good]
    film = run.step(repicture, source.media, changed, to_work_on=to_work_on)
    return Lips(film, len(good), told, _compared(seen, "before"), _compared(seen, "after"))


def _followed(syncer: LipSyncer, desk: Desk, order: Order, info: MediaInfo) -> Patch:
    times = _times(info, order.shot, desk)
    waiting = deque[tuple[Frame, Picture]]()

    def frames() -> Iterator[Picture]:
        for frame in read_frames(info, order.shot, check=desk.check):
            waiting.append((frame, frame.pixels()))
            yield waiting[-1][1]

    made, boxes = frames(), list[Points]()
    for part in order.parts:
        points = _points(desk, part.track)
        boxes.append(points[:, :-1])
        moments = [
            _moment(own, at_s, part.lines, order.shot)
            for own, at_s in zip(points, times, strict=True)
        ]
        speech = _speech(desk, order.shot, part.lines)
        made = syncer.sync(made, moments, speech, (), progress=desk.progress)
    rect = _rect(boxes, info)

    def changed() -> Iterator[Planes]:
        for new in made:
            frame, old = waiting.popleft()
            yield patched(frame, old, new, rect)

    path = desk.scratch / "lips.mp4"
    write_patch(changed(), path)
    return Patch(order.shot, desk.keep(path, "video/mp4", "lips.mp4"), rect)


def _patched(
    desk: Desk, info: MediaInfo, patches: Sequence[Patch], shot: Shot | None = None
) -> Iterator[Frame]:
    """Yield the frames of the film, or of a shot, with their new lips."""
    waiting = deque(sorted(patches, key=lambda each: each.shot.first))
    now: Iterator[Planes] = iter(())
    total = sum(each.shot.frames for each in patches)
    for done, frame in enumerate(read_frames(info, shot, check=desk.check)):
        while waiting and frame.pts >= waiting[0].shot.stop:
            waiting.popleft()
        if waiting and frame.pts == waiting[0].shot.first:
            film = waiting[0].film
            now = iter(()) if film is None else read_patch(desk.path(film))
        planes = next(now, None)
        yield frame if planes is None else with_patch(frame, planes, waiting[0].rect)
        desk.progress(min(done + 1, total), total)


# -- faces -------------------------------------------------------------------------------------


def _found(finder: FaceFinder, pixels: Picture, near: Sequence[Face]) -> Iterator[Face]:
    """Yield the faces of a frame; looked for around `near` where there are any."""
    if not near:
        yield from finder.find(pixels)
        return
    points, reach = np.concatenate([each.points for each in near]), near[0].height_px * BEYOND
    left, top = (max(0, int(low - reach)) for low in points.min(axis=0))
    right, bottom = (int(high + reach) for high in points.max(axis=0))
    part = np.ascontiguousarray(pixels[top:bottom, left:right])
    for face in finder.find(part) if part.size else ():
        moved = face.points + np.array([left, top], np.float32)
        yield Face(moved, face.score, face.turned)


def _nearest(last: Face | None, found: list[Face]) -> Face | None:
    """Take the face out of `found` that is where `last` was."""
    if last is None:
        return None
    for face in found:
        apart = float(np.linalg.norm(face.points.mean(axis=0) - last.points.mean(axis=0)))
        if apart < last.height_px / 2:
            found.remove(face)
            return face
    return None


def _kept(desk: Desk, track: Sequence[Face | None], index: int) -> Artefact:
    rows = np.full((len(track), 469, 2), np.nan, np.float32)
    for row, face in zip(rows, track, strict=True):
        if face is not None:
            row[:-1], row[-1] = face.points, (face.score, face.turned)
    path = desk.scratch / f"face{index}.npy"
    np.save(path, rows, allow_pickle=False)
    return desk.keep(path, "application/octet-stream", "face.npy")


def _points(desk: Desk, track: Artefact) -> Points:
    return np.load(desk.path(track), allow_pickle=False)


def _face(row: Points) -> Face:
    return Face(row[:-1], float(row[-1, 0]), float(row[-1, 1]))


def _is_usable(rows: Points) -> bool:
    """Tell whether a face is ever large and frontal enough."""
    faces = [_face(row) for row in rows if not np.isnan(row).any()]
    return any(each.turned < TURNED and each.height_px >= SMALLEST_PX for each in faces)


def _speaks(rows: Points, at_s: Sequence[float], lines: Sequence[Line]) -> float:
    """Return how much a mouth moves while the lines are said, in pixels; 0: it does not speak."""
    during = [any(line.source.start_s <= at < line.source.end_s for line in lines) for at in at_s]
    said = rows[np.array(during, bool)]
    faces = [_face(row) for row in said if not np.isnan(row).any()]
    if not faces or len(faces) < SEEN_SHARE * len(said):
        return 0.0
    moves = float(np.std([opening(each.points) for each in faces]))
    return 0.0 if moves < MOVES else moves * float(np.mean([each.height_px for each in faces]))


def _moment(row: Points, at_s: Fraction, lines: Sequence[Line], shot: Shot) -> Moment:
    off_s = min(max(0.0, each.span.start_s - at_s, at_s - each.span.end_s) for each in lines)
    share = max(0.0, 1 - float(off_s) / SOFT_S)
    face = None if np.isnan(row).any() else _face(row)
    usable = face is not None and face.turned < TURNED and face.height_px >= SMALLEST_PX
    return Moment(at_s - Fraction(_starts_s(shot)), face if usable else None, share)


def _rect(boxes: Sequence[Points], info: MediaInfo) -> Rect:
    """Return where pixels may change: around all the faces."""
    points = np.concatenate([each.reshape(-1, 2) for each in boxes])
    low, high = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    reach = BEYOND * float(high[1] - low[1])
    width, height = info.video.shown_size if info.video else (0, 0)
    return rect_around(low - reach, high + reach, (width, height))


def _info(desk: Desk, media: Artefact) -> MediaInfo:
    return probe(desk.path(media), media.name, check=desk.check)


# -- time and sound ----------------------------------------------------------------------------


def _times(info: MediaInfo, shot: Shot, desk: Desk) -> list[Fraction]:
    return [each.at_s for each in read_frames(info, shot, check=desk.check)]


def _starts_s(shot: Shot) -> float:
    """Return where the sound that goes with a shot begins."""
    return max(0.0, shot.start_s - CONTEXT_S)


def _speech(desk: Desk, shot: Shot, lines: Sequence[Line]) -> Audio:
    """Return what is said in a shot, (1, samples), with some sound around it."""
    start_s = _starts_s(shot)
    samples = np.zeros(round((shot.end_s + CONTEXT_S - start_s) * RATE_HZ), np.float32)
    for line in lines:
        own = open_audio(desk.path(line.audio)).read().mono().resampled(RATE_HZ).samples[0]
        at = round((line.start_s - start_s) * RATE_HZ)
        low, high = max(0, at), min(samples.size, at + own.size)
        if low < high:
            samples[low:high] += own[low - at : high - at]
    return Audio(samples[None], RATE_HZ)


def _line(run: Run, source: Source, spoken: Spoken) -> Line:
    shift_s = source.audio_start_s
    start_s = spoken.start_s + shift_s
    end_s = start_s + open_audio(run.store.path(spoken.audio)).duration_s
    said = Span(spoken.source.start_s + shift_s, spoken.source.end_s + shift_s)
    whole = Span(min(start_s, said.start_s), max(end_s, said.end_s))
    return Line(spoken.speaker, start_s, spoken.audio, said, whole)


def _meet(span: Span, shot: Shot) -> bool:
    return span.start_s - SOFT_S < shot.end_s and span.end_s + SOFT_S > shot.start_s


def _is_worse(read: Read) -> bool:
    """Tell whether the new lips of a shot follow the dub less than its own did."""
    before, after = _compared([read], "before"), _compared([read], "after")
    if before is None or after is None:
        return False
    return after.correlation < before.correlation and abs(after.lag_frames) >= abs(
        before.lag_frames
    )


def _compared(read: Sequence[Read], which: str) -> LipSync | None:
    mouth = np.array([value for each in read for value in getattr(each, which)], np.float64)
    mouth[mouth == UNSEEN] = np.nan
    return lip_sync(mouth, np.array([value for each in read for value in each.level_db]))


def _clock(shot: Shot) -> str:
    minutes, seconds = divmod(int(shot.start_s), 60)
    return f"{minutes}:{seconds:02d}"
