"""The dub as a person reads and edits it: the line table and the cast sheet, as one document."""

from collections.abc import Sequence

from studio.artefacts import Artefact
from studio.request import Record
from workflows.dub import edits as edited
from workflows.dub.model import Edits, Flag, Line, Member, Placed


class SheetLine(Record):
    """A row of the line table; times in seconds from the first sample of the sound."""

    id: str
    speaker: str
    start_s: float
    end_s: float
    """Where it stands in the source"""
    text: str
    translation: str
    dub_start_s: float
    dub_end_s: float
    """Where it stands in the dub"""
    speed: float
    """1 is the voice's own speed"""
    flag: Flag
    voice: str
    """id of a built-in voice, or "own": the speaker's, cloned"""
    locked: bool
    take: int


class SheetMember(Record):
    """A row of the cast sheet."""

    speaker: str
    name: str
    speaking_s: float
    is_main: bool
    pitch_hz: float
    voice: str
    converted: bool
    """Whether the voice is turned toward a recording"""
    reference: Artefact | None
    """The best seconds of the original voice, to listen to"""


class SheetVoice(Record):
    """A voice to choose from."""

    id: str
    """Of a built-in voice, or "own": the speaker's, cloned"""
    title: str


class Sheet(Record):
    """Everything the dub tab shows of a finished or waiting dub."""

    version: int = 1
    media: Artefact
    """The video as it was given or fetched"""
    source_language: str
    target_language: str
    duration_s: float
    audio_start_s: float
    """Where the sound begins on the clock of the video"""
    lines: tuple[SheetLine, ...]
    cast: tuple[SheetMember, ...]
    voices: tuple[SheetVoice, ...] = ()
    """What the engine that speaks can speak with"""
    edits: Edits = Edits()
    """Everything that was changed by hand"""


def rows(
    lines: Sequence[Line], placed: Sequence[Placed], members: Sequence[Member], edits: Edits
) -> tuple[SheetLine, ...]:
    """Return the rows of the line table; a line that is not placed yet stands at its source time."""
    places = {each.line: each for each in placed}
    voices = {each.speaker: each.voice for each in members}
    return tuple(_row(line, places.get(line.id), voices, edits) for line in lines)


def cast_rows(members: Sequence[Member]) -> tuple[SheetMember, ...]:
    """Return the rows of the cast sheet."""
    return tuple(
        SheetMember(
            speaker=each.speaker,
            name=each.name,
            speaking_s=round(each.speaking_s, 2),
            is_main=each.is_main,
            pitch_hz=round(each.pitch_hz, 1),
            voice=each.voice,
            converted=each.convert_to is not None,
            reference=each.reference,
        )
        for each in members
    )


def _row(line: Line, place: Placed | None, voices: dict[str, str], edits: Edits) -> SheetLine:
    edit = edited.of_line(edits, line.id)
    return SheetLine(
        id=line.id,
        speaker=line.speaker,
        start_s=round(line.start_s, 3),
        end_s=round(line.end_s, 3),
        text=line.text,
        translation=line.translation,
        dub_start_s=round(place.start_s if place else line.start_s, 3),
        dub_end_s=round(place.end_s if place else line.end_s, 3),
        speed=round(place.speed, 3) if place else 1.0,
        flag=place.flag if place else "not spoken",
        voice=edit.voice or voices.get(line.speaker, ""),
        locked=edit.locked,
        take=edit.take,
    )
