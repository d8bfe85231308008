"""Who speaks with which voice: the main speaker, a reference of each, the nearest built-in voice."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engines.roles import BuiltInVoice, Speaker
from media.audio import Audio, open_audio, write_audio
from media.speech import Span, Turn
from media.spoken import spoken
from media.voiceprint import VoicePrint, distance, voiceprint
from studio.artefacts import Artefact
from studio.errors import BadInput
from studio.steps import Desk, engine_step, step
from workflows.dub import edits as edited
from workflows.dub.model import Edits, Line, Member

REFERENCE_MIN_S, REFERENCE_MAX_S = 3.0, 12.0
LINE_MIN_S = 1.0
COUNTING = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12"


@dataclass(frozen=True, slots=True)
class Portrait:
    """What a speaker sounds like in the source."""

    speaker: str
    speaking_s: float
    reference: Artefact | None  # FLAC, mono: up to 12 s of the clearest speech; None: too little
    print: VoicePrint | None  # None: too little to tell


@step("Get to know the voices")
def portray(
    desk: Desk, vocals: Artefact, bed: Artefact | None, turns: tuple[Turn, ...]
) -> tuple[Portrait, ...]:
    """Pick the clearest 3-12 s of every speaker, and measure their pitch."""
    speakers = list(dict.fromkeys(turn.speaker for turn in turns))
    portraits: list[Portrait] = []
    for index, speaker in enumerate(speakers):
        desk.progress(index, len(speakers))
        own = [Span(turn.start_s, turn.end_s) for turn in turns if turn.speaker == speaker]
        sound = _clearest(desk, vocals, bed, own)
        kept = None
        if sound.duration_s >= REFERENCE_MIN_S:
            path = write_audio(sound, desk.scratch / f"{index}.flac")
            kept = desk.keep(path, "audio/flac", f"voice of {speaker}.flac")
        speaking_s = sum(each.duration_s for each in own)
        portraits.append(Portrait(speaker, speaking_s, kept, _print(sound)))
    return tuple(portraits)


@step("Listen to your recording")
def listen_to_mine(desk: Desk, recording: Artefact) -> Portrait:
    """Measure the user's own recording."""
    sound = open_audio(desk.path(recording)).cut(0, REFERENCE_MAX_S).mono()
    if sound.duration_s < REFERENCE_MIN_S:
        raise BadInput(
            f"the recording of your voice is {sound.duration_s:.1f} s long",
            remedy=f"Give {REFERENCE_MIN_S:.0f} seconds of clear speech or more.",
        )
    return Portrait("", sound.duration_s, recording, voiceprint(sound))


@engine_step("Cast the voices")
def built_in(speaker: Speaker, desk: Desk, language: str) -> tuple[BuiltInVoice, ...]:
    """Return the voices to choose from."""
    desk.check()
    return speaker.voices(language)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A built-in voice, and what it sounds like."""

    voice: BuiltInVoice
    print: VoicePrint | None


@engine_step("Let the voices introduce themselves")
def introduce(speaker: Speaker, desk: Desk, voice: BuiltInVoice, language: str) -> Candidate:
    """Let a voice count to twelve, and measure it."""
    desk.check()
    text = spoken(COUNTING, language)
    return Candidate(voice, _print(speaker.speak(text, voice.name, language, 1.0, 0).audio))


def cast(
    portraits: Sequence[Portrait],
    voices: Sequence[Candidate],
    edits: Edits,
    *,
    clone: bool,
    mine: Portrait | None,
) -> tuple[Member, ...]:
    """Give every speaker a voice: the user's choice, else the nearest in pitch and timbre that is free.

    Raises:
        BadInput: if an edit names a voice that there is not.
    """
    main = edits.main_speaker or _who_talks_most(portraits)
    members: list[Member] = []
    free = list(voices)
    for portrait in sorted(portraits, key=lambda each: -each.speaking_s):
        edit = edited.of_speaker(edits, portrait.speaker)
        is_main = portrait.speaker == main
        model = mine if mine is not None and is_main else portrait
        known = [each.voice for each in voices]
        voice = _named(known, edit.voice) or _nearest(free or voices, model.print)
        free = [each for each in free if each.voice.id != voice.id]
        wanted = edit.reference or (model.reference if clone or model is mine else None)
        members.append(
            Member(
                speaker=portrait.speaker,
                name=edit.name or portrait.speaker,
                speaking_s=portrait.speaking_s,
                is_main=is_main,
                reference=portrait.reference,
                pitch_hz=portrait.print.pitch_hz if portrait.print else 0.0,
                voice=voice.id,
                convert_to=wanted,
            )
        )
    return tuple(sorted(members, key=lambda each: each.speaker))


def voice_of(
    line: Line, members: Sequence[Member], voices: Sequence[BuiltInVoice], edits: Edits
) -> tuple[BuiltInVoice, Artefact | None]:
    """Return the built-in voice of a line, and the recording toward which it is turned."""
    member = next(each for each in members if each.speaker == line.speaker)
    own = _named(voices, edited.of_line(edits, line.id).voice)
    if own is not None:
        return own, None
    return next(each for each in voices if each.id == member.voice), member.convert_to


def _who_talks_most(portraits: Sequence[Portrait]) -> str:
    return max(portraits, key=lambda each: each.speaking_s).speaker if portraits else ""


def _named(voices: Sequence[BuiltInVoice], id_: str | None) -> BuiltInVoice | None:
    if not id_:
        return None
    found = next((each for each in voices if each.id == id_), None)
    if found is None:
        raise BadInput(
            f"there is no voice {id_!r} for this language",
            remedy=f"Choose one of {', '.join(each.id for each in voices)}.",
        )
    return found


def _nearest(candidates: Sequence[Candidate], wanted: VoicePrint | None) -> BuiltInVoice:
    def far(candidate: Candidate) -> tuple[float, str]:
        if candidate.print is None or wanted is None:
            return 0.0, candidate.voice.id
        return distance(candidate.print, wanted), candidate.voice.id

    return min(candidates, key=far).voice


def _print(sound: Audio) -> VoicePrint | None:
    try:
        return voiceprint(sound)
    except BadInput:  # silent, or too short: then any voice will do
        return None


def _clearest(desk: Desk, vocals: Artefact, bed: Artefact | None, spans: Sequence[Span]) -> Audio:
    """Join whole lines, those with the most voice over background first, up to 12 s."""
    voice_file = open_audio(desk.path(vocals))
    bed_file = open_audio(desk.path(bed)) if bed is not None else None
    ranked: list[tuple[float, Span]] = []
    for span in spans:
        desk.check()
        clearness_db = _power_db(voice_file.cut(span.start_s, span.end_s))
        if bed_file is not None:
            clearness_db -= _power_db(bed_file.cut(span.start_s, span.end_s))
        ranked.append((clearness_db, span))
    ranked.sort(key=lambda each: (each[1].duration_s < LINE_MIN_S, -each[0], each[1].start_s))
    parts: list[Audio] = []
    length_s = 0.0
    for _, span in ranked:
        if length_s >= REFERENCE_MAX_S:
            break
        end_s = min(span.end_s, span.start_s + REFERENCE_MAX_S - length_s)
        parts.append(voice_file.cut(span.start_s, end_s).mono())
        length_s += parts[-1].duration_s
    joined = np.concatenate([part.samples for part in parts], axis=1)
    return Audio(joined.astype(np.float32, copy=False), voice_file.sample_rate_hz)


def _power_db(audio: Audio) -> float:
    return (
        10 * math.log10(float(np.square(audio.samples).mean()) + 1e-10)
        if audio.duration_s
        else -100
    )
