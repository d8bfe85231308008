"""The picture: is it one face that looks at us, and how does it fill the film's format."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.roles import Face, FaceFinder, FaceSpotter
from media.canonical_face import Spotted, five_points, mesh_of
from media.formats import format_of
from media.pictures import Pixels, read_picture, warped, write_png
from studio.artefacts import Artefact
from studio.errors import BadInput
from studio.steps import Desk, engine_step, step

Five: TypeAlias = tuple[tuple[float, float], ...]
"""Eyes, tip of the nose and corners of the mouth, x and y of each; the picture's left ones first."""

LONGEST_PX = 4096
MOST_SPOTTED = 8
SMALLEST_PX, SMALL_PX = 40, 110  # height of the face
TURNED, PROFILE = 0.5, 0.85
RIVAL = 0.5  # a second face that is half as large as the first is somebody, not background
FACE_SHARE = 0.42  # of the film's shorter side that the face shall take
FACE_AT = 0.46  # of the height of the film that is seen: the face's middle
STRETCHED = 2.5
DOUBTFUL = 0.9  # a score below that is shown to the user
CLOSE, NEAR = 1.7, 0.12  # of the face: how much around it is looked at, how far off a point may be
CHIN_ROOM = 0.12  # of the face's height: how far below it a chin may still come


@dataclass(frozen=True, slots=True)
class Portrait:
    """A picture and the face in it."""

    picture: Artefact  # PNG
    points: tuple[tuple[float, float], ...]  # 468, in pixels
    score: float
    turned: float
    warnings: tuple[str, ...] = ()

    def face(self) -> Face:
        """Return the face as engines take it."""
        return Face(np.array(self.points, np.float32), self.score, self.turned)


@dataclass(frozen=True, slots=True)
class Judged:
    """What the finder says of a picture before a job begins."""

    told: str  # a sentence
    five: tuple[tuple[float, float], ...]  # in shares of the picture; none where no face was found
    unsure: bool  # a person should look where the points are


def judge(finder: FaceFinder, pixels: Pixels, spotter: FaceSpotter | None = None) -> Judged:
    """Say whether a picture will do, and where its face is, or may be."""
    faces, spotted = finder.find(pixels), tuple[Spotted, ...]()
    if not faces and spotter is not None:
        spotted = spotter.spot(pixels)
        faces = confirmed(finder, pixels, [each.points for each in spotted])
    five = five_points(faces[0].points) if faces else np.zeros((0, 2), np.float32)
    if not faces and spotted:
        five = spotted[0].points
    places = tuple((float(x), float(y)) for x, y in np.clip(five / _size(pixels), 0, 1))
    if places and not faces:
        return Judged(
            "There may be a face here: drag the points to where they belong.", places, unsure=True
        )
    try:
        _refuse(faces, "this picture")
    except BadInput as error:
        return Judged(f"{str(error).capitalize()}.", places, unsure=True)
    if faces[0].score < DOUBTFUL:
        return Judged(
            "The finder is not sure of the face: look where the points are.", places, unsure=True
        )
    return Judged("A face was found.", places, unsure=False)


@engine_step("Look at the picture")
def look(
    finder: FaceFinder,
    desk: Desk,
    avatar: Artefact,
    points: tuple[str, ...] = (),
    spotted: tuple[Five, ...] = (),
) -> Portrait | None:
    """Find the one face of a picture, or take the five points that were given; None: there is no face.

    Args:
        finder: looks.
        desk: of the step.
        avatar: the picture.
        points: five, by hand, in shares of the picture.
        spotted: where else a face may be, in pixels; it is one if the finder sees it there.

    Raises:
        BadInput: several faces, or one that is too small or turned away; it says what to do.
    """
    name = avatar.name or "the picture"
    pixels = read_picture(desk.path(avatar), name, LONGEST_PX)
    desk.check()
    warnings: list[str] = []
    if points:
        five = [tuple(map(float, re.split("[, ]+", each))) for each in points]
        faces = (pointed(finder, pixels, five),)
        warnings.append("The face was placed by hand.")
    elif spotted:
        faces = confirmed(finder, pixels, [np.array(each, np.float32) for each in spotted])
    else:
        faces = finder.find(pixels)
    if not faces:
        return None
    _refuse(faces, name)
    face = faces[0]
    if face.turned > TURNED:
        warnings.append("The face is turned to the side: its mouth may look flat.")
    if face.height_px < SMALL_PX:
        warnings.append(
            f"The face is only {face.height_px:.0f} pixels high: a larger picture gets sharper."
        )
    return Portrait(
        desk.keep(write_png(pixels, desk.scratch / "portrait.png"), "image/png", "portrait.png"),
        tuple((round(float(x), 2), round(float(y), 2)) for x, y in face.points),
        face.score,
        face.turned,
        tuple(warnings),
    )


@engine_step("Look closer at the picture")
def spot(spotter: FaceSpotter, desk: Desk, avatar: Artefact) -> tuple[Five, ...]:
    """Return where faces may be that are too small, or too well hidden, for the finder."""
    pixels = read_picture(desk.path(avatar), avatar.name or "the picture", LONGEST_PX)
    found = [each.points.round(2).tolist() for each in spotter.spot(pixels)[:MOST_SPOTTED]]
    return tuple(tuple((x, y) for x, y in five) for five in found)


def confirmed(
    finder: FaceFinder, pixels: Pixels, spotted: Sequence[NDArray[np.float32]]
) -> tuple[Face, ...]:
    """Return the faces, largest first, that a close look of the finder shows where they were spotted.

    Args:
        finder: looks once more.
        pixels: the picture.
        spotted: eyes, tip of the nose and corners of the mouth of each, (5, 2), in pixels.
    """
    faces = (pointed(finder, pixels, (five / _size(pixels)).tolist()) for five in spotted)
    sure = [face for face in faces if face.score >= DOUBTFUL]
    return tuple(sorted(sure, key=lambda face: -face.height_px))


def _size(pixels: Pixels) -> NDArray[np.float32]:
    return np.array([pixels.shape[1], pixels.shape[0]], np.float32)


def pointed(finder: FaceFinder, pixels: Pixels, five: Sequence[Sequence[float]]) -> Face:
    """Return the face with those five points: the finder's, if a close look shows it just there.

    Args:
        finder: looks once more, at the face alone.
        pixels: the picture.
        five: x and y of eyes, tip of the nose and corners of the mouth, in shares of the picture.
    """
    placed = np.array(five, np.float32) * _size(pixels)
    mesh = mesh_of(placed)
    middle, side = mesh.mean(axis=0), CLOSE * float(np.ptp(mesh, axis=0).max())
    left, top = (max(0, round(float(at) - side / 2)) for at in middle)
    right, bottom = (round(float(at) + side / 2) for at in middle)
    close = np.ascontiguousarray(pixels[top : max(0, bottom), left : max(0, right)])
    if min(close.shape[:2]) > 1:
        for face in finder.find(close):
            seen = face.points + np.array([left, top], np.float32)
            if np.abs(five_points(seen) - placed).max() < NEAR * face.height_px:
                return Face(seen, face.score, face.turned)
    return Face(mesh, 0.0, 0.0)


def faceless(name: str) -> BadInput:
    """Return what is said of a picture without a face."""
    return BadInput(
        f"no face was found in {name}",
        remedy="Choose a picture of one person who looks at the camera; or show where the face is with five points.",
    )


def _refuse(faces: tuple[Face, ...], name: str) -> None:
    if not faces:
        raise faceless(name)
    large = [each for each in faces if each.height_px > RIVAL * faces[0].height_px]
    if len(large) > 1:
        raise BadInput(
            f"there are {len(large)} faces in {name}",
            remedy="Crop the picture to the one who speaks.",
        )
    if faces[0].height_px < SMALLEST_PX:
        raise BadInput(
            f"the face in {name} is {faces[0].height_px:.0f} pixels high",
            remedy=f"Choose a picture in which it is at least {SMALLEST_PX} pixels high; {SMALL_PX} look better.",
        )
    if faces[0].turned > PROFILE:
        raise BadInput(
            f"the face in {name} is seen from the side",
            remedy="Choose a picture in which it looks at the camera.",
        )


def below_chin_px(portrait: Portrait) -> int:
    """Return the row below which the chin does not come, open mouth and nods included."""
    face = portrait.face()
    return round(float(face.points[:, 1].max()) + CHIN_ROOM * face.height_px)


@step("Frame the portrait", version=2)
def frame(desk: Desk, portrait: Portrait, format_id: str) -> Portrait:
    """Fill the film's format with the picture, the face in the middle of what nothing covers."""
    wanted = format_of(format_id)
    pixels = read_picture(desk.path(portrait.picture))
    height, width = pixels.shape[:2]
    points = np.array(portrait.points)
    face = portrait.face()
    shorter = min(wanted.width_px, wanted.height_px)
    cover = max(wanted.width_px / width, wanted.height_px / height)
    scale = max(cover, FACE_SHARE * shorter / face.height_px)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2 * scale
    left = np.clip(middle[0] - wanted.width_px / 2, 0, width * scale - wanted.width_px)
    face_at = FACE_AT * (wanted.height_px - wanted.covered_px)
    top = np.clip(middle[1] - face_at, 0, height * scale - wanted.height_px)
    half = (scale - 1) / 2  # pixels are areas: their middles move by half a step
    size = (wanted.width_px, wanted.height_px)
    framed = warped(pixels, scale, (half - left, half - top), size)
    moved = points * scale + (half - left, half - top)
    warnings = portrait.warnings
    if scale > STRETCHED:
        warnings += (f"The picture was enlarged {scale:.1f} times for this format.",)
    path = write_png(framed, desk.scratch / "framed.png")
    return Portrait(
        desk.keep(path, "image/png", "framed.png"),
        tuple((round(float(x), 2), round(float(y), 2)) for x, y in moved),
        portrait.score,
        portrait.turned,
        warnings,
    )
