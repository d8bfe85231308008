"""The line table and the cast sheet of a dub: look, listen, change, and make it again.

Whatever stands in the panels' fields belongs to the picked line and speaker: every handler takes
it along, so nothing has to be saved and nothing is lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import gradio as gr

from engines import catalog
from studio.characters import Character
from tabs.parts.border import border, owner_of
from tabs.parts.characters import offer_characters
from tabs.parts.clips import player
from tabs.parts.dub_clips import line_clip, voice_sample
from tabs.parts.dub_opened import (
    FLAGS,
    Opened,
    is_main,
    make,
    opened_of,
    rows_of,
    with_line,
    with_member,
    without_line,
    without_recording,
)
from tabs.parts.dub_panels import (
    PICK,
    CastPanel,
    ChangeBar,
    LinePanel,
    cast_panel,
    change_bar,
    line_panel,
)
from tabs.parts.form import stored
from tabs.parts.job_view import JobView
from tabs.parts.line_table import clock, line_table, shown
from tabs.parts.page import ACT, QUIET, Page
from tabs.parts.result import find
from workflows.dub.edits import of_line, of_speaker
from workflows.dub.model import CastEdit
from workflows.dub.sheet import Sheet


@dataclass(frozen=True, slots=True)
class Editor:
    """What was drawn."""

    page: Page
    view: JobView
    opened: gr.State
    whole: gr.Column
    table: gr.HTML
    line: LinePanel
    cast: CastPanel
    bar: ChangeBar


def editor(page: Page, view: JobView) -> None:
    """Draw the table, the picked line and the cast, and wire them to the job that `view` shows."""
    opened = gr.State(Opened())
    with gr.Column(visible=False, elem_id="dub-editor") as whole:
        bar = change_bar()
        with gr.Row(equal_height=False, elem_classes="pair"):
            with gr.Column(scale=6, min_width=280):
                table = line_table()
            with gr.Column(scale=5, min_width=280):
                line = line_panel()
        cast = cast_panel()
    drawn = Editor(page, view, opened, whole, table, line, cast, bar)
    follow_job(drawn)
    wire_line(drawn)
    wire_cast(drawn)
    wire_bar(drawn)


def voice_choices(sheet: Sheet) -> list[tuple[str, str]]:
    """Return (title, id) of the voices of a dub; the first leaves it as it is."""
    known = [(each.title, each.id) for each in sheet.voices]
    if not known:  # a sheet of an older dub
        known = [(each.title, each.id) for each in catalog.voices(sheet.target_language).values()]
    return [("As cast", ""), *known]


def voice_title(sheet: Sheet, id_: str) -> str:
    """Return what a voice is called; "" if there is none of that id."""
    return next((title for title, known in voice_choices(sheet) if known == id_ and id_), "")


def show_bar(opened: Opened) -> list[Any]:
    """Return updates of `ChangeBar.shown`."""
    count = opened.changes
    said = "No changes yet" if not count else "1 change" if count == 1 else f"{count} changes"
    if opened.is_waiting:
        said = f"Nothing is spoken yet: look it over, change what you like. {said}."
    elif count:
        said = f"{said}, not made yet"
    kind = "told changed" if count else "told"
    is_due = bool(count) or opened.is_waiting
    go = "Continue" if opened.is_waiting else "Make the changes"
    return [
        f'<p class="{kind}" aria-live="polite">{said}</p>',
        gr.update(value=go, interactive=True, variant="primary" if is_due else "secondary"),
        gr.update(interactive=bool(count)),
        gr.update(visible=bool(opened.parent)),
    ]


def show_line(opened: Opened) -> list[Any]:
    """Return updates of `LinePanel.shown` for the picked line."""
    line, sheet = opened.picked, opened.sheet
    if line is None or sheet is None:
        return [PICK, gr.update(visible=False), "", *[gr.skip()] * 8]
    edit = of_line(opened.edits, line.id)
    people = [
        (of_speaker(opened.edits, each.speaker).name or each.name, each.speaker)
        for each in sheet.cast
    ]
    voice = voice_title(sheet, line.voice)
    facts = f"{clock(line.start_s)} in the original, {clock(line.dub_start_s)} in the dub"
    facts = f"{clock(line.start_s)} in the original" if opened.is_waiting else facts
    facts += f" · spoken by {voice}" if voice else ""
    flag = "" if opened.is_waiting else FLAGS.get(line.flag, line.flag)
    warning = f'<p class="lack">⚑ {escape(flag)}</p>' if flag else ""
    is_made = gr.update(visible=not opened.is_waiting)
    return [
        f'<p class="hint">{escape(facts)}</p>{warning}',
        gr.update(visible=True),
        "",
        is_made,
        is_made,
        undo_button(opened),
        line.text if edit.text is None else edit.text,
        line.translation if edit.translation is None else edit.translation,
        gr.update(choices=people, value=edit.speaker or line.speaker),
        gr.update(choices=voice_choices(sheet), value=edit.voice or ""),
        edit.locked,
    ]


def undo_button(opened: Opened) -> Any:
    """Return an update of the button that undoes the picked line's changes."""
    is_changed = of_line(opened.edits, opened.line) != of_line(opened.made, opened.line)
    return gr.update(interactive=is_changed)


def show_speakers(opened: Opened) -> Any:
    """Return an update of the list of speakers."""
    cast = opened.sheet.cast if opened.sheet else ()
    choices: list[tuple[str, str]] = []
    for each in cast:
        name = of_speaker(opened.edits, each.speaker).name or each.name
        main = " · main" if is_main(opened, each.speaker) else ""
        choices.append((f"{name} · {each.speaking_s:.0f} s{main}", each.speaker))
    return gr.update(choices=choices, value=opened.speaker or None)


def show_member(drawn: Editor, opened: Opened) -> list[Any]:
    """Return updates of `CastPanel.shown` for the picked speaker."""
    sheet, member = opened.sheet, opened.member
    if sheet is None or member is None:
        return [gr.skip()] * 9
    edit = of_speaker(opened.edits, member.speaker)
    others = [
        (of_speaker(opened.edits, each.speaker).name or each.name, each.speaker)
        for each in sheet.cast
        if each.speaker != member.speaker
    ]
    voice = voice_title(sheet, member.voice)
    facts = f"Speaks with the voice {voice}" if voice else "Has no voice yet"
    is_copy = member.voice == catalog.OWN
    facts = "Speaks with a copy of the voice in the recording" if is_copy else facts
    facts += ", turned toward the recording" if voice and member.converted and not is_copy else ""
    facts += f" · pitch {member.pitch_hz:.0f} Hz" if member.pitch_hz > 0 else ""
    facts += f" · takes on {edit.reference.name}" if edit.reference else ""
    one = edit.character
    return [
        f'<p class="hint">{escape(facts)}</p>',
        voice_sample(drawn.page.studio, opened, member.reference),
        gr.update(visible=edit.reference is not None),
        edit.name or member.name,
        gr.update(choices=voice_choices(sheet), value=edit.voice or ""),
        gr.update(choices=[("Nobody else", ""), *others], value=edit.merge_into or ""),
        is_main(opened, member.speaker),
        None,
        (one.id or one.name) if one else "",
    ]


def follow_job(drawn: Editor) -> None:
    """Open the lines of the job that is shown, when it has some."""
    line, cast, bar = drawn.line, drawn.cast, drawn.bar
    outputs = [drawn.opened, drawn.whole, drawn.table, cast.speaker]
    outputs += [*line.shown, *cast.shown, *bar.shown]

    @border
    def look(id_: str, now: Opened, request: gr.Request) -> list[Any]:
        owner = owner_of(request)
        job = find(drawn.page.studio, id_, owner)
        seen = (job.id, job.seq) if job else ("", -1)
        if seen == (now.job, now.seq):
            return [gr.skip()] * len(outputs)
        if job and now.sheet and job.parent == now.job and job.state not in {"done", "waiting"}:
            return [gr.skip()] * len(outputs)  # one may go on while the changes are made
        new = opened_of(drawn.page.studio, job, owner, now) if job else Opened()
        if new.sheet is None:
            hidden = [new, gr.update(visible=False)]
            return [*hidden, *[gr.skip()] * (len(outputs) - len(hidden))]
        return [
            new,
            gr.update(visible=True),
            shown(rows_of(new)),
            show_speakers(new),
            *show_line(new),
            *show_member(drawn, new),
            *show_bar(new),
        ]

    drawn.page.each_second(look, [drawn.view.opened, drawn.opened], outputs)


def wire_line(drawn: Editor) -> None:
    """Wire the table and the picked line."""
    opened, table, line, bar = drawn.opened, drawn.table, drawn.line, drawn.bar
    held = [opened, *line.values]

    @border
    def pick(now: Opened, event: gr.EventData, *values: Any) -> list[Any]:
        new = replace(with_line(now, values), line=str(event.id))
        return [new, *show_line(new), *show_bar(new)]

    @border
    def preview(now: Opened, *values: Any) -> list[Any]:
        new = with_line(now, values)
        return [shown(rows_of(new)), undo_button(new), *show_bar(new)]

    @border
    def again(now: Opened, *values: Any) -> list[Any]:
        new = with_line(now, values, another_take=True)
        return [new, shown(rows_of(new)), undo_button(new), *show_bar(new)]

    @border
    def undo(now: Opened) -> list[Any]:
        new = without_line(now)
        return [new, shown(rows_of(new)), *show_line(new), *show_bar(new)]

    def play(dub: bool) -> Any:
        @border
        def cut(now: Opened, request: gr.Request) -> str:
            path = line_clip(drawn.page.studio, now, owner_of(request), dub=dub)
            return player(path, "The line in the dub" if dub else "The line in the original")

        return cut

    table.select(pick, held, [opened, *line.shown, *bar.shown], **ACT)
    texts = [line.text.change, line.translation.change]  # `input` misses what is pasted
    picked = [line.speaker.input, line.voice.input, line.locked.input]
    changes = [*texts, *picked]
    outputs = [table, line.undo, *bar.shown]
    gr.on(changes, preview, held, outputs, trigger_mode="always_last", **QUIET)
    line.again.click(again, held, [opened, *outputs], **ACT)
    line.undo.click(undo, opened, [opened, table, *line.shown, *bar.shown], **ACT)
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal"}
    line.play_original.click(play(dub=False), opened, line.clip, **quiet)
    line.play_dub.click(play(dub=True), opened, line.clip, **quiet)


def wire_cast(drawn: Editor) -> None:
    """Wire the cast sheet: a change is kept as soon as it is made."""
    opened, table, cast, bar = drawn.opened, drawn.table, drawn.cast, drawn.bar
    line = drawn.line

    @border
    def choose(now: Opened, speaker: str) -> list[Any]:
        new = replace(now, speaker=speaker)
        return [new, *show_member(drawn, new)]

    @border
    def keep(now: Opened, *values: Any) -> list[Any]:
        fields, member = values[:5], values[5:]
        new = with_cast(drawn, with_line(now, fields), member)
        return [new, shown(rows_of(new)), show_speakers(new), *show_bar(new)]

    @border
    def forget(now: Opened, *values: Any) -> list[Any]:
        new = without_recording(with_cast(drawn, with_line(now, values[:5]), values[5:]))
        return [new, *show_member(drawn, new), *show_bar(new)]

    cast.speaker.input(choose, [opened, cast.speaker], [opened, *cast.shown], **ACT)
    changes = [
        cast.name.blur,
        cast.name.submit,
        cast.voice.input,
        cast.merge.input,
        cast.main.input,
        cast.recording.upload,
        cast.recording.stop_recording,
        cast.character.input,
    ]
    offer_characters(drawn.page, cast.character, "No character")
    inputs = [opened, *line.values, *cast.values]
    gr.on(changes, keep, inputs, [opened, table, cast.speaker, *bar.shown], **ACT)
    drops = [cast.recording.clear, cast.forget.click]
    gr.on(drops, forget, inputs, [opened, *cast.shown, *bar.shown], **ACT)


def with_cast(drawn: Editor, now: Opened, values: Sequence[Any]) -> Opened:
    """Return the dub with what the cast panel's fields hold for the picked speaker."""
    member = now.member
    if member is None:
        return now
    name, voice, merge_into, main, recording, character = values
    known = of_speaker(now.edits, member.speaker)
    reference = stored(drawn.page.studio.store, recording) if recording else known.reference
    made = of_speaker(now.made, member.speaker)
    edit = CastEdit(
        speaker=member.speaker,
        name=made.name if not name or name == member.name else str(name).strip(),
        merge_into=merge_into or None,
        voice=voice or None,
        reference=reference,
        character=_character(known, character),
    )
    return with_member(now, edit, is_main=bool(main))


def _character(known: CastEdit, chosen: str | None) -> Character | None:
    """Return the character that was chosen, as it was when it was; a new one is looked up later."""
    if known.character is not None and chosen == known.character.id:
        return known.character
    return Character(name=chosen) if chosen else None


def wire_bar(drawn: Editor) -> None:
    """Wire the buttons for the changes."""
    opened, bar, line, cast = drawn.opened, drawn.bar, drawn.line, drawn.cast

    @border
    def go(now: Opened, request: gr.Request, *values: Any) -> list[Any]:
        new = with_cast(drawn, with_line(now, values[:5]), values[5:])
        id_ = make(drawn.page.studio, new, owner_of(request))
        told = '<p class="told" aria-live="polite">The changes are being made…</p>'
        return [id_, new, told, gr.update(interactive=False), gr.update(interactive=False)]

    @border
    def undo(now: Opened) -> list[Any]:
        new = replace(now, edits=now.made)
        first = [new, shown(rows_of(new)), show_speakers(new)]
        return [*first, *show_line(new), *show_member(drawn, new), *show_bar(new)]

    @border
    def back(now: Opened) -> str:
        return now.parent

    inputs = [opened, *line.values, *cast.values]
    bar.make.click(go, inputs, [drawn.view.opened, opened, bar.told, bar.make, bar.undo], **ACT)
    outputs = [opened, drawn.table, cast.speaker, *line.shown, *cast.shown, *bar.shown]
    bar.undo.click(undo, opened, outputs, **ACT)
    bar.back.click(back, opened, drawn.view.opened, **ACT)
