"""The sentences of a talking head: look, listen, change one, and only that one is made again."""

from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from studio.errors import BadInput
from tabs.parts.border import border, owner_of
from tabs.parts.clips import clip, player
from tabs.parts.dub_panels import ChangeBar, change_bar
from tabs.parts.head_opened import (
    OpenedHead,
    make,
    opened_of,
    rows_of,
    said_of,
    with_text,
)
from tabs.parts.job_view import JobView
from tabs.parts.line_table import Around, clock, line_table, shown
from tabs.parts.page import ACT, QUIET, Page
from tabs.parts.result import find
from workflows.talking_head.request import TalkingHeadResult
from workflows.talking_head.sheet import of_sentence

PICK = '<p class="hint">Pick a sentence to hear it and to change it.</p>'
AROUND_S = 0.3
KEYS = Around("#head-panel", "#head-play", "#head-play", "#head-text textarea")


@dataclass(frozen=True, slots=True)
class SentencePanel:
    """The components of the picked sentence."""

    heading: gr.HTML
    body: gr.Column
    clip: gr.HTML
    play: gr.Button
    text: gr.Textbox
    again: gr.Button

    @property
    def shown(self) -> list[Any]:
        """What a pick updates, in order."""
        return [self.heading, self.body, self.clip, self.text]


@dataclass(frozen=True, slots=True)
class HeadEditor:
    """What was drawn."""

    page: Page
    view: JobView
    opened: gr.State
    whole: gr.Column
    table: gr.HTML
    panel: SentencePanel
    bar: ChangeBar


def head_editor(page: Page, view: JobView) -> None:
    """Draw the table and the picked sentence, and wire them to the job that `view` shows."""
    opened = gr.State(OpenedHead())
    with gr.Column(visible=False, elem_id="head-editor") as whole:
        bar = change_bar("head")
        with gr.Row(equal_height=False, elem_classes="pair"):
            with gr.Column(scale=6, min_width=260):
                table = line_table("head-lines", KEYS)
            with gr.Column(scale=5, min_width=260):
                panel = _panel()
    drawn = HeadEditor(page, view, opened, whole, table, panel, bar)
    _follow(drawn)
    _wire(drawn)


def _panel() -> SentencePanel:
    with gr.Column(elem_classes="card", elem_id="head-panel"):
        heading = gr.HTML(PICK)
        with gr.Column(visible=False) as body:
            clip_ = gr.HTML("", elem_id="head-clip")
            text = gr.Textbox(
                label="Sentence",
                info="The rest of the film stays as it is, as far as the new words fit",
                lines=3,
                max_length=600,
                elem_id="head-text",
            )
            with gr.Row(elem_classes="acts"):
                small: dict[str, Any] = {"size": "md", "min_width": 110}
                play = gr.Button("▶ Play", elem_id="head-play", **small)
                again = gr.Button("Speak it again", elem_id="head-again", **small)
    return SentencePanel(heading, body, clip_, play, text, again)


def _show_bar(opened: OpenedHead) -> list[Any]:
    count = opened.changes
    said = "No changes yet" if not count else "1 change" if count == 1 else f"{count} changes"
    kind = "told changed" if count else "told"
    return [
        f'<p class="{kind}" aria-live="polite">{said}{", not made yet" if count else ""}</p>',
        gr.update(interactive=True, variant="primary" if count else "secondary"),
        gr.update(interactive=bool(count)),
        gr.update(visible=bool(opened.parent)),
    ]


def _show_panel(opened: OpenedHead) -> list[Any]:
    """Return updates of `SentencePanel.shown` for the picked sentence."""
    sentence = opened.picked
    if sentence is None:
        return [PICK, gr.update(visible=False), "", gr.skip()]
    length_s = sentence.end_s - sentence.start_s
    facts = f"Sentence {sentence.number + 1}, from {clock(sentence.start_s)}, {length_s:.1f} s long"
    said = said_of(sentence, of_sentence(opened.edits, sentence.number))
    return [f'<p class="hint">{escape(facts)}</p>', gr.update(visible=True), "", said]


def _follow(drawn: HeadEditor) -> None:
    """Open the sentences of the job that is shown, when it has some."""
    outputs = [drawn.opened, drawn.whole, drawn.table, *drawn.panel.shown, *drawn.bar.shown]

    @border
    def look(id_: str, now: OpenedHead, request: gr.Request) -> list[Any]:
        owner = owner_of(request)
        job = find(drawn.page.studio, id_, owner)
        if ((job.id, job.seq) if job else ("", -1)) == (now.job, now.seq):
            return [gr.skip()] * len(outputs)
        if job and now.sheet and job.parent == now.job and job.state != "done":
            return [gr.skip()] * len(outputs)  # one may go on while the changes are made
        new = opened_of(drawn.page.studio, job, owner, now) if job else OpenedHead()
        if new.sheet is None:
            return [new, gr.update(visible=False), *[gr.skip()] * (len(outputs) - 2)]
        table = shown(rows_of(new))
        return [new, gr.update(visible=True), table, *_show_panel(new), *_show_bar(new)]

    drawn.page.each_second(look, [drawn.view.opened, drawn.opened], outputs)


def _wire(drawn: HeadEditor) -> None:
    """Wire the table, the picked sentence and the buttons for the changes."""
    opened, table, panel, bar = drawn.opened, drawn.table, drawn.panel, drawn.bar
    held = [opened, panel.text]

    @border
    def pick(now: OpenedHead, text: str, event: gr.EventData) -> list[Any]:
        new = replace(with_text(now, text), number=int(event.id))
        return [new, *_show_panel(new), *_show_bar(new)]

    @border
    def preview(now: OpenedHead, text: str) -> list[Any]:
        new = with_text(now, text)
        return [shown(rows_of(new)), *_show_bar(new)]

    @border
    def again(now: OpenedHead, text: str) -> list[Any]:
        new = with_text(now, text, another_take=True)
        return [new, shown(rows_of(new)), *_show_bar(new)]

    @border
    def play(now: OpenedHead, request: gr.Request) -> str:
        return player(_clip(drawn.page, now, owner_of(request)), "The sentence in the film")

    @border
    def go(now: OpenedHead, text: str, request: gr.Request) -> list[Any]:
        new = with_text(now, text)
        id_ = make(drawn.page.studio, new, owner_of(request))
        told = '<p class="told" aria-live="polite">The changes are being made…</p>'
        return [id_, new, told, gr.update(interactive=False), gr.update(interactive=False)]

    @border
    def undo(now: OpenedHead) -> list[Any]:
        new = replace(now, edits=now.sheet.edits if now.sheet else ())
        return [new, shown(rows_of(new)), *_show_panel(new), *_show_bar(new)]

    @border
    def back(now: OpenedHead) -> str:
        return now.parent

    table.select(pick, held, [opened, *panel.shown, *bar.shown], **ACT)
    gr.on([panel.text.change], preview, held, [table, *bar.shown], **QUIET)
    panel.again.click(again, held, [opened, table, *bar.shown], **ACT)
    panel.play.click(play, opened, panel.clip, api_visibility="private", show_progress="minimal")
    bar.make.click(go, held, [drawn.view.opened, opened, bar.told, bar.make, bar.undo], **ACT)
    bar.undo.click(undo, opened, [opened, table, *panel.shown, *bar.shown], **ACT)
    bar.back.click(back, opened, drawn.view.opened, **ACT)


def _clip(page: Page, opened: OpenedHead, owner: str) -> Path:
    """Cut the picked sentence out of the film.

    Raises:
        BadInput: if no sentence is picked.
        NotFound: if the job is another's, or the film is no longer stored.
    """
    sentence = opened.picked
    if sentence is None:
        raise BadInput("no sentence is picked", remedy="Click one first.")
    result = page.studio.result(opened.job, owner)
    if not isinstance(result, TalkingHeadResult):
        raise BadInput("this job has no film", remedy="Make one first.")
    span_s = (sentence.start_s - AROUND_S, sentence.end_s + AROUND_S)
    name = f"sentence-{sentence.number}"
    return clip(page.studio, opened.job, name, result.video, span_s)
