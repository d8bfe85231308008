"""What the dub is asked, and what it gives."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from media.addresses import check_url
from media.captions import caption_style
from media.languages import language_name
from studio.artefacts import Artefact
from studio.characters import artefact_of
from studio.consent import KIND_TITLES, Consent, ConsentKind, now, record_consent
from studio.errors import BadInput
from studio.request import Request, Result
from studio.workflow import Need
from workflows.dub.glossary import read_glossary
from workflows.dub.model import Edits
from workflows.dub.report import DubReport

CONSENT = "Consent to copies"
SAMPLE = Path(__file__).parents[2] / "assets" / "sample.mp4"


class DubRequest(Request):
    """Everything the user chose."""

    video: Artefact | None = Field(
        default=None, json_schema_extra={"file": ["video", "audio"], "group": "Film"}
    )
    """The video or sound file to dub"""
    link: str = Field(default="", max_length=2000, json_schema_extra={"group": "Film"})
    """Or the address of a video on the web (http or https)"""
    source_language: str = Field(
        default="", max_length=3, json_schema_extra={"language_of": "source", "group": "Film"}
    )
    """The language spoken in it; empty: find out"""
    target_language: str = Field(
        default="es",
        min_length=2,
        max_length=3,
        json_schema_extra={"language_of": "target", "group": "Film"},
    )
    """The language to dub it into"""
    subtitles: Artefact | None = Field(
        default=None,
        json_schema_extra={"file": ["subtitles"], "group": "Film", "advanced": "Own subtitles"},
    )
    """What is said, as subtitles (SRT, VTT, ASS, TTML): then nothing has to be recognised"""
    translated_subtitles: Artefact | None = Field(
        default=None,
        json_schema_extra={"file": ["subtitles"], "group": "Film", "advanced": "Own subtitles"},
    )
    """The translation, as subtitles with the same times: then nothing has to be translated"""
    glossary: str = Field(
        default="",
        max_length=20_000,
        json_schema_extra={"lines": 3, "group": "Film", "advanced": True},
    )
    """What names and terms are called in the other language, one a line: term = translation"""
    speakers: int = Field(
        default=0, ge=0, le=12, json_schema_extra={"group": "Film", "advanced": True}
    )
    """How many people speak; 0: find out"""

    keep_background: bool = Field(default=True, json_schema_extra={"group": "Voices"})
    """Keep the music and sounds, and lower them gently while someone speaks"""
    clone_voices: bool = Field(default=True, json_schema_extra={"group": "Voices"})
    """Give every speaker a voice like their own: a copy where the voice engine can make one, else the nearest built-in voice, turned toward it. Publish it only if they agree"""
    use_my_voice: bool = Field(default=True, json_schema_extra={"group": "Voices"})
    """Let the person who talks most speak with my own voice, from the recording I give"""
    my_voice: Artefact | None = Field(
        default=None,
        json_schema_extra={
            "file": ["audio"],
            "group": "Voices",
            "shown_when": {"use_my_voice": [True]},
        },
    )
    """A recording of my voice: 10 seconds of clear speech or more"""
    consent: ConsentKind | None = Field(
        default=None,
        json_schema_extra={
            "labels": {**KIND_TITLES},
            "group": "Voices",
            "advanced": CONSENT,
            "title": "Whose voices",
        },
    )
    """Whose voices are in the film; needed only where the voice engine copies them, which the built-in ones do not"""
    consent_by: str = Field(
        default="",
        max_length=200,
        json_schema_extra={
            "group": "Voices",
            "advanced": CONSENT,
            "title": "Who agreed",
            "shown_when": {"consent": ["agreed"]},
        },
    )
    """The name of who agreed, if somebody did"""
    consent_at: str = Field(default_factory=now, max_length=40, json_schema_extra={"hidden": True})
    """When that was said, ISO 8601"""
    speaker_engine: str = Field(
        default="",
        max_length=80,
        json_schema_extra={
            "engine_of": "Speaker",
            "group": "Voices",
            "advanced": True,
            "title": "Voice engine",
        },
    )
    """Which engine speaks (mind its licence); empty: what the quality chooses"""
    duck_db: float = Field(
        default=9.0,
        ge=6,
        le=12,
        json_schema_extra={
            "group": "Voices",
            "advanced": True,
            "title": "Lower the background by",
        },
    )
    """How far the music and sounds step back while someone speaks"""
    narration: bool = Field(default=False, json_schema_extra={"group": "Voices", "advanced": True})
    """Nobody is seen speaking, so lines may start up to a second late and be spoken more slowly"""

    lip_sync: bool = Field(default=False, json_schema_extra={"group": "Output"})
    """Let the lips follow the dub where a speaker's face is seen; this takes a while, and the picture is encoded again"""

    container: Literal["mp4", "mkv"] = Field(
        default="mp4",
        json_schema_extra={
            "group": "Output",
            "title": "File format",
            "labels": {"mp4": "MP4", "mkv": "MKV"},
        },
    )
    """MP4 plays everywhere; MKV keeps the sound lossless"""
    subtitle_tracks: bool = Field(default=True, json_schema_extra={"group": "Output"})
    """Put subtitles into the video (original, translated, both), which viewers can switch on"""
    burn_captions: Literal["off", "translated", "bilingual"] = Field(
        default="off",
        json_schema_extra={"group": "Output", "advanced": True, "title": "Captions in the picture"},
    )
    """Draw captions into the picture, for sites that show no subtitles"""
    caption_style: str = Field(
        default="clean",
        json_schema_extra={
            "caption_style": True,
            "group": "Output",
            "advanced": True,
            "shown_when": {"burn_captions": ["translated", "bilingual"]},
        },
    )
    """How captions in the picture look"""
    keep_original_audio: bool = Field(
        default=True, json_schema_extra={"group": "Output", "advanced": True}
    )
    """Keep the original sound as a second track"""

    edits: Edits = Field(default=Edits(), json_schema_extra={"hidden": True})
    """What was changed by hand in the line table and the cast sheet"""


class DubResult(Result):
    """What the dub made."""

    video: Artefact
    """The dubbed film (or sound file)"""
    audio: Artefact
    """The new sound alone, lossless"""
    subtitles_source: Artefact | None
    subtitles_target: Artefact | None
    subtitles_target_vtt: Artefact | None
    subtitles_bilingual: Artefact | None
    transcript: Artefact
    """Lines with speakers, times, texts, voices, speeds: what the line table shows"""
    stems: Artefact
    """Zip: the voices, the background, each speaker"""
    report_json: Artefact
    report_text: Artefact
    report: DubReport


def needs(request: DubRequest) -> tuple[Need, ...]:
    """Return the roles that this request calls for."""
    source = request.source_language
    target = request.target_language
    wanted = [
        Need("SpeechDetector"),
        Need("Speaker", target, engine=request.speaker_engine, instead="Choose another language."),
    ]
    if request.subtitles is None and request.translated_subtitles is None:
        said = "Give subtitles of what is said."
        wanted.append(Need("Transcriber", source, instead=said))
        wanted.append(Need("Aligner", source, optional=True))
    if request.translated_subtitles is None and source != target:
        likely = source or ("en" if target != "en" else "")  # English is not dubbed into English
        told = "Give the translation as subtitles, or choose another language."
        wanted.append(Need("Translator", likely, target, instead=told))
    wanted += [
        Need("Separator", optional=True),  # without one the original is lowered under the dub
        Need("Diarizer", optional=True),
        Need("Writer", target, optional=True),
        Need("VoiceConverter", optional=True),
    ]
    if request.lip_sync:
        wanted += [Need("FaceFinder"), Need("LipSyncer")]
    return tuple(wanted)


def check(request: DubRequest) -> None:
    """Refuse what no single field can tell.

    Raises:
        BadInput: no file, two files, a link that is none, a language into itself, a glossary that
            is none, or a consent of nobody.
        BadPreset: if there is no such style of captions.
    """
    consent_of(request)
    read_glossary(request.glossary)
    if request.burn_captions != "off":
        caption_style(request.caption_style)
    if request.video is None and not request.link:
        raise BadInput("there is no video yet", remedy="Choose a file, or give a link.")
    if request.video is not None and request.link:
        raise BadInput("there are a file and a link", remedy="Give only one of them.")
    if request.link:
        check_url(
            request.link, allow_private=True
        )  # how it is written; where it leads, when fetched
    if request.source_language == request.target_language and not request.translated_subtitles:
        raise BadInput(
            f"the video speaks {language_name(request.source_language)} already",
            remedy="Choose another target language.",
        )


def check_copies(request: DubRequest) -> None:
    """Refuse to copy the voices of people who were not asked; those of the sample are nobody's.

    Raises:
        BadInput: if it is not said whose voices they are.
    """
    is_sample = request.video is not None and request.video.sha256 == _sample()
    if request.clone_voices and request.consent is None and not is_sample:
        raise BadInput(
            "the voices of the film would be copied, and it is not said whose they are",
            remedy=f"Say it under Voices, {CONSENT} (--consent), or switch Clone voices off (--no-clone-voices).",
        )


def consent_of(request: DubRequest) -> Consent | None:
    """Return who agreed that the voices are used; None where nothing was said.

    Raises:
        BadInput: if somebody agreed who is not named.
    """
    if request.consent is None:
        return None
    return record_consent(request.consent, given_by=request.consent_by, given_at=request.consent_at)


@cache
def _sample() -> str:
    return artefact_of(SAMPLE).sha256
