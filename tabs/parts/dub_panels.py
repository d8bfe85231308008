"""What the dub editor draws beside the table: the picked line, the cast, the changes to make."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

PICK = '<p class="hint">Pick a line to hear it and to change it.</p>'


@dataclass(frozen=True, slots=True)
class LinePanel:
    """The components of the picked line."""

    heading: gr.HTML
    body: gr.Column
    clip: gr.HTML
    play_original: gr.Button
    play_dub: gr.Button
    text: gr.Textbox
    translation: gr.Textbox
    speaker: gr.Dropdown
    voice: gr.Dropdown
    locked: gr.Checkbox
    again: gr.Button
    undo: gr.Button

    @property
    def values(self) -> list[Any]:
        """What the user changes, in order."""
        return [self.text, self.translation, self.speaker, self.voice, self.locked]

    @property
    def shown(self) -> list[Any]:
        """What a pick updates, in order."""
        buttons = [self.play_dub, self.again, self.undo]
        return [self.heading, self.body, self.clip, *buttons, *self.values]


@dataclass(frozen=True, slots=True)
class CastPanel:
    """The components of the cast sheet."""

    speaker: gr.Radio
    sample: gr.Audio
    name: gr.Textbox
    voice: gr.Dropdown
    merge: gr.Dropdown
    main: gr.Checkbox
    recording: gr.Audio
    character: gr.Dropdown
    facts: gr.HTML
    forget: gr.Button

    @property
    def values(self) -> list[Any]:
        """What the user changes, in order."""
        return [self.name, self.voice, self.merge, self.main, self.recording, self.character]

    @property
    def shown(self) -> list[Any]:
        """What choosing a speaker updates, in order."""
        return [self.facts, self.sample, self.forget, *self.values]


@dataclass(frozen=True, slots=True)
class ChangeBar:
    """What is changed and not made yet, and the buttons for it."""

    told: gr.HTML
    make: gr.Button
    undo: gr.Button
    back: gr.Button

    @property
    def shown(self) -> list[Any]:
        """What every change updates, in order."""
        return [self.told, self.make, self.undo, self.back]


def line_panel() -> LinePanel:
    """Draw the picked line."""
    with gr.Column(elem_classes="card", elem_id="line-panel"):
        heading = gr.HTML(PICK)
        with gr.Column(visible=False) as body:
            with gr.Row():
                small: dict[str, Any] = {"size": "md", "min_width": 110}
                play_original = gr.Button("▶ Original", elem_id="line-original", **small)
                play_dub = gr.Button("▶ Dub", elem_id="line-dub", **small)
            clip = gr.HTML("", elem_id="line-clip")
            text = gr.Textbox(
                label="Original",
                info="Mend what was misheard: the line is translated anew",
                lines=2,
                elem_id="line-text",
            )
            translation = gr.Textbox(
                label="Translation",
                info="Your own words are never shortened",
                lines=2,
                elem_id="line-translation",
            )
            with gr.Row():
                speaker = gr.Dropdown([], label="Speaker", elem_id="line-speaker", min_width=110)
                voice = gr.Dropdown([], label="Voice", elem_id="line-voice", min_width=110)
            locked = gr.Checkbox(
                label="Lock",
                info="Keeps these words and the time of the original",
                elem_id="line-locked",
            )
            with gr.Row():
                again = gr.Button("Speak it again", elem_id="line-again", **small)
                undo = gr.Button("Undo this line", elem_id="line-undo", **small)
    return LinePanel(
        heading,
        body,
        clip,
        play_original,
        play_dub,
        text,
        translation,
        speaker,
        voice,
        locked,
        again,
        undo,
    )


def cast_panel() -> CastPanel:
    """Draw the cast sheet: every speaker to choose from, and the chosen one."""
    with gr.Column(elem_classes="card", elem_id="dub-cast"):
        gr.HTML("<h2>Cast</h2>", elem_classes="card-heading")
        speaker = gr.Radio(
            [],
            label="Speaker",
            info="Who was heard; the main speaker gets your own voice, if you gave it",
            elem_id="cast-speaker",
        )
        facts = gr.HTML("")
        sample = gr.Audio(
            label="The original voice", interactive=False, buttons=[], elem_id="cast-sample"
        )
        with gr.Row():
            name = gr.Textbox(label="Name", elem_id="cast-name", min_width=140, max_length=60)
            voice = gr.Dropdown([], label="Voice", elem_id="cast-voice", min_width=140)
            character = gr.Dropdown(
                [("No character", "")],
                value="",
                label="Speaks as",
                elem_id="cast-character",
                min_width=140,
                allow_custom_value=True,
            )
            merge = gr.Dropdown(
                [], label="Is the same person as", elem_id="cast-merge", min_width=140
            )
        main = gr.Checkbox(label="This is the main speaker", elem_id="cast-main")
        with gr.Accordion("Another voice to take on", open=False, elem_classes="card-more"):
            recording = gr.Audio(
                label="A recording of it: 10 seconds of clear speech",
                type="filepath",
                sources=["upload", "microphone"],
                elem_id="cast-recording",
            )
        forget = gr.Button(
            "Do not take on the recording", size="md", visible=False, elem_id="cast-forget"
        )
    return CastPanel(speaker, sample, name, voice, merge, main, recording, character, facts, forget)


def change_bar(prefix: str = "dub") -> ChangeBar:
    """Draw the bar that stays in sight while there are changes; `prefix` makes its element ids."""
    with gr.Row(elem_id=f"{prefix}-changes", elem_classes="changes"):
        told = gr.HTML("", elem_id=f"{prefix}-told")
        back = gr.Button(
            "The version before", size="md", elem_id=f"{prefix}-back", min_width=100, visible=False
        )
        undo = gr.Button(
            "Undo all", size="md", elem_id=f"{prefix}-undo", min_width=80, interactive=False
        )
        make = gr.Button(
            "Make the changes",
            variant="primary",
            size="md",
            elem_id=f"{prefix}-make",
            min_width=120,
        )
    return ChangeBar(told, make, undo, back)
