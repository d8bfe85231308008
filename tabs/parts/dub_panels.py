"""What the dub editor draws beside the table: the picked line, and the cast."""

from dataclasses import dataclass
from typing import Any

import gradio as gr


@dataclass(frozen=True, slots=True)
class LinePanel:
    """The components of the picked line."""

    heading: gr.HTML
    clip: gr.Video
    play_original: gr.Button
    play_dub: gr.Button
    text: gr.Textbox
    translation: gr.Textbox
    speaker: gr.Dropdown
    voice: gr.Dropdown
    locked: gr.Checkbox
    keep: gr.Button
    again: gr.Button

    @property
    def values(self) -> list[Any]:
        """What the user changes, in order."""
        return [self.text, self.translation, self.speaker, self.voice, self.locked]

    @property
    def shown(self) -> list[Any]:
        """What a pick updates, in order."""
        return [self.heading, *self.values]


@dataclass(frozen=True, slots=True)
class CastPanel:
    """The components of one speaker."""

    speaker: gr.Dropdown
    sample: gr.Audio
    name: gr.Textbox
    voice: gr.Dropdown
    merge: gr.Dropdown
    main: gr.Checkbox
    recording: gr.Audio
    keep: gr.Button

    @property
    def values(self) -> list[Any]:
        """What the user changes, in order."""
        return [self.name, self.voice, self.merge, self.main, self.recording]

    @property
    def shown(self) -> list[Any]:
        """What choosing a speaker updates, in order."""
        return [self.sample, *self.values]


def line_panel() -> LinePanel:
    """Draw the picked line."""
    heading = gr.HTML("<p class='hint'>Pick a line to hear and change it.</p>")
    with gr.Row():
        play_original = gr.Button("Play original", size="sm", elem_id="line-original")
        play_dub = gr.Button("Play dub", size="sm", elem_id="line-dub")
    clip = gr.Video(
        label="The line, and two seconds around it",
        autoplay=True,
        interactive=False,
        elem_id="line-clip",
        visible=False,
        height=220,
    )
    text = gr.Textbox(label="Original", lines=2, elem_id="line-text")
    translation = gr.Textbox(label="Translation", lines=2, elem_id="line-translation")
    with gr.Row():
        speaker = gr.Dropdown([], label="Speaker", elem_id="line-speaker", min_width=120)
        voice = gr.Dropdown([], label="Voice of this line", elem_id="line-voice", min_width=160)
    locked = gr.Checkbox(label="Lock: keep these words and this time", elem_id="line-locked")
    with gr.Row():
        keep = gr.Button("Keep this change", size="sm", elem_id="line-keep")
        again = gr.Button("Speak it differently", size="sm", elem_id="line-again")
    return LinePanel(
        heading,
        clip,
        play_original,
        play_dub,
        text,
        translation,
        speaker,
        voice,
        locked,
        keep,
        again,
    )


def cast_panel() -> CastPanel:
    """Draw the cast sheet, one speaker at a time."""
    with gr.Accordion("Cast: who speaks with which voice", open=False, elem_id="dub-cast"):
        with gr.Row():
            speaker = gr.Dropdown([], label="Speaker", elem_id="cast-speaker", min_width=160)
            name = gr.Textbox(label="Name", elem_id="cast-name", min_width=160)
            voice = gr.Dropdown([], label="Voice", elem_id="cast-voice", min_width=160)
            merge = gr.Dropdown(
                [], label="Is the same person as", elem_id="cast-merge", min_width=160
            )
        with gr.Row():
            sample = gr.Audio(label="The original voice", interactive=False, elem_id="cast-sample")
            recording = gr.Audio(
                label="A recording of the voice to take on",
                type="filepath",
                sources=["upload"],
                elem_id="cast-recording",
            )
        main = gr.Checkbox(label="The main speaker: gets my own voice if I gave it")
        keep = gr.Button("Keep for this speaker", size="sm", elem_id="cast-keep")
    return CastPanel(speaker, sample, name, voice, merge, main, recording, keep)
