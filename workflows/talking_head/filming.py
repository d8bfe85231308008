"""The film: the portrait animated, captions laid out, both put together, and looked at again."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from engines.roles import FaceFinder
from media.captions import write_captions
from media.cues import Cue
from media.film import read_film
from media.layout import lay_out
from media.lip_sync import LipSync, levels_db, lip_sync, opening
from media.mux import MuxPlan, Subtitle
from media.mux import mux as mux_film
from media.pictures import PasteBack
from media.probe import probe
from media.speech import Word
from media.subtitles import write_srt, write_vtt
from media.word_times import written_words
from studio.artefacts import Artefact
from studio.steps import Desk, engine_step, step
from workflows.talking_head.talk import Speech, speech_file

MEASURED_S = 60.0


@dataclass(frozen=True, slots=True)
class Moving:
    """The portrait in motion, without sound."""

    film: Artefact
    frames: int
    width_px: int
    height_px: int
    pasted: PasteBack | None = None  # None: the engine pastes nothing into the portrait
    is_mute: bool = False  # the mouth says what is said in a film, not the words


@dataclass(frozen=True, slots=True)
class Text:
    """What is said, sentence by sentence and word by word."""

    cues: tuple[Cue, ...]
    words: tuple[Word, ...]  # as written


@dataclass(frozen=True, slots=True)
class Captions:
    """What is said, to be read."""

    srt: Artefact
    vtt: Artefact
    drawn: Artefact | None  # ASS


@step("Lay out the captions", version=4)
def caption(
    desk: Desk,
    text: Text,
    language: str,
    moving: Moving,
    style: str,
    *,
    below_px: int,
    covered_px: int,
) -> Captions:
    """Write the captions as files, and below the chin as a drawing where `style` names one.

    Args:
        desk: of the step.
        text: what is said.
        language: of the text.
        moving: the film.
        style: id of a style of captions, or "".
        below_px: the row above which no caption comes.
        covered_px: rows at the bottom that the place where the film is watched writes over.
    """
    laid = lay_out(text.cues, language)
    drawn = None
    if style:
        path = desk.scratch / "captions.ass"
        write_captions(
            laid,
            style,
            path,
            width=moving.width_px,
            height=moving.height_px,
            words=text.words,
            below_px=below_px,
            covered_px=covered_px,
        )
        drawn = desk.keep(path, "text/x-ssa", "captions.ass")
    return Captions(
        desk.keep(write_srt(laid, desk.scratch / "c.srt"), "application/x-subrip", "captions.srt"),
        desk.keep(write_vtt(laid, desk.scratch / "c.vtt"), "text/vtt", "captions.vtt"),
        drawn,
    )


@step("Put the film together", version=2)
def assemble(
    desk: Desk,
    moving: Moving,
    speech: Speech,
    captions: Captions | None,
    *,
    language: str,
    name: str,
) -> Artefact:
    """Join picture, sound and captions."""
    tracks: tuple[Subtitle, ...] = ()
    drawn = None
    if captions is not None and captions.drawn is not None:
        drawn = desk.scratch / "captions.ass"
        drawn.symlink_to(desk.path(captions.drawn))
    elif captions is not None:
        path = desk.scratch / "captions.srt"
        path.symlink_to(desk.path(captions.srt))
        tracks = (Subtitle(path=path, language=language, title="Captions"),)
    plan = MuxPlan(
        source=probe(desk.path(moving.film), moving.film.name, check=desk.check),
        dub=speech_file(desk, speech),
        dub_language=language,
        dub_title="Speech",
        keep_original=False,
        is_coded_anew=True,
        subtitles=tracks,
        captions=drawn,
    )
    out = desk.scratch / "film.mp4"
    mux_film(plan, out, check=desk.check, progress=desk.progress)
    return desk.keep(out, "video/mp4", name)


@engine_step("Look whether the lips fit")
def measure_lips(
    finder: FaceFinder, desk: Desk, film: Artefact, speech: Speech, fps: int
) -> LipSync | None:
    """Read the mouth back from the first minute of the film, and hold it against the sound."""
    openings: list[float] = []
    most = round(MEASURED_S * fps)
    for pixels in islice(read_film(desk.path(film), check=desk.check), most):
        faces = finder.find(pixels)
        points = faces[0].points if faces else None
        openings.append(np.nan if points is None else opening(points))
        desk.progress(len(openings), min(most, max(1, round(speech.duration_s * fps))))
    edges_s = np.arange(len(openings) + 1) / fps
    sound = speech_file(desk, speech).cut(0, float(edges_s[-1]))
    return lip_sync(np.array(openings), levels_db(sound, edges_s))


def text_of(sentences: Sequence[tuple[str, float, float, Sequence[Word]]]) -> Text:
    """Return the captions of sentences: each as written, its start, its end, its spoken words."""
    cues: list[Cue] = []
    words: list[Word] = []
    for text, start_s, end_s, spoken in sentences:
        if end_s > start_s:
            cues.append(Cue(start_s, end_s, text.strip()))
            words += written_words(text, spoken, start_s, end_s)
    return Text(tuple(cues), tuple(words))
