"""The lines spoken and placed: planned before anything is spoken, again when lengths are known.

Source of the loop: T. Federico et al., Interspeech 2020 (relaxed prosodic alignment); the second
synthesis at a rate is made by the voice itself, stretching is left for the last per cent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engines.roles import BuiltInVoice, Speaker, VoiceConverter
from media.audio import open_audio, write_audio
from media.slots import Placement, Schedule, Slot, plan, solve
from media.spoken import spoken
from media.stretch import fit_to_samples
from studio.artefacts import Artefact
from studio.steps import Desk, Run, engine_step, step
from workflows.dub import edits as edited
from workflows.dub.budget import estimate_s
from workflows.dub.casting import voice_of
from workflows.dub.model import Edits, Flag, Line, Member, Placed, Take
from workflows.dub.request import DubRequest

SEEN_MOUTH_S, NARRATION_S = (0.2, 0.6), (0.3, 1.0)
SAME_SPEED = 0.03  # a line within 3 % of its natural speed is not spoken again
REWRITE_SHARE = 0.2
TOO_SLOW = 0.005  # seconds that do not fit before a line is flagged


@dataclass(frozen=True, slots=True)
class Order:
    """One line to be spoken; equal orders are spoken once."""

    text: str  # in its spoken form
    voice: str  # what the engine calls it
    language: str
    rate: float
    take: int
    convert_to: Artefact | None


@dataclass(frozen=True, slots=True)
class Voiced:
    """A spoken line."""

    audio: Artefact  # FLAC, mono
    duration_s: float


@dataclass(frozen=True, slots=True)
class Performance:
    """All lines spoken and placed."""

    lines: tuple[Line, ...]  # with the text that was used as their translation
    placed: tuple[Placed, ...]  # one for each line that is spoken
    takes: tuple[Take, ...]  # fitted to their place, to the sample
    warnings: tuple[str, ...]


@engine_step("Speak the lines")
def speak(speaker: Speaker, desk: Desk, order: Order) -> Voiced:
    """Speak one line at a rate."""
    desk.check()
    speech = speaker.speak(order.text, order.voice, order.language, order.rate, order.take)
    path = write_audio(speech.audio, desk.scratch / "line.flac")
    return Voiced(desk.keep(path, "audio/flac", "line.flac"), speech.audio.duration_s)


@engine_step("Turn the voices toward the originals")
def convert(
    converter: VoiceConverter, desk: Desk, audio: Artefact, reference: Artefact
) -> Voiced:
    """Give one spoken line the voice of a recording."""
    desk.check()
    line = open_audio(desk.path(audio)).read()
    model = open_audio(desk.path(reference)).cut(0, 15).mono()
    turned = converter.convert(line, model)
    path = write_audio(turned, desk.scratch / "line.flac")
    return Voiced(desk.keep(path, "audio/flac", "line.flac"), turned.duration_s)


@dataclass(frozen=True, slots=True)
class Likeness:
    """A spoken line, and the recording toward which it is turned."""

    audio: Artefact
    reference: Artefact


@dataclass(frozen=True, slots=True)
class Fitting:
    """A spoken line, and how long it shall last."""

    audio: Artefact
    duration_s: float
