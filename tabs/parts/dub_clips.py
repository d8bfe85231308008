"""What the dub editor plays: a line with two seconds around it, and a speaker's own voice."""

import shutil
from pathlib import Path

from studio.artefacts import Artefact
from studio.errors import BadInput
from studio.studio import Studio
from tabs.parts.clips import clip, made_once, previews
from tabs.parts.dub_opened import Opened
from workflows.dub.request import DubResult

AROUND_S = 2.0


def line_clip(studio: Studio, opened: Opened, owner: str, *, dub: bool) -> Path:
    """Cut the picked line with two seconds around it, of the original or of the dub.

    Raises:
        BadInput: if no line is picked, or there is no dub yet.
        NotFound: if the job is another's, or the file is no longer stored.
    """
    sheet, line = opened.sheet, opened.picked
    if sheet is None or line is None:
        raise BadInput("no line is picked", remedy="Click a line first.")
    studio.job(opened.job, owner)
    media, span = sheet.media, (line.start_s, line.end_s)
    if dub:
        if opened.is_waiting:
            raise BadInput("nothing is spoken yet", remedy="Continue the job first.")
        result = studio.result(opened.job, owner)
        if not isinstance(result, DubResult):
            raise BadInput("this job has no dub", remedy="Make one first.")
        media, span = result.video, (line.dub_start_s, line.dub_end_s)
    shift_s = sheet.audio_start_s
    around = (span[0] + shift_s - AROUND_S, span[1] + shift_s + AROUND_S)
    name = f"{line.id}-{'dub' if dub else 'original'}"
    return clip(studio, opened.job, name, media, around)


def voice_sample(studio: Studio, opened: Opened, sound: Artefact | None) -> str | None:
    """Return the path of a speaker's own voice, None where there is none to hear."""
    if sound is None or not studio.store.has(sound):
        return None
    path = previews(studio, opened.job) / f"voice-{sound.sha256[:16]}.flac"
    return str(made_once(path, lambda part: shutil.copyfile(studio.store.path(sound), part)))
