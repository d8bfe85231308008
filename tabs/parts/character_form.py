"""The form of a character: its components, and the ways from a character to them and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from engines import catalog
from engines.offers import voices
from media.audio import open_audio
from media.decode import decode_audio
from media.pictures import read_picture
from media.probe import choose_audio, probe
from studio.artefacts import Artefact
from studio.characters import Character, CharacterVoice, Recording
from studio.consent import KIND_TITLES, PURPOSE, Consent, record_consent
from studio.errors import BadInput
from studio.studio import Studio
from tabs.parts.border import border
from tabs.parts.character_models import ModelFields, draw_models, read_models, show_models
from tabs.parts.characters import face
from tabs.parts.face_points import judged
from tabs.parts.form import KINDS, stored, uploaded
from tabs.parts.page import ACT
from workflows.likeness import REFERENCE_MIN_S
from workflows.talking_head.portrait import LONGEST_PX

LONGEST_S = 60.0
CONSENTED = 5  # values of consent, and the licence
SETTINGS = ("voice", "text", "consent", "given_by", "about", "purpose", "licence")
NOT_TRAINED = (None, "", None, None)  # values of `ModelFields`


@dataclass(frozen=True, slots=True)
class CharacterForm:
    """The components of a character."""

    faces: gr.HTML
    name: gr.Textbox
    looks: gr.File
    advice: gr.HTML
    voice: gr.Dropdown
    recording: gr.Audio
    text: gr.Textbox
    kind: gr.Radio
    given_by: gr.Textbox
    about: gr.Textbox
    purpose: gr.Textbox
    licence: gr.Textbox
    trained: ModelFields

    @property
    def values(self) -> list[Any]:
        """What the user fills in, in order."""
        consent = [self.kind, self.given_by, self.about, self.purpose]
        return [
            self.name,
            self.looks,
            self.voice,
            self.recording,
            self.text,
            *consent,
            self.licence,
            *self.trained.values,
        ]

    @property
    def shown(self) -> list[Any]:
        """What `show` updates, in order."""
        return [self.faces, self.advice, *self.values]


def draw_form() -> CharacterForm:
    """Draw the form."""
    faces = gr.HTML("", elem_id="character-faces")
    name = gr.Textbox(label="Name", max_length=80, elem_id="character-name")
    looks = gr.File(
        label="Pictures of the face; the first is the main one, new ones take the place of the old",
        file_count="multiple",
        file_types=KINDS["image"],
        type="filepath",
        height=118,
        elem_id="character-looks",
    )
    advice = gr.HTML("", elem_id="character-advice")
    looks.change(_advise, looks, advice, **ACT)
    voice = gr.Dropdown(
        [("None", ""), *voices()], value="", label="Voice", elem_id="character-voice"
    )
    with gr.Accordion("A recording of the voice to take on", open=False, elem_classes="card-more"):
        recording = gr.Audio(
            label="10 seconds of clear speech or more, a minute at most",
            type="filepath",
            sources=["upload", "microphone"],
            elem_id="character-recording",
        )
        text = gr.Textbox(
            label="What is said in it",
            info="Some engines copy the voice better then",
            max_length=2000,
            elem_id="character-text",
        )
    kind = gr.Radio(
        [(title, kind) for kind, title in KIND_TITLES.items()],
        label="Whose face and voice",
        info="Without consent nobody is shown or heard",
        elem_id="character-consent",
    )
    with gr.Row():
        given_by = gr.Textbox(
            label="Who agreed", max_length=200, elem_id="character-given-by", min_width=140
        )
        about = gr.Textbox(
            label="Whose they are, if somebody else's",
            max_length=200,
            elem_id="character-about",
            min_width=140,
        )
    with gr.Accordion("More", open=False, elem_classes="card-more"):
        purpose = gr.Textbox(
            label="What for", value=PURPOSE, max_length=1000, elem_id="character-purpose"
        )
        licence = gr.Textbox(
            label="Notes on licences",
            info="Where pictures and sounds are from, and what is allowed",
            lines=2,
            max_length=4000,
            elem_id="character-licence",
        )
    parts = (kind, given_by, about, purpose, licence, draw_models())
    return CharacterForm(faces, name, looks, advice, voice, recording, text, *parts)


def show(studio: Studio, character: Character | None) -> list[Any]:
    """Return updates of `CharacterForm.shown`; an empty form for None."""
    if character is None:
        return ["", "", "", None, "", None, "", None, "", "", PURPOSE, "", *show_models(None)]
    pictures = [face(studio, each) for each in character.looks]
    images = "".join(
        f'<img src="{each}" alt="{escape(character.name)}" width="88" height="88">'
        for each in pictures
        if each
    )
    consent = character.consent or Consent(kind="nobody")
    recordings = character.voice.recordings
    heard = [f"Takes on the voice of {each.sound.name}" for each in recordings[:1]]
    lines = "".join(f'<p class="hint">{escape(each)}</p>' for each in (*heard, consent.sentence))
    return [
        f'<div class="faces">{images}</div>{lines}',
        "",
        character.name,
        None,
        character.voice.built_in,
        None,
        recordings[0].text if recordings else "",
        consent.kind,
        consent.given_by,
        "" if consent.about == consent.given_by else consent.about,
        consent.purpose,
        character.licence,
        *show_models(character),
    ]


@border
def _advise(pictures: list[str] | None) -> str:
    """Say of the main picture whether its face can be found: a character that cannot speak is told now."""
    if not pictures:
        return ""
    found = judged(read_picture(uploaded(pictures[0]), longest_px=LONGEST_PX))
    return f'<p class="{"lack" if found.unsure else "hint"}" role="status">{escape(found.told)}</p>'


def read(studio: Studio, before: Character | None, values: Sequence[Any]) -> Character:
    """Return the character that the form describes; what it does not show stays as it was.

    Args:
        studio: whose store takes the uploads.
        before: the character as it was; None: it is new.
        values: of `CharacterForm.values`.

    Raises:
        BadInput: if a file cannot be used, or consent is missing.
    """
    name, looks, voice, recording, text, *rest = values
    *said, licence = rest[:CONSENTED]
    consent = _consent(before, said)
    known = before or Character(name="?")
    pictures = tuple(_picture(studio, str(each)) for each in looks or ())
    sounds = known.voice.recordings
    if recording:
        sounds = (Recording(sound=_sound(studio, str(recording)), text=text or ""), *sounds[1:])
    elif sounds:
        sounds = (sounds[0].model_copy(update={"text": text or ""}), *sounds[1:])
    loras, models = read_models(studio, known, rest[CONSENTED:])
    spoken = _voice(known.voice, str(voice or ""), sounds)
    return Character(
        id=known.id,
        name=str(name or "").strip() or " ",
        looks=pictures or known.looks,
        loras=loras,
        voice=spoken.model_copy(update={"models": models}),
        consent=consent,
        licence=licence or "",
    )


def create(
    studio: Studio,
    name: str,
    pictures: Sequence[str],
    recordings: Sequence[str],
    settings: Mapping[str, str],
) -> Character:
    """Return a new character of what a script gives; it is not saved yet.

    Args:
        studio: whose store takes the uploads.
        name: of the character.
        pictures: paths of uploads.
        recordings: paths of uploads; the first is used.
        settings: those of `SETTINGS`.

    Raises:
        BadInput: as `read`, or if there is no such setting, voice or kind of consent.
    """
    voice, text, kind, given_by, about, purpose, licence = (settings.get(each) for each in SETTINGS)
    for what, given, there_are in (
        ("setting", tuple(settings), SETTINGS),
        ("voice", (voice,) if voice else (), tuple(catalog.voices())),
        ("consent", (kind,) if kind is not None else (), tuple(KIND_TITLES)),
    ):
        if unknown := sorted(set(given) - set(there_are)):
            remedy = f"There are {', '.join(there_are)}."
            raise BadInput(f"there is no {what} {unknown[0]!r}", remedy=remedy)
    said = [kind, given_by, about, purpose or PURPOSE, licence]
    sound = recordings[0] if recordings else None
    return read(studio, None, [name, pictures, voice, sound, text, *said, *NOT_TRAINED])


def _voice(known: CharacterVoice, id_: str, recordings: tuple[Recording, ...]) -> CharacterVoice:
    found = catalog.voices().get(id_)
    changes: dict[str, Any] = {"built_in": id_, "recordings": recordings}
    if found is not None or not id_:
        changes["language"] = found.languages[0] if found else ""
        changes["pitch_hz"] = found.pitch_hz if found else 0.0
    return known.model_copy(update=changes)


def _consent(before: Character | None, said: Sequence[Any]) -> Consent:
    """Return the consent as it was given before, if nothing of it was changed, else anew."""
    kind, given_by, about, purpose = said
    new = record_consent(kind, given_by=given_by or "", about=about or "", purpose=purpose or "")
    old = before.consent if before else None
    if old is not None and old == new.model_copy(
        update={"given_at": old.given_at, "statement": old.statement}
    ):
        return old
    return new


def _picture(studio: Studio, path: str) -> Artefact:
    kept = stored(studio.store, path)
    read_picture(studio.store.path(kept), kept.name)
    return kept


def _sound(studio: Studio, path: str) -> Artefact:
    """Take a recording in as FLAC, which every workflow reads."""
    kept = stored(studio.store, path)
    info = probe(studio.store.path(kept), kept.name)
    stream = choose_audio(info, "")
    if stream is None or not REFERENCE_MIN_S <= info.duration_s <= LONGEST_S:
        raise BadInput(
            f"{kept.name} is no recording of {REFERENCE_MIN_S:.0f} to {LONGEST_S:.0f} seconds",
            remedy="Give one of about 10 seconds of clear speech.",
        )
    with studio.store.scratch("recording") as folder:
        out = folder / "voice.flac"
        decode_audio(info, stream, out)
        open_audio(out)
        return studio.store.keep(out, "audio/flac", f"{Path(kept.name).stem}.flac")
