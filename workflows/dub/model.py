"""What the dub knows: the source, the cast, the lines, the edits of a person. Times as in media.speech."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from media.speech import Span, Word
from studio.artefacts import Artefact
from studio.characters import Character
from studio.request import Record

Flag = Literal["", "too long", "not translated", "not spoken"]


@dataclass(frozen=True, slots=True)
class Source:
    """The file to dub, probed, and its sound decoded."""

    media: Artefact
    audio: Artefact  # FLAC of the chosen stream, its own rate and channels (more than 2: downmixed)
    audio_stream: int | None  # index in `media`; None: the file has no sound of its own
    audio_start_s: float  # of the first sample on the file's clock: the A/V offset is kept
    duration_s: float  # of the sound
    has_video: bool
    frame_s: float  # one frame of the picture, 0 without picture
    language: str  # as the file tags it, or ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of one speaker, as the table shows it."""

    id: str  # "L001": stable for the same source
    speaker: str
    start_s: float
    end_s: float
    text: str  # as said
    words: tuple[Word, ...] = ()
    translation: str = ""
    shorter: tuple[str, ...] = ()  # ever shorter translations

    @property
    def span(self) -> Span:
        """Where it stands in the source."""
        return Span(self.start_s, self.end_s)


class LineEdit(Record):
    """What a person changed in one line; empty fields leave it as it is."""

    id: str
    text: str | None = None
    translation: str | None = None
    speaker: str | None = None
    voice: str | None = None
    """id of a built-in voice, for this line only"""
    locked: bool = False
    """Never shortened, nor moved from its source time."""
    take: int = Field(default=0, ge=0)
    """Raised to speak the line again, differently."""


class CastEdit(Record):
    """What a person decided about one speaker."""

    speaker: str
    """As diarized: "S1"."""
    name: str | None = None
    merge_into: str | None = None
    voice: str | None = None
    """id of a built-in voice"""
    reference: Artefact | None = None
    """A recording of the voice to take on."""
    character: Character | None = None
    """Whose voice it gets: the character's recording, else its built-in voice."""


class Edits(Record):
    """Everything a person changed; a job with edits re-runs only what they touch."""

    lines: tuple[LineEdit, ...] = ()
    cast: tuple[CastEdit, ...] = ()
    main_speaker: str | None = None
    """Who gets the user's own voice; found by speaking time unless said here."""


@dataclass(frozen=True, slots=True)
class Member:
    """A speaker of the cast."""

    speaker: str
    name: str
    speaking_s: float
    is_main: bool
    reference: Artefact | None  # FLAC: the best 6-12 s of the voice alone
    pitch_hz: float
    voice: str  # id of the voice chosen: a built-in one, or "own", cloned by the Speaker itself
    convert_to: Artefact | None  # the recording whose voice it takes on, None: left as built in
    said: str = ""  # in that recording, where it is known
    lent_by: str = ""  # the name of the speaker whose recording it is, if not its own


def called(speaker: str) -> str:
    """Return what people call a speaker: "Speaker 1" for "S1"; subtitles may have named them."""
    number = speaker.removeprefix("S")
    return f"Speaker {number}" if number.isdecimal() else speaker


@dataclass(frozen=True, slots=True)
class Take:
    """A spoken line at the voice's own speed, or at a rate."""

    line: str
    audio: Artefact  # FLAC, mono
    duration_s: float
    rate: float
    text: str  # the spoken form
    tries: int = 1  # how often it was spoken until it was good
    faults: tuple[str, ...] = ()  # what is wrong with it all the same


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a line ended up in the dub."""

    line: str
    start_s: float
    end_s: float
    speed: float  # natural / rendered
    slack_s: float  # seconds that do not fit: 0, or the line is flagged
    flag: Flag = ""
