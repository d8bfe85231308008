"""What is behind the one who speaks: kept, blurred, a colour, a picture, or made of a description."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engines.roles import Cutout, ImageMaker, Segmenter
from media.backdrop import Setting, cover, out_of_focus, plain, setting
from media.film import read_film, write_film
from media.pictures import Pixels, read_picture, write_png
from studio.artefacts import Artefact
from studio.errors import BadInput
from studio.steps import Desk, Run, engine_step, step
from workflows.talking_head.filming import Moving
from workflows.talking_head.request import TalkingHeadRequest

LEAST_SHARE, MOST_SHARE = 0.02, 0.98  # of the picture that a person takes


@dataclass(frozen=True, slots=True)
class Staged:
    """The film before its new background, and how much of it the person takes."""

    moving: Moving
    person_share: float

    def warnings(self) -> tuple[str, ...]:
        """Return what the user should know of it."""
        if self.person_share < LEAST_SHARE:
            return ("Hardly anybody could be told from the background: it may have covered them.",)
        if self.person_share > MOST_SHARE:
            return ("The person fills the picture: there is hardly any background to change.",)
        return ()


def stage(request: TalkingHeadRequest, moving: Moving, run: Run) -> Staged:
    """Return the film with the background that was asked for."""
    if request.background == "keep":
        return Staged(moving, 0.5)
    size = moving.width_px, moving.height_px
    if request.background == "blur":
        return run.step(
            set_before, moving, None, blur=request.background_blur, match=0.0, fps=request.fps
        )
    if request.background == "prompt":
        backdrop = run.step(make, request.background_prompt.strip(), *size, seed=request.seed)
    elif request.background == "picture":
        backdrop = run.step(fit, request.background_picture, *size)
    else:
        backdrop = run.step(fill, request.background_colour.lower(), *size)
    return run.step(
        set_before, moving, backdrop, blur=0.0, match=request.background_match, fps=request.fps
    )


@engine_step("Make the background")
def make(
    maker: ImageMaker, desk: Desk, prompt: str, width_px: int, height_px: int, *, seed: int
) -> Artefact:
    """Make a picture of a description, as large as the film."""
    pixels = maker.make(prompt, width_px, height_px, seed, progress=desk.progress)
    return _kept(desk, pixels)


@step("Fit the background")
def fit(desk: Desk, picture: Artefact | None, width_px: int, height_px: int) -> Artefact:
    """Let a picture fill the film's frame."""
    if picture is None:
        raise BadInput(
            "there is no background picture", remedy="Choose one, or another background."
        )
    pixels = read_picture(desk.path(picture), picture.name)
    return _kept(desk, cover(pixels, width_px, height_px))


@step("Fill the background")
def fill(desk: Desk, colour: str, width_px: int, height_px: int) -> Artefact:
    """Make a picture of one colour."""
    return _kept(desk, plain(colour, width_px, height_px))


@engine_step("Change the background")
def set_before(
    segmenter: Segmenter,
    desk: Desk,
    moving: Moving,
    backdrop: Artefact | None,
    *,
    blur: float,
    match: float,
    fps: int,
) -> Staged:
    """Cut the person out of every frame, and set them before `backdrop` (None: their own, blurred)."""
    behind = None if backdrop is None else read_picture(desk.path(backdrop))
    shares: list[float] = []

    def frames() -> Iterator[Pixels]:
        scene: Setting | None = None
        film = read_film(desk.path(moving.film), check=desk.check)
        for done, cut in enumerate(segmenter.segment(film), start=1):
            if scene is None:
                scene = _scene(cut, behind, blur, match)
                shares.append(float(np.mean(cut.matte)))
            yield scene.over(cut.frame, cut.matte)
            desk.progress(done, moving.frames)

    path = desk.scratch / "staged.mp4"
    count = write_film(frames(), path, fps, check=desk.check)
    film = desk.keep(path, "video/mp4", "staged.mp4")
    return Staged(Moving(film, count, moving.width_px, moving.height_px), round(shares[0], 4))


def _scene(first: Cutout, behind: Pixels | None, blur: float, match: float) -> Setting:
    backdrop = out_of_focus(first.frame, first.matte, blur) if behind is None else behind
    return setting(first.frame, first.matte, backdrop, match)


def _kept(desk: Desk, pixels: Pixels) -> Artefact:
    path = write_png(pixels, desk.scratch / "background.png")
    return desk.keep(path, "image/png", "background.png")
