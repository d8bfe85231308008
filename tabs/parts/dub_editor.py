"""The line table and the cast sheet of a dub: look, listen, change, and make it again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import gradio as gr

from engines import catalog
from media.clips import cut_clip
from media.probe import probe
from studio.artefacts import Artefact
from studio.errors import BadInput
from studio.jobs import Job
from studio.studio import Studio
from tabs.parts.border import border, owner_of
from tabs.parts.dub_panels import CastPanel, LinePanel, cast_panel, line_panel
from tabs.parts.form import stored
from tabs.parts.job_view import JobView
from tabs.parts.line_table import Row, Rows, clock, line_table, shown
from tabs.parts.page import QUIET, Page
from tabs.parts.result import find
from workflows.dub.edits import merge, of_line, of_speaker
from workflows.dub.flow import Review
from workflows.dub.model import CastEdit, Edits, LineEdit
from workflows.dub.request import DubRequest, DubResult
from workflows.dub.sheet import Sheet, SheetLine

AROUND_S = 2.0


@dataclass(frozen=True, slots=True)
class Opened:
    """The dub that is shown, and what was changed in it and not made yet."""

    job: str = ""
    seq: int = -1
    sheet: Sheet | None = None
    edits: Edits = Edits()  # noqa: RUF009 - frozen
    line: str = ""  # id of the picked one
    changed: bool = False


def sheet_of(studio: Studio, job: Job, owner: str) -> tuple[Sheet, Edits] | None:
    """Return the lines of a dub that is done or waits for a look; None where there are none yet."""
    if job.workflow != "dub":
        return None
    if job.state == "waiting":
        review = Review.model_validate_json(job.review_value)
        return review.sheet, review.edits
    if job.state != "done":
        return None
    result = studio.result(job.id, owner)
    if not isinstance(result, DubResult):
        return None
    text = studio.store.path(result.transcript).read_text(encoding="utf-8")
    return Sheet.model_validate_json(text), DubRequest.model_validate_json(job.request).edits


def rows_of(opened: Opened) -> Rows:
    """Return the line table; changes that are not made yet show already."""
    sheet = opened.sheet
    if sheet is None:
        return Rows((), "", "")
    names = {each.speaker: each.name for each in sheet.cast}
    return Rows(
        tuple(_row(each, names, opened) for each in sheet.lines),
        sheet.source_language,
        sheet.target_language,
    )


def _row(line: SheetLine, names: dict[str, str], opened: Opened) -> Row:
    edit = of_line(opened.edits, line.id)
    said = line.translation if edit.translation is None else edit.translation
    marks = [f"×{line.speed:.2f}" if abs(line.speed - 1) >= 0.02 else "", line.flag]
    marks.append("locked" if edit.locked else "")
    is_new = opened.changed and (said != line.translation or edit.take != line.take)
    kinds = ["flagged" if line.flag else "", "changed" if is_new else ""]
    speaker = edit.speaker or line.speaker
    return Row(
        id=line.id,
        time=f"{clock(line.dub_start_s)} – {clock(line.dub_end_s)}",
        who=names.get(speaker, speaker),
        marks=" · ".join(filter(None, marks)),
        text=line.text if edit.text is None else edit.text,
        said=said,
        kind=" ".join(filter(None, kinds)),
        picked="true" if line.id == opened.line else "false",
    )


def preview(studio: Studio, opened: Opened, owner: str, *, dub: bool) -> str:
    """Cut the picked line with two seconds around it, of the original or of the dub.

    Raises:
        BadInput: if no line is picked.
        NotFound: if the file is no longer stored.
    """
    sheet = opened.sheet
    line = _picked(opened)
    if sheet is None or line is None:
        raise BadInput("no line is picked", remedy="Click a line first.")
    shift_s = sheet.audio_start_s
    media, span = sheet.media, (line.start_s, line.end_s)
    if dub:
        result = studio.result(opened.job, owner)
        if not isinstance(result, DubResult):
            raise BadInput("this job has no dub", remedy="Continue it first.")
        media, span = result.video, (line.dub_start_s, line.dub_end_s)
    folder = studio.settings.exports / opened.job / "previews"
    folder.mkdir(parents=True, exist_ok=True)
    info = probe(studio.store.path(media), media.name)
    suffix = ".m4a" if info.video is None else ".mp4"
    out = folder / f"{line.id}-{'dub' if dub else 'original'}-{opened.seq}{suffix}"
    if not out.exists():
        around = (span[0] + shift_s - AROUND_S, span[1] + shift_s + AROUND_S)
        cut_clip(info, None, around, out)
    return str(out)


def with_line(opened: Opened, edit: LineEdit) -> Opened:
    """Return the dub with one more change."""
    return _changed(opened, Edits(lines=(edit,)))


def with_member(opened: Opened, edit: CastEdit, *, is_main: bool) -> Opened:
    """Return the dub with one more change of its cast."""
    main = edit.speaker if is_main else None
    return _changed(opened, Edits(cast=(edit,), main_speaker=main))


def make(studio: Studio, opened: Opened, owner: str) -> str:
    """Let the changes be made; return the id of the job that makes them.

    Raises:
        BadInput: if no dub is open.
    """
    if opened.sheet is None:
        raise BadInput("no dub is open", remedy="Make one first.")
    job = studio.job(opened.job, owner)
    if job.state == "waiting":
        answer = Review(sheet=opened.sheet, edits=opened.edits)
        return studio.answer(job.id, owner, answer.model_dump_json()).id
    request = DubRequest.model_validate_json(job.request)
    again = request.model_copy(update={"edits": opened.edits, "review": False})
    return studio.submit("dub", again, owner=owner, parent=job.id).id


def _changed(opened: Opened, new: Edits) -> Opened:
    return replace(opened, edits=merge(opened.edits, new), changed=True)


def _picked(opened: Opened) -> SheetLine | None:
    lines = opened.sheet.lines if opened.sheet else ()
    return next((each for each in lines if each.id == opened.line), None)


def voice_choices(language: str) -> list[tuple[str, str]]:
    """Return (title, id) of the voices that speak `language`; the first leaves it as it is."""
    voices = catalog.voices(language).values()
    return [("As cast", ""), *((each.title, each.id) for each in voices)]


def show_line(opened: Opened) -> list[Any]:
    """Return updates of `LinePanel.shown` for the picked line."""
    line, sheet = _picked(opened), opened.sheet
    if line is None or sheet is None:
        return [gr.skip()] * 6
    edit = of_line(opened.edits, line.id)
    people = [(each.name, each.speaker) for each in sheet.cast]
    flag = f" · {line.flag}" if line.flag else ""
    return [
        f"<p class='hint'>{escape(line.id)} · {clock(line.start_s)} in the original{escape(flag)}</p>",
        line.text if edit.text is None else edit.text,
        line.translation if edit.translation is None else edit.translation,
        gr.update(choices=people, value=edit.speaker or line.speaker),
        gr.update(choices=voice_choices(sheet.target_language), value=edit.voice or ""),
        edit.locked,
    ]


def line_edit(opened: Opened, values: Sequence[Any], *, another_take: bool) -> LineEdit:
    """Return what differs from the line as it was made.

    Raises:
        BadInput: if no line is picked.
    """
    line = _picked(opened)
    if line is None:
        raise BadInput("no line is picked", remedy="Click a line first.")
    text, translation, speaker, voice, locked = values
    before = of_line(opened.edits, line.id)
    return LineEdit(
        id=line.id,
        text=text if text != line.text else before.text,
        translation=translation if translation != line.translation else before.translation,
        speaker=speaker or None,
        voice=voice or None,
        locked=bool(locked),
        take=before.take + another_take,
    )


def show_member(opened: Opened, speaker: str, studio: Studio) -> list[Any]:
    """Return updates of `CastPanel.shown` for one speaker."""
    sheet = opened.sheet
    member = next((each for each in sheet.cast if each.speaker == speaker), None) if sheet else None
    if sheet is None or member is None:
        return [gr.skip()] * 6
    edit = of_speaker(opened.edits, speaker)
    others = [(each.name, each.speaker) for each in sheet.cast if each.speaker != speaker]
    return [
        _listenable(studio, opened, member.reference),
        edit.name or member.name,
        gr.update(choices=voice_choices(sheet.target_language), value=edit.voice or ""),
        gr.update(choices=[("Nobody else", ""), *others], value=edit.merge_into or ""),
        (opened.edits.main_speaker or "") == speaker or member.is_main,
        None,
    ]


def _listenable(studio: Studio, opened: Opened, sound: Artefact | None) -> str | None:
    if sound is None or not studio.store.has(sound):
        return None
    folder = studio.settings.exports / opened.job / "previews"
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / f"voice-{sound.sha256[:16]}.flac"
    if not link.exists():
        link.hardlink_to(studio.store.path(sound))
    return str(link)


def editor(page: Page, view: JobView) -> None:
    """Draw the table, the picked line and the cast, and wire them to the job that `view` shows."""
    opened = gr.State(Opened())
    with gr.Column(visible=False, elem_id="dub-editor") as whole:
        with gr.Row(equal_height=False):
            with gr.Column(scale=6, min_width=300):
                gr.HTML("<h3>Lines</h3>", elem_classes="form-heading")
                table = line_table()
            with gr.Column(scale=5, min_width=280):
                line = line_panel()
        cast = cast_panel()
        make_it = gr.Button("Make the changes", variant="primary", elem_id="dub-make")
    studio = page.studio
    follow_job(page, view, opened, [opened, whole, table, cast.speaker])
    wire_line(studio, opened, table, line)
    wire_cast(studio, opened, table, cast)

    @border
    def go(now: Opened, request: gr.Request) -> tuple[str, Opened]:
        return make(studio, now, owner_of(request)), replace(now, changed=False, seq=-1)

    make_it.click(go, opened, [view.opened, opened], **QUIET)


def follow_job(page: Page, view: JobView, opened: gr.State, outputs: list[Any]) -> None:
    """Open the lines of the job that is shown, when it has some; changes not made yet are kept."""

    @border
    def look(id_: str, now: Opened, request: gr.Request) -> list[Any]:
        owner = owner_of(request)
        job = find(page.studio, id_, owner)
        if job is None or (now.job, now.seq) == (job.id, job.seq):
            return (
                [gr.skip()] * 4
                if job
                else [Opened(), gr.update(visible=False), gr.skip(), gr.skip()]
            )
        if job.state not in {"done", "waiting"}:
            return [gr.skip()] * 4
        found = sheet_of(page.studio, job, owner)
        if found is None:
            return [Opened(job.id, job.seq), gr.update(visible=False), gr.skip(), gr.skip()]
        sheet, edits = found
        kept = now.line if any(each.id == now.line for each in sheet.lines) else ""
        new = Opened(job.id, job.seq, sheet, edits, kept)
        people = [(f"{each.name} · {each.speaking_s:.0f} s", each.speaker) for each in sheet.cast]
        return [new, gr.update(visible=True), shown(rows_of(new)), gr.update(choices=people)]

    page.timer.tick(look, [view.opened, opened], outputs, **QUIET)


def wire_line(studio: Studio, opened: gr.State, table: gr.HTML, line: LinePanel) -> None:
    """Wire the table and the picked line."""

    @border
    def pick(now: Opened, event: gr.EventData) -> list[Any]:
        new = replace(now, line=str(event.id))
        return [new, shown(rows_of(new)), *show_line(new)]

    def changed(another_take: bool) -> Callable[..., list[Any]]:
        @border
        def keep(now: Opened, *values: Any) -> list[Any]:
            new = with_line(now, line_edit(now, values, another_take=another_take))
            return [new, shown(rows_of(new))]

        return keep

    def player(dub: bool) -> Callable[..., Any]:
        @border
        def play(now: Opened, request: gr.Request) -> Any:
            path = preview(studio, now, owner_of(request), dub=dub)
            return gr.update(value=path, visible=True)

        return play

    table.select(pick, opened, [opened, table, *line.shown], **QUIET)
    line.keep.click(changed(another_take=False), [opened, *line.values], [opened, table], **QUIET)
    line.again.click(changed(another_take=True), [opened, *line.values], [opened, table], **QUIET)
    line.play_original.click(player(dub=False), opened, line.clip, api_visibility="private")
    line.play_dub.click(player(dub=True), opened, line.clip, api_visibility="private")


def wire_cast(studio: Studio, opened: gr.State, table: gr.HTML, cast: CastPanel) -> None:
    """Wire the cast sheet."""

    @border
    def choose(now: Opened, speaker: str) -> list[Any]:
        return show_member(now, speaker, studio)

    @border
    def keep(now: Opened, speaker: str, *values: Any) -> list[Any]:
        if not speaker:
            raise BadInput("no speaker is chosen", remedy="Choose one first.")
        name, voice, merge_into, is_main, recording = values
        edit = CastEdit(
            speaker=speaker,
            name=name or None,
            merge_into=merge_into or None,
            voice=voice or None,
            reference=stored(studio.store, recording) if recording else None,
        )
        new = with_member(now, edit, is_main=bool(is_main))
        return [new, shown(rows_of(new))]

    cast.speaker.input(choose, [opened, cast.speaker], cast.shown, **QUIET)
    cast.keep.click(keep, [opened, cast.speaker, *cast.values], [opened, table], **QUIET)
