"""The talking head whose sentences are open, and what was changed in them. Nothing is drawn here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from studio.errors import BadInput
from studio.jobs import Job
from studio.studio import Studio
from tabs.parts.line_table import Row, Rows, clock
from workflows.talking_head.request import TalkingHeadRequest, TalkingHeadResult
from workflows.talking_head.sheet import SentenceEdit, Sheet, SheetSentence, of_sentence


@dataclass(frozen=True, slots=True)
class OpenedHead:
    """The film that is shown."""

    job: str = ""
    seq: int = -1
    parent: str = ""
    sheet: Sheet | None = None
    edits: tuple[SentenceEdit, ...] = ()
    number: int = -1  # of the picked sentence

    @property
    def picked(self) -> SheetSentence | None:
        """The picked sentence."""
        sentences = self.sheet.sentences if self.sheet else ()
        return next((each for each in sentences if each.number == self.number), None)

    @property
    def changes(self) -> int:
        """How many sentences were changed and not made yet."""
        made = self.sheet.edits if self.sheet else ()
        numbers = {each.number for each in (*made, *self.edits)}
        return sum(of_sentence(made, each) != of_sentence(self.edits, each) for each in numbers)


def opened_of(studio: Studio, job: Job, owner: str, before: OpenedHead) -> OpenedHead:
    """Open a job's sentences; without any where it has none (yet)."""
    none = OpenedHead(job.id, job.seq)
    if job.workflow != "talking-head" or job.state != "done":
        return none
    result = studio.result(job.id, owner)
    if not isinstance(result, TalkingHeadResult) or result.sentences is None:
        return none
    text = studio.store.path(result.sentences).read_text(encoding="utf-8")
    sheet = Sheet.model_validate_json(text)
    is_child = before.sheet is not None and before.job in {job.parent, job.id}
    return OpenedHead(
        job.id,
        job.seq,
        job.parent,
        sheet,
        before.edits if is_child else sheet.edits,
        before.number if is_child else -1,
    )


def rows_of(opened: OpenedHead) -> Rows:
    """Return the table of sentences; changes that are not made yet show already."""
    sheet = opened.sheet
    if sheet is None:
        return Rows((), "", "")
    return Rows(
        tuple(_row(each, opened, sheet) for each in sheet.sentences),
        sheet.language,
        sheet.language,
    )


def _row(sentence: SheetSentence, opened: OpenedHead, sheet: Sheet) -> Row:
    edit, made = (of_sentence(each, sentence.number) for each in (opened.edits, sheet.edits))
    marks = [
        f"{sentence.end_s - sentence.start_s:.1f} s",
        "another take" if edit.take != made.take else "",
        "changed" if edit != made else "",
    ]
    return Row(
        id=str(sentence.number),
        time=clock(sentence.start_s),
        who="",
        marks=" · ".join(filter(None, marks)),
        text="",
        said=said_of(sentence, edit),
        kind="changed" if edit != made else "",
        picked="true" if sentence.number == opened.number else "false",
    )


def said_of(sentence: SheetSentence, edit: SentenceEdit) -> str:
    """Return the words of a sentence as they will be said."""
    return sentence.written if edit.text is None else edit.text


def with_text(opened: OpenedHead, text: Any, *, another_take: bool = False) -> OpenedHead:
    """Return the film with what stands in the field for the picked sentence.

    Args:
        opened: the film.
        text: the field's words.
        another_take: whether the sentence shall be spoken differently.
    """
    sentence, sheet = opened.picked, opened.sheet
    if sentence is None or sheet is None:
        return opened
    made, now = (of_sentence(each, sentence.number) for each in (sheet.edits, opened.edits))
    take = now.take + another_take
    own = None if text == sentence.written else str(text)
    if (own, take) == (made.text, made.take):
        edit = made
    else:  # what follows keeps its time, if the new take fits
        edit = SentenceEdit(number=sentence.number, text=own, take=take, slot_s=sentence.slot_s)
    return replace(opened, edits=_with(opened.edits, edit))


def _with(edits: Sequence[SentenceEdit], edit: SentenceEdit) -> tuple[SentenceEdit, ...]:
    others = [each for each in edits if each.number != edit.number]
    kept = others if edit == SentenceEdit(number=edit.number) else [*others, edit]
    return tuple(sorted(kept, key=lambda each: each.number))


def make(studio: Studio, opened: OpenedHead, owner: str) -> str:
    """Let the changes be made; return the id of the job that does.

    Raises:
        BadInput: if no film is open, or nothing was changed.
        NotFound: if the job is gone.
    """
    if opened.sheet is None:
        raise BadInput("no film is open", remedy="Make one first.")
    if not opened.changes:
        raise BadInput("nothing was changed", remedy="Pick a sentence and change it first.")
    job = studio.job(opened.job, owner)
    request = TalkingHeadRequest.model_validate_json(job.request)
    again = request.model_copy(update={"edits": opened.edits})
    return studio.submit("talking-head", again, owner=owner, parent=job.id).id
