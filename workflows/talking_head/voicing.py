"""Who speaks the script: a built-in voice, or the voice of a recording."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engines.roles import BuiltInVoice
from studio.artefacts import Artefact
from studio.errors import BadInput
from studio.steps import Run
from workflows import likeness
from workflows.talking_head import talk
from workflows.talking_head.request import TalkingHeadRequest, reference_of


@dataclass(frozen=True, slots=True)
class Voicing:
    """A voice, and the recording that it shall sound like."""

    voice: BuiltInVoice
    title: str
    reference: Artefact | None = None  # FLAC
    said: str = ""  # in it
    notes: tuple[str, ...] = ()  # what the user should know


def choose(request: TalkingHeadRequest, run: Run) -> Voicing:
    """Return who speaks: the user's choice, the character's voice, or the first of the language.

    Raises:
        BadInput: if there is no such voice, none for the language, or the recording is too short.
    """
    voices = run.step(likeness.built_in, request.language)
    others = [each for each in voices if not each.is_own]
    chosen = likeness.named(others, request.voice)
    recording = reference_of(request)
    if recording is not None:
        sound = run.step(talk.take_recording, recording.sound)
        heard = run.step(likeness.listen, sound)
        own = next((each for each in voices if each.is_own), None)
        if own is not None:
            title = "a copy of the voice in the recording"
            return Voicing(own, title, sound, recording.text, (_COPIED,))
        if chosen is None:
            known = likeness.introduced(_some(others, request), run, request.language)
            chosen = likeness.nearest(known, heard.print)
        if "VoiceConverter" in run.engines:
            title = f"{chosen.title}, turned toward the recording"
            return Voicing(chosen, title, sound, notes=(_TURNED.format(chosen.title),))
        return Voicing(chosen, chosen.title, notes=(_PLAIN.format(chosen.title),))
    notes: tuple[str, ...] = ()
    if chosen is None and request.character is not None:
        found = likeness.built_in_of(request.character, others)
        chosen = likeness.named(others, found)
        wanted = request.character.voice
        if wanted.built_in and found != wanted.built_in:
            instead = chosen or _some(others, request)[0]
            notes = (
                f"{request.character.name} has another voice here, {instead.title}: the engine has "
                f"not {wanted.built_in!r} for this language.",
            )
    voice = chosen or _some(others, request)[0]
    return Voicing(voice, voice.title, notes=notes)


def speak(
    texts: Sequence[tuple[str, int]], voicing: Voicing, request: TalkingHeadRequest, run: Run
) -> tuple[Artefact, ...]:
    """Speak sentence by sentence, each with the number of its take; equal ones once."""
    voice = voicing.voice
    own = voicing.reference if voice.is_own else None
    orders = [
        replace(
            talk.order_of(text, voice, request.language, request.rate, take),
            reference=own,
            said=voicing.said,
        )
        for text, take in texts
    ]
    takes = run.map(talk.speak, orders)
    if own is None and voicing.reference is not None:
        wanted = [likeness.Likeness(take, voicing.reference) for take in takes]
        return run.map(likeness.convert, wanted)
    return takes


def _some(voices: list[BuiltInVoice], request: TalkingHeadRequest) -> list[BuiltInVoice]:
    if not voices:
        raise BadInput(
            f"no built-in voice speaks {request.language!r} here",
            remedy="Choose another language or quality, or give a recording of a voice.",
        )
    return voices


_COPIED = "The voice is a copy of the one in the recording. Tell those who listen that it is made by a machine."
_TURNED = (
    "The voice is an approximation: the built-in voice {}, turned toward the recording in pitch and "
    "timbre. It resembles it, it is no copy; an engine that clones needs weights."
)
_PLAIN = (
    "The voice is the built-in one {}, the nearest to the recording: no engine that turns it toward "
    "the recording is here."
)
