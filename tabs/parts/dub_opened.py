"""The dub that is open in the editor, and what was changed in it and not made yet. Nothing is drawn here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from studio.errors import BadInput
from studio.jobs import Job
from studio.studio import Studio
from tabs.parts.line_table import Row, Rows, clock
from workflows.dub.edits import of_line, of_speaker
from workflows.dub.flow import Review
from workflows.dub.model import CastEdit, Edits, LineEdit
from workflows.dub.request import DubRequest, DubResult
from workflows.dub.sheet import Sheet, SheetLine, SheetMember

FLAGS: Mapping[str, str] = {
    "too long": "does not fit: shorten the translation",
    "not translated": "not translated: write the translation",
    "not spoken": "not spoken: write the translation",
}


@dataclass(frozen=True, slots=True)
class Opened:
    """The dub that is shown."""

    job: str = ""
    seq: int = -1
    is_waiting: bool = False  # for a look before it is spoken
    parent: str = ""
    sheet: Sheet | None = None
    made: Edits = Edits()  # noqa: RUF009 - frozen
    edits: Edits = Edits()  # noqa: RUF009 - frozen
    line: str = ""  # id of the picked one
    speaker: str = ""  # the picked one

    @property
    def picked(self) -> SheetLine | None:
        """The picked line."""
        lines = self.sheet.lines if self.sheet else ()
        return next((each for each in lines if each.id == self.line), None)

    @property
    def member(self) -> SheetMember | None:
        """The picked speaker."""
        cast = self.sheet.cast if self.sheet else ()
        return next((each for each in cast if each.speaker == self.speaker), None)

    @property
    def changes(self) -> int:
        """How many lines and speakers were changed and not made yet."""
        lines = {each.id for each in (*self.made.lines, *self.edits.lines)}
        cast = {each.speaker for each in (*self.made.cast, *self.edits.cast)}
        count = sum(of_line(self.made, id_) != of_line(self.edits, id_) for id_ in lines)
        count += sum(of_speaker(self.made, id_) != of_speaker(self.edits, id_) for id_ in cast)
        return count + (self.made.main_speaker != self.edits.main_speaker)


def opened_of(studio: Studio, job: Job, owner: str, before: Opened) -> Opened:
    """Open a job's lines; without any where it has none (yet).

    Changes made while a child of the open job was at work stay, as changes of the child.
    """
    none = Opened(job.id, job.seq)
    if job.workflow != "dub":
        return none
    if job.state == "waiting":
        review = Review.model_validate_json(job.review_value)
        sheet, made = review.sheet, review.edits
    elif job.state == "done":
        result = studio.result(job.id, owner)
        if not isinstance(result, DubResult):
            return none
        text = studio.store.path(result.transcript).read_text(encoding="utf-8")
        sheet = Sheet.model_validate_json(text)
        made = sheet.edits
    else:
        return none
    is_child = bool(before.sheet) and before.job in {job.parent, job.id}
    main = next((each.speaker for each in sheet.cast if each.is_main), "")
    return Opened(
        job.id,
        job.seq,
        job.state == "waiting",
        job.parent,
        sheet,
        made,
        before.edits if is_child else made,
        before.line if is_child and any(each.id == before.line for each in sheet.lines) else "",
        before.speaker if is_child else main,
    )


def rows_of(opened: Opened) -> Rows:
    """Return the line table; changes that are not made yet show already."""
    sheet = opened.sheet
    if sheet is None:
        return Rows((), "", "")
    names = {
        each.speaker: of_speaker(opened.edits, each.speaker).name or each.name
        for each in sheet.cast
    }
    rows = tuple(_row(each, names, opened) for each in sheet.lines)
    return Rows(rows, sheet.source_language, sheet.target_language)


def _row(line: SheetLine, names: dict[str, str], opened: Opened) -> Row:
    edit, made = of_line(opened.edits, line.id), of_line(opened.made, line.id)
    is_changed = edit != made
    flag = "" if opened.is_waiting else line.flag
    marks = [
        f"×{line.speed:.2f}" if abs(line.speed - 1) >= 0.02 else "",
        f"⚑ {flag}" if flag else "",
        "locked" if edit.locked else "",
        "new take" if edit.take != made.take else "",
        "changed" if is_changed else "",
    ]
    speaker = edit.speaker or line.speaker
    translation = line.translation
    if is_changed and edit.text != made.text and edit.translation is None:
        translation = "(will be translated anew)"
    return Row(
        id=line.id,
        time=f"{clock(line.dub_start_s)} – {clock(line.dub_end_s)}",
        who=names.get(speaker, speaker),
        marks=" · ".join(filter(None, marks)),
        text=line.text if edit.text is None else edit.text,
        said=translation if edit.translation is None else edit.translation,
        kind=" ".join(filter(None, ("flagged" if flag else "", "changed" if is_changed else ""))),
        picked="true" if line.id == opened.line else "false",
    )


def with_line(opened: Opened, values: Sequence[Any], *, another_take: bool = False) -> Opened:
    """Return the dub with what the line panel's fields hold for the picked line.

    Args:
        opened: the dub.
        values: text, translation, speaker, voice, locked.
        another_take: whether the line shall be spoken differently.
    """
    line = opened.picked
    if line is None:
        return opened
    text, translation, speaker, voice, locked = values
    made, now = of_line(opened.made, line.id), of_line(opened.edits, line.id)
    edit = LineEdit(
        id=line.id,
        text=made.text if text == line.text else str(text),
        translation=made.translation if translation == line.translation else str(translation),
        speaker=made.speaker if speaker in {line.speaker, None} else str(speaker),
        voice=voice or None,
        locked=bool(locked),
        take=now.take + another_take,
    )
    others = [each for each in opened.edits.lines if each.id != line.id]
    lines = others if edit == LineEdit(id=line.id) else [*others, edit]
    new = opened.edits.model_copy(update={"lines": tuple(sorted(lines, key=lambda each: each.id))})
    return replace(opened, edits=new)


def without_line(opened: Opened) -> Opened:
    """Return the dub with the picked line as it was made last."""
    others = [each for each in opened.edits.lines if each.id != opened.line]
    made = [each for each in opened.made.lines if each.id == opened.line]
    lines = tuple(sorted([*others, *made], key=lambda each: each.id))
    return replace(opened, edits=opened.edits.model_copy(update={"lines": lines}))


def without_recording(opened: Opened) -> Opened:
    """Return the dub in which the picked speaker takes on no recording."""
    edit = of_speaker(opened.edits, opened.speaker).model_copy(update={"reference": None})
    return with_member(opened, edit, is_main=is_main(opened, opened.speaker))


def with_member(opened: Opened, edit: CastEdit, *, is_main: bool) -> Opened:
    """Return the dub with one speaker as `edit` says."""
    others = [each for each in opened.edits.cast if each.speaker != edit.speaker]
    cast = others if edit == CastEdit(speaker=edit.speaker) else [*others, edit]
    main = opened.edits.main_speaker
    if is_main:
        found = next(
            (m.speaker for m in (opened.sheet.cast if opened.sheet else ()) if m.is_main), ""
        )
        main = opened.made.main_speaker if edit.speaker == found else edit.speaker
    elif main == edit.speaker:
        main = None
    ordered = tuple(sorted(cast, key=lambda each: each.speaker))
    return replace(
        opened, edits=opened.edits.model_copy(update={"cast": ordered, "main_speaker": main})
    )


def is_main(opened: Opened, speaker: str) -> bool:
    """Tell whether that speaker is the main one, by the user's word or by talking most."""
    if opened.edits.main_speaker:
        return opened.edits.main_speaker == speaker
    cast = opened.sheet.cast if opened.sheet else ()
    return any(each.is_main and each.speaker == speaker for each in cast)


def make(studio: Studio, opened: Opened, owner: str) -> str:
    """Let the changes be made, or the waiting job go on; return the id of the job that does.

    Raises:
        BadInput: if no dub is open, or nothing was changed.
        NotFound: if the job is gone.
    """
    if opened.sheet is None:
        raise BadInput("no dub is open", remedy="Make one first.")
    job = studio.job(opened.job, owner)
    if job.state == "waiting":
        answer = Review(sheet=opened.sheet, edits=opened.edits)
        return studio.answer(job.id, owner, answer.model_dump_json()).id
    if not opened.changes:
        raise BadInput("nothing was changed", remedy="Pick a line and change it first.")
    request = DubRequest.model_validate_json(job.request)
    again = request.model_copy(update={"edits": opened.edits, "review": False})
    return studio.submit("dub", again, owner=owner, parent=job.id).id
