"""Who speaks with which voice: the main speaker, a reference of each, the nearest built-in voice."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engines.roles import OWN, BuiltInVoice
from media.audio import Audio, open_audio, write_audio
from media.speech import Span, Turn
from media.voiceprint import VoicePrint, distance
from studio.artefacts import Artefact
from studio.steps import Desk, step
from workflows.dub import edits as edited
from workflows.dub.model import CastEdit, Edits, Line, Member, called
from workflows.likeness import (
    REFERENCE_MAX_S,
    REFERENCE_MIN_S,
    Candidate,
    Heard,
    built_in_of,
    named,
    nearest,
    print_of,
)

LINE_MIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Portrait:
    """What a speaker sounds like in the source."""

    speaker: str
    speaking_s: float
    reference: Artefact | None  # FLAC, mono: up to 12 s of the clearest speech; None: too little
    print: VoicePrint | None  # None: too little to tell
    parts: tuple[
        Span, ...
    ] = ()  # of the source, in order: what `reference` is made of, if whole turns


@step("Get to know the voices", version=2)
def portray(
    desk: Desk, vocals: Artefact, bed: Artefact | None, turns: tuple[Turn, ...]
) -> tuple[Portrait, ...]:
    """Pick the clearest 3-12 s of every speaker, and measure their pitch."""
    speakers = list(dict.fromkeys(turn.speaker for turn in turns))
    portraits: list[Portrait] = []
    for index, speaker in enumerate(speakers):
        desk.progress(index, len(speakers))
        own = [Span(turn.start_s, turn.end_s) for turn in turns if turn.speaker == speaker]
        sound, parts = _clearest(desk, vocals, bed, own)
        kept = None
        if sound.duration_s >= REFERENCE_MIN_S:
            path = write_audio(sound, desk.scratch / f"{index}.flac")
            kept = desk.keep(path, "audio/flac", f"voice of {speaker}.flac")
        speaking_s = sum(each.duration_s for each in own)
        portraits.append(Portrait(speaker, speaking_s, kept, print_of(sound), parts))
    return tuple(portraits)


def portrait_of(heard: Heard) -> Portrait:
    """Return the user's own recording as a speaker."""
    return Portrait("", heard.duration_s, heard.recording, heard.print)


def cast(
    portraits: Sequence[Portrait],
    voices: Sequence[Candidate],
    edits: Edits,
    *,
    clone: bool,
    mine: Portrait | None,
    lines: Sequence[Line] = (),
) -> tuple[Member, ...]:
    """Give every speaker a voice: the user's choice, else their own where the Speaker can clone it.

    Without cloning it is the nearest in pitch and timbre that is free. Who speaks too little to be
    cloned borrows the voice of the speaker whose is nearest, where the Speaker has no other.

    Raises:
        BadInput: if an edit names a voice that there is not.
    """
    main = edits.main_speaker or _who_talks_most(portraits)
    members: list[Member] = []
    free = [each for each in voices if not each.voice.is_own]
    for portrait in sorted(portraits, key=lambda each: -each.speaking_s):
        edit = edited.of_speaker(edits, portrait.speaker)
        is_main = portrait.speaker == main
        model = mine if mine is not None and is_main else portrait
        if (reference := _reference(edit)) is not None:
            model = replace(model, reference=reference, parts=())
        is_wanted = clone or model is not portrait or edit.voice == OWN
        chosen = edit.voice or ""
        if not chosen and reference is None and edit.character is not None:
            chosen = built_in_of(edit.character, [each.voice for each in voices])
            is_wanted = is_wanted and not chosen
        voice = _voice_for(model, chosen, voices, free=free, is_wanted=is_wanted)
        if voice.is_own and is_wanted and model.reference is None:
            model = _lender(model, portraits) or model
        free = [each for each in free if each.voice.id != voice.id]
        members.append(
            Member(
                speaker=portrait.speaker,
                name=_name(edits, portrait.speaker),
                speaking_s=portrait.speaking_s,
                is_main=is_main,
                reference=portrait.reference,
                pitch_hz=portrait.print.pitch_hz if portrait.print else 0.0,
                voice=voice.id,
                convert_to=model.reference if is_wanted else None,
                said=_said_by_character(edit) or _said(model, lines),
                lent_by=_name(edits, model.speaker)
                if model.speaker not in {"", portrait.speaker}
                else "",
            )
        )
    return tuple(sorted(members, key=lambda each: each.speaker))


@dataclass(frozen=True, slots=True)
class Model:
    """The voice of a line, and whom it shall sound like."""

    voice: BuiltInVoice
    recording: Artefact | None
    said: str = ""  # in the recording


def voice_of(
    line: Line, members: Sequence[Member], voices: Sequence[BuiltInVoice], edits: Edits
) -> Model:
    """Return the voice of a line, and the recording that it is cloned from or turned toward."""
    member = next(each for each in members if each.speaker == line.speaker)
    own = named(voices, edited.of_line(edits, line.id).voice)
    if own is not None and own.is_own:
        return Model(own, member.convert_to or member.reference, member.said)
    if own is not None:
        return Model(own, None)
    voice = next(each for each in voices if each.id == member.voice)
    return Model(voice, member.convert_to, member.said)


def _voice_for(
    model: Portrait,
    chosen: str | None,
    voices: Sequence[Candidate],
    *,
    free: Sequence[Candidate],
    is_wanted: bool,
) -> BuiltInVoice:
    """Return the voice chosen, else the model's own if it can be cloned, else the nearest."""
    known = [each.voice for each in voices]
    wanted = named(known, chosen)
    if wanted is not None:
        return wanted
    own = next((each for each in known if each.is_own), None)
    others = free or [each for each in voices if not each.voice.is_own]
    if own is not None and ((is_wanted and model.reference is not None) or not others):
        return own
    return nearest(others, model.print)


def _name(edits: Edits, speaker: str) -> str:
    return edited.of_speaker(edits, speaker).name or called(speaker)


def _reference(edit: CastEdit) -> Artefact | None:
    """Return the recording whose voice a speaker takes on: the user's, or the character's."""
    if edit.reference is not None or edit.character is None:
        return edit.reference
    return next((each.sound for each in edit.character.voice.recordings), None)


def _said_by_character(edit: CastEdit) -> str:
    if edit.reference is not None or edit.character is None:
        return ""
    return next((each.text for each in edit.character.voice.recordings), "")


def _lender(portrait: Portrait, portraits: Sequence[Portrait]) -> Portrait | None:
    """Return the speaker whose voice is the nearest of those that can be cloned."""

    def far(other: Portrait) -> tuple[float, str]:
        if other.print is None or portrait.print is None:
            return 0.0, other.speaker
        return distance(other.print, portrait.print), other.speaker

    return min((each for each in portraits if each.reference is not None), key=far, default=None)


def _said(portrait: Portrait, lines: Sequence[Line]) -> str:
    """Return what is said in the reference of a speaker; "" where it is not known word for word."""
    texts = {(each.start_s, each.end_s): each.text for each in lines}
    said = [texts.get((each.start_s, each.end_s), "") for each in portrait.parts]
    return " ".join(said) if all(said) else ""


def _who_talks_most(portraits: Sequence[Portrait]) -> str:
    return max(portraits, key=lambda each: each.speaking_s).speaker if portraits else ""


def _clearest(
    desk: Desk, vocals: Artefact, bed: Artefact | None, spans: Sequence[Span]
) -> tuple[Audio, tuple[Span, ...]]:
    """Join whole lines, those with the most voice over background first, up to 12 s.

    Returns:
        The sound, and which lines it is made of; none if one of them had to be cut.
    """
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
    whole: list[Span] = []
    length_s = 0.0
    for _, span in ranked:
        room_s = REFERENCE_MAX_S - length_s
        is_cut = span.duration_s > room_s
        if is_cut and length_s >= REFERENCE_MIN_S:
            continue  # a whole one may fit still: what is said in the reference is then known
        parts.append(voice_file.cut(span.start_s, min(span.end_s, span.start_s + room_s)).mono())
        length_s += parts[-1].duration_s
        whole += [] if is_cut else [span]
        if length_s >= REFERENCE_MAX_S:
            break
    joined = np.concatenate([part.samples for part in parts], axis=1)
    sound = Audio(joined.astype(np.float32, copy=False), voice_file.sample_rate_hz)
    return sound, tuple(whole) if len(whole) == len(parts) else ()


def _power_db(audio: Audio) -> float:
    return (
        10 * math.log10(float(np.square(audio.samples).mean()) + 1e-10)
        if audio.duration_s
        else -100
    )
