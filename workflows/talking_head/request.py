"""What a talking head is asked, and what it gives."""

from typing import Annotated, Literal, TypeAlias

from pydantic import (
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from media.captions import caption_style
from media.formats import format_of
from studio.artefacts import Artefact
from studio.characters import Character, Recording, shipped_files
from studio.consent import KIND_TITLES, Consent, ConsentKind, now, record_consent
from studio.errors import BadInput
from studio.metrics import Metric
from studio.request import Report, Request, Result
from studio.steps import artefacts_in
from studio.workflow import Need
from workflows.talking_head.script import read_script
from workflows.talking_head.sheet import SentenceEdit


def _else(said: str) -> WrapValidator:
    """Say in words what a text is not that does not match: a pattern tells people nothing."""

    def checked(text: str, check: ValidatorFunctionWrapHandler) -> str:
        try:
            return str(check(text))
        except ValidationError as error:
            raise ValueError(f"{text!r} is {said}") from error

    return WrapValidator(checked)


PointText: TypeAlias = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        pattern=r"^(?:0?\.\d{1,6}|[01](?:\.0*)?)\s*[, ]\s*(?:0?\.\d{1,6}|[01](?:\.0*)?)$",
    ),
    _else('no place in the picture, such as "0.42,0.36"'),
]
"""A place in a picture, in shares of its width and height: "0.42,0.36"."""
Colour: TypeAlias = Annotated[
    str,
    StringConstraints(pattern="^#[0-9a-fA-F]{6}$"),
    _else('no colour, such as "#20303c"'),
]
"""Red, green and blue: "#rrggbb"."""

UNNAMED_VOICE = "Automatic"
BACKDROPS = {
    "keep": "As in the picture",
    "blur": "Blurred",
    "colour": "One colour",
    "picture": "Another picture",
    "prompt": "From a description",
}
CAPTIONS = {"off": "None", "file": "Viewers switch them on", "burned": "In the picture"}


class TalkingHeadRequest(Request):
    """Everything the user chose."""

    script: str = Field(
        default="",
        max_length=20_000,
        json_schema_extra={"group": "What is said", "lines": 6, "text_file": True, "tells": True},
    )
    """What is said; [PAUSE 0.8] makes a pause of 0.8 seconds"""
    audio: Artefact | None = Field(
        default=None,
        json_schema_extra={
            "file": ["audio", "video"],
            "group": "What is said",
            "advanced": "A recording instead of the script",
        },
    )
    """A recording of it; with the script too, the lips and captions follow its words"""
    character: Character | None = Field(
        default=None, json_schema_extra={"character": True, "group": "Who says it"}
    )
    """Somebody you made before: their picture and voice are taken where you give none"""
    avatar: Artefact | None = Field(
        default=None, json_schema_extra={"file": ["image"], "group": "Who says it"}
    )
    """A picture of who speaks: one face, looking at the camera"""
    points: tuple[PointText, ...] = Field(
        default=(),
        max_length=5,
        json_schema_extra={"group": "Who says it", "advanced": True},
    )
    """Where the face is, if it is not found: eyes, tip of the nose, corners of the mouth, each as "0.42,0.36" in shares of the picture from its upper left; left ones first"""
    driving_video: Artefact | None = Field(
        default=None,
        json_schema_extra={
            "file": ["video"],
            "group": "Who says it",
            "advanced": "A video that leads the face",
        },
    )
    """A video of one person: the portrait moves as that face does; its sound is the speech, unless there is a script or a recording, which the mouth then follows"""
    language: str = Field(
        default="en",
        min_length=2,
        max_length=3,
        json_schema_extra={"language_of": "target", "group": "What is said"},
    )
    """The language that is spoken"""
    voice: str = Field(
        default="",
        max_length=80,
        json_schema_extra={"voice": UNNAMED_VOICE, "group": "What is said"},
    )
    """Who speaks the script; empty: the character's voice, or the first of the language"""
    voice_reference: Artefact | None = Field(
        default=None,
        json_schema_extra={
            "file": ["audio"],
            "group": "What is said",
            "advanced": "Clone a voice",
        },
    )
    """A recording of the voice to take on: 10 seconds of clear speech or more"""
    voice_reference_text: str = Field(
        default="",
        max_length=2000,
        json_schema_extra={
            "group": "What is said",
            "title": "Its words",
            "advanced": "Clone a voice",
        },
    )
    """What is said in that recording; some engines copy the voice better then"""
    consent: ConsentKind | None = Field(
        default=None,
        json_schema_extra={
            "labels": {**KIND_TITLES},
            "group": "Who says it",
            "title": "Whose face and voice",
            "shown_with": ["avatar", "voice_reference", "audio", "driving_video"],
        },
    )
    """Whose face and voice are in the pictures, recordings and videos that you give"""
    consent_by: str = Field(
        default="",
        max_length=200,
        json_schema_extra={
            "group": "Who says it",
            "title": "Who agreed",
            "shown_when": {"consent": ["agreed"]},
        },
    )
    """The name of who agreed, if somebody did"""
    consent_at: str = Field(default_factory=now, max_length=40, json_schema_extra={"hidden": True})
    """When that was said, ISO 8601"""
    rate: float = Field(
        default=1.0,
        ge=0.6,
        le=1.6,
        json_schema_extra={"group": "What is said", "title": "Speed", "advanced": True},
    )
    """How fast the voice speaks; 1 is its own speed"""
    background: Literal["keep", "blur", "colour", "picture", "prompt"] = Field(
        default="keep",
        json_schema_extra={
            "group": "Background",
            "title": "What is behind them",
            "decides": True,
            "labels": {**BACKDROPS},
        },
    )
    """As in the picture, blurred, one colour, another picture, or from a description"""
    background_blur: float = Field(
        default=0.5,
        ge=0.05,
        le=1,
        json_schema_extra={
            "group": "Background",
            "title": "Blur",
            "shown_when": {"background": ["blur"]},
        },
    )
    """How far out of focus the background is"""
    background_colour: Colour = Field(
        default="#20303c",
        json_schema_extra={
            "group": "Background",
            "colour": True,
            "title": "Colour",
            "shown_when": {"background": ["colour"]},
        },
    )
    """The colour behind them (#rrggbb)"""
    background_picture: Artefact | None = Field(
        default=None,
        json_schema_extra={
            "file": ["image"],
            "group": "Background",
            "shown_when": {"background": ["picture"]},
        },
    )
    """The picture that stands behind them"""
    background_prompt: str = Field(
        default="",
        max_length=1000,
        json_schema_extra={
            "group": "Background",
            "lines": 2,
            "title": "Description",
            "shown_when": {"background": ["prompt"]},
        },
    )
    """What is behind them: place, time, weather, light, style; such as: a beach at sunset"""
    background_match: float = Field(
        default=0.5,
        ge=0,
        le=1,
        json_schema_extra={
            "group": "Background",
            "title": "Match the background",
            "shown_when": {"background": ["colour", "picture", "prompt"]},
        },
    )
    """How far the person's colours and light come nearer to the background's; 0: not at all"""
    format: str = Field(default="square", json_schema_extra={"format": True, "group": "Output"})
    """Size and shape of the film"""
    fps: Literal[24, 25, 30] = Field(
        default=25,
        json_schema_extra={"group": "Output", "title": "Frame rate", "advanced": True},
    )
    """Frames per second"""
    captions: Literal["off", "file", "burned"] = Field(
        default="file", json_schema_extra={"group": "Output", "labels": {**CAPTIONS}}
    )
    """None; a track that viewers switch on, and files beside it; or drawn into the picture. They need the script"""
    caption_style: str = Field(
        default="clean",
        json_schema_extra={
            "caption_style": True,
            "group": "Output",
            "shown_when": {"captions": ["burned"]},
        },
    )
    """How drawn captions look"""
    edits: tuple[SentenceEdit, ...] = Field(default=(), json_schema_extra={"hidden": True})
    """What was changed by hand in the table of sentences"""
    review: bool = Field(default=False, json_schema_extra={"unused": True})
    """There is nothing to look at before the film"""

    @property
    def recording(self) -> Artefact | None:
        """What is heard, unless the script is spoken."""
        return self.audio or (None if self.script.strip() else self.driving_video)


class TalkingHeadReport(Report):
    """The numbers of a talking head."""

    duration_s: float = 0.0
    frames: int = 0
    width_px: int = 0
    height_px: int = 0
    loudness_lufs: float = 0.0
    true_peak_dbtp: float = 0.0
    face_score: float = 0.0
    """How sure the finder is of the face, 0 to 1"""
    lip_lag_frames: int | None = None
    """How many frames the mouth of the finished film is behind the sound; None: nothing to measure"""
    lip_correlation: float | None = None
    """Of the mouth's opening, read back from the film, with the loudness of the speech"""
    voice: str = ""
    """Who speaks"""
    consent: str = ""
    """Who agreed that the face and the voice are used"""
    silent_opening: float | None = None
    """How far the mouth stands open in silence, as a share of its widest opening in speech"""
    paste_psnr_db: float | None = None
    """What is left of the portrait's face when it is cut out and pasted back untouched; None: nothing is pasted"""
    paste_is_exact_outside: bool | None = None
    """Whether the picture around what is pasted stays as it is, bit for bit"""
    paste_scale: float | None = None
    """Pixels that the engine draws for one of the picture, along a side; below 1 the face gets softer"""
    metrics: tuple[Metric, ...] = ()
    """The same numbers with their limits"""


class TalkingHeadResult(Result):
    """What was made."""

    video: Artefact
    audio: Artefact
    """The speech alone, lossless"""
    subtitles: Artefact | None
    subtitles_vtt: Artefact | None
    sentences: Artefact | None
    """The sentences of the script with their times and takes: what the table of sentences shows"""
    report_text: Artefact
    report: TalkingHeadReport


def needs(request: TalkingHeadRequest) -> tuple[Need, ...]:
    """Return the roles that this request calls for."""
    moves = "PortraitDriver" if request.driving_video else "PortraitAnimator"
    wanted = [Need("FaceFinder"), Need("FaceSpotter", optional=True), Need(moves)]
    if request.background == "prompt":
        wanted.append(Need("ImageMaker"))
    if request.background != "keep":
        wanted.append(Need("Segmenter"))
    if request.recording is None:
        wanted.append(Need("Speaker", request.language))
        if reference_of(request) is not None:
            wanted.append(Need("VoiceConverter", optional=True))
    if request.script.strip() or request.recording is None:
        wanted.append(Need("PhoneAligner", request.language, optional=True))
    return tuple(wanted)


def check(request: TalkingHeadRequest) -> None:
    """Refuse what no single field can tell.

    Raises:
        BadInput: no picture, nothing to say, a mark in the script that is no pause, points of a face
            that are not five, or no consent to the face or the voice.
        BadPreset: if there is no such format or style of captions.
    """
    if picture_of(request) is None:
        raise BadInput(
            "there is no picture yet",
            remedy="Choose a portrait of the one who speaks, or a character.",
        )
    if len(request.points) not in {0, 5}:
        raise BadInput(
            f"there are {len(request.points)} points of the face",
            remedy="Give five (eyes, tip of the nose, corners of the mouth), or none.",
        )
    if request.recording is None and not request.script.strip():
        raise BadInput("there is nothing to say yet", remedy="Write a script, or give a recording.")
    if request.script.strip():
        read_script(request.script)
    format_of(request.format)
    if request.captions == "burned":
        caption_style(request.caption_style)
    if request.background == "picture" and request.background_picture is None:
        raise BadInput(
            "there is no background picture yet", remedy="Choose one, or another background."
        )
    if request.background == "prompt" and not request.background_prompt.strip():
        raise BadInput(
            "nothing is said about the background yet",
            remedy="Describe it, such as: a beach at sunset.",
        )
    consents_of(request)


def picture_of(request: TalkingHeadRequest) -> Artefact | None:
    """Return the picture: the one that was given, else the character's."""
    if request.avatar is not None or request.character is None:
        return request.avatar
    return next(iter(request.character.looks), None)


def reference_of(request: TalkingHeadRequest) -> Recording | None:
    """Return the recording whose voice is taken on; a voice that was chosen goes before the character's."""
    if request.voice_reference is not None:
        return Recording(sound=request.voice_reference, text=request.voice_reference_text)
    if request.voice or request.character is None:
        return None
    return next(iter(request.character.voice.recordings), None)


def consents_of(request: TalkingHeadRequest) -> tuple[Consent, ...]:
    """Return who agreed to the face and the voice; the studio's own drawing needs nobody.

    Raises:
        BadInput: if nobody did.
    """
    found: list[Consent] = []
    picture, reference = picture_of(request), reference_of(request)
    known = shipped_files()
    if request.character is not None:
        held = request.character.consent
        known |= {each.sha256 for each in artefacts_in(request.character)}
        if held is None:
            record_consent(None)
        else:
            found.append(held)
    heard = request.recording or (reference.sound if reference else None)
    given = [picture, heard, request.driving_video]  # whose movements it takes on is somebody, too
    if any(each is not None and each.sha256 not in known for each in given):
        consent = record_consent(
            request.consent, given_by=request.consent_by, given_at=request.consent_at
        )
        found.append(consent)
    return tuple(found)
