"""Whose voice it is: built-in voices and what they sound like, recordings, and the way from one to the other.

A recording's voice is cloned where the engine that speaks can; else the nearest built-in voice speaks,
and is turned toward the recording. Every workflow that speaks goes this way.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engines.roles import BuiltInVoice, Reference, Speaker, VoiceConverter
from media.audio import Audio, open_audio, write_audio
from media.spoken import spoken
from media.voiceprint import VoicePrint, distance, voiceprint
from studio.artefacts import Artefact
from studio.characters import Character
from studio.errors import BadInput
from studio.steps import Desk, Run, engine_step, step

REFERENCE_MIN_S, REFERENCE_MAX_S = 3.0, 12.0
MODEL_S = 15.0
COUNTING = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12"
FLAC = "audio/flac"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A built-in voice, and what it sounds like."""

    voice: BuiltInVoice
    print: VoicePrint | None


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording of a voice, and what it sounds like."""

    recording: Artefact
    duration_s: float
    print: VoicePrint | None


@dataclass(frozen=True, slots=True)
class Likeness:
    """A spoken line, and the recording toward which it is turned."""

    audio: Artefact
    reference: Artefact


@engine_step("Cast the voices")
def built_in(speaker: Speaker, desk: Desk, language: str) -> tuple[BuiltInVoice, ...]:
    """Return the voices to choose from."""
    desk.check()
    return speaker.voices(language)


@engine_step("Let the voices introduce themselves")
def introduce(speaker: Speaker, desk: Desk, voice: BuiltInVoice, language: str) -> Candidate:
    """Let a voice count to twelve, and measure it."""
    desk.check()
    text = spoken(COUNTING, language)
    sound = speaker.speak(text, voice.name, language, 1.0, 0, progress=desk.progress).audio
    return Candidate(voice, print_of(sound))


@step("Listen to the recording of the voice")
def listen(desk: Desk, recording: Artefact) -> Heard:
    """Measure a recording of a voice.

    Raises:
        BadInput: if it is too short.
    """
    sound = open_audio(desk.path(recording)).cut(0, REFERENCE_MAX_S).mono()
    if sound.duration_s < REFERENCE_MIN_S:
        raise BadInput(
            f"the recording of the voice is {sound.duration_s:.1f} s long",
            remedy=f"Give {REFERENCE_MIN_S:.0f} seconds of clear speech or more.",
        )
    return Heard(recording, sound.duration_s, voiceprint(sound))


@engine_step("Turn the voices toward the originals")
def convert(converter: VoiceConverter, desk: Desk, likeness: Likeness) -> Artefact:
    """Give one spoken line the voice of a recording; its length stays."""
    desk.check()
    line = open_audio(desk.path(likeness.audio)).read()
    model = open_audio(desk.path(likeness.reference)).cut(0, MODEL_S).mono()
    path = write_audio(converter.convert(line, model), desk.scratch / "line.flac")
    return desk.keep(path, FLAC, "line.flac")


def introduced(voices: Sequence[BuiltInVoice], run: Run, language: str) -> tuple[Candidate, ...]:
    """Return the voices with what they sound like; the speaker's own is like the speaker anyway."""
    others = tuple(each for each in voices if not each.is_own)
    own = tuple(Candidate(each, None) for each in voices if each.is_own)
    return own + run.map(introduce, others, language)


def reference_of(desk: Desk, recording: Artefact | None, said: str) -> Reference | None:
    """Return a recording as a voice that clones takes it; None where there is none."""
    if recording is None:
        return None
    return Reference(open_audio(desk.path(recording)).cut(0, MODEL_S).mono(), said)


def named(voices: Sequence[BuiltInVoice], id_: str | None) -> BuiltInVoice | None:
    """Return the voice of that id; None where none is asked for.

    Raises:
        BadInput: if there is no such voice.
    """
    if not id_:
        return None
    found = next((each for each in voices if each.id == id_), None)
    if found is None:
        raise BadInput(
            f"there is no voice {id_!r} for this language",
            remedy=f"Choose one of {', '.join(each.id for each in voices) or 'another language'}.",
        )
    return found


def built_in_of(character: Character, voices: Sequence[BuiltInVoice]) -> str:
    """Return the id of a character's built-in voice, or of the one that is nearest in pitch.

    Returns:
        "" if the character has no built-in voice, or the engine none that can be compared.
    """
    wanted = character.voice
    others = [each for each in voices if not each.is_own]
    if any(each.id == wanted.built_in for each in others):
        return wanted.built_in
    known = [each for each in others if each.pitch_hz > 0]
    if not (wanted.built_in and wanted.pitch_hz and known):
        return ""
    return min(known, key=lambda each: abs(math.log(each.pitch_hz / wanted.pitch_hz))).id


def nearest(candidates: Sequence[Candidate], wanted: VoicePrint | None) -> BuiltInVoice:
    """Return the voice that sounds most like `wanted`."""

    def far(candidate: Candidate) -> tuple[float, str]:
        if candidate.print is None or wanted is None:
            return 0.0, candidate.voice.id
        return distance(candidate.print, wanted), candidate.voice.id

    return min(candidates, key=far).voice


def print_of(sound: Audio) -> VoicePrint | None:
    """Return what a voice sounds like; None if it is silent or too short to tell."""
    try:
        return voiceprint(sound)
    except BadInput:
        return None
