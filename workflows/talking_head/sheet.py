"""The sentences of a finished film, as the table shows them, and what a person changed in them."""

from collections.abc import Sequence
from dataclasses import replace

from studio.artefacts import Artefact
from studio.errors import BadInput
from studio.request import Record
from studio.steps import Desk, step
from workflows.talking_head.script import Sentence

LEAST_PAUSE_S, MOST_PAUSE_S = 0.1, 1.0  # that a new take may leave, to keep its old place


class SentenceEdit(Record):
    """What was changed in one sentence of the script."""

    number: int
    """Of the sentence, from 0"""
    text: str | None = None
    """Its new words; None: as in the script"""
    take: int = 0
    """How often it was asked to be spoken differently"""
    slot_s: float = 0.0
    """Seconds from its beginning to the next one's, to be kept if the new take fits; 0: any"""


class SheetSentence(Record):
    """One sentence as it is in the film."""

    number: int
    text: str
    written: str
    """As it stands in the script"""
    start_s: float
    end_s: float
    slot_s: float
    take: int


class Sheet(Record):
    """All sentences of a film."""

    language: str
    sentences: tuple[SheetSentence, ...]
    edits: tuple[SentenceEdit, ...] = ()
    """What was changed so far, against the script"""


@step("Write the table of sentences")
def write_sheet(desk: Desk, sheet: Sheet) -> Artefact:
    """Write the sentences as JSON."""
    path = desk.scratch / "sentences.json"
    path.write_text(sheet.model_dump_json(indent=1), encoding="utf-8")
    return desk.keep(path, "application/json", "sentences.json")


def of_sentence(edits: Sequence[SentenceEdit], number: int) -> SentenceEdit:
    """Return the edit of that sentence; an empty one where nothing was changed."""
    return next((each for each in edits if each.number == number), SentenceEdit(number=number))


def edited(
    sentences: Sequence[Sentence], edits: Sequence[SentenceEdit]
) -> tuple[tuple[Sentence, SentenceEdit], ...]:
    """Return each sentence as it shall be said, with its edit.

    Raises:
        BadInput: if nothing is left of one.
    """
    found: list[tuple[Sentence, SentenceEdit]] = []
    for number, sentence in enumerate(sentences):
        edit = of_sentence(edits, number)
        text = sentence.text if edit.text is None else " ".join(edit.text.split())
        if not any(each.isalnum() for each in text):
            raise BadInput(
                f"sentence {number + 1} has no words left",
                remedy="Write some, or take it out of the script.",
            )
        found.append((replace(sentence, text=text), edit))
    return tuple(found)


def pause_after(sentence: Sentence, edit: SentenceEdit, duration_s: float) -> float:
    """Return how long the silence after a sentence is: all that follows keeps its time, if it can."""
    left_s = edit.slot_s - duration_s
    return (
        left_s if LEAST_PAUSE_S <= left_s <= MOST_PAUSE_S + sentence.pause_s else sentence.pause_s
    )
