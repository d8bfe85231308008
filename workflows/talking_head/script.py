"""A script: sentences to be spoken one by one, and the pauses between them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from media.spoken import spoken
from studio.errors import BadInput
from workflows.dub.budget import estimate_s

LEAD_S, TAIL_S = 0.3, 0.5  # of silence, so that the face is seen before it speaks
SENTENCE_S, PARAGRAPH_S = 0.25, 0.6  # what a reader rests by themselves
LONGEST_PAUSE_S = 30.0
MOST_CHARS = 300  # of a sentence that is spoken in one go
_MARK = re.compile(r"\[([^\[\]\n]*)\]")
_PAUSE = re.compile(r"pause\s*[: ]?\s*(\d+(?:[.,]\d+)?)\s*s?", re.IGNORECASE)
_END = re.compile(r"(?<=[.!?…。！？])[\"'”’»)]*\s+")
_CLAUSE = re.compile(r"(?<=[,;:–—])\s+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is spoken in one go, and how long the silence after it is."""

    text: str
    pause_s: float


def read_script(script: str) -> tuple[Sentence, ...]:
    """Return the sentences of a script.

    Raises:
        BadInput: if a mark in square brackets is not a pause, or nothing is left to say.
    """
    found: list[Sentence] = []
    for number, line in enumerate(script.splitlines(), start=1):
        for part in _parts(line, number):
            if isinstance(part, str):
                found += [Sentence(each, SENTENCE_S) for each in _sentences(part)]
            elif found:
                found[-1] = Sentence(found[-1].text, part)
        if found and found[-1].pause_s == SENTENCE_S and line.strip():
            found[-1] = Sentence(found[-1].text, PARAGRAPH_S)
    if not found:
        raise BadInput("there is nothing to say in the script", remedy="Write a sentence.")
    return tuple(found)


def estimated_s(sentences: Sequence[Sentence], language: str, rate: float) -> float:
    """Return about how long a film of these sentences lasts, before anything is spoken.

    Args:
        sentences: of `read_script`.
        language: ISO 639-1.
        rate: of the voice; 1 is its own.
    """
    spoken_s = sum(estimate_s(spoken(each.text, language), language) for each in sentences)
    rests_s = sum(each.pause_s for each in sentences[:-1])
    return LEAD_S + spoken_s / rate + rests_s + TAIL_S


def _parts(line: str, number: int) -> Iterator[str | float]:
    """Yield the texts of a line and the pauses between them, in seconds."""
    done = 0
    for mark in _MARK.finditer(line):
        yield line[done : mark.start()]
        pause = _PAUSE.fullmatch(mark[1].strip())
        seconds = float(pause[1].replace(",", ".")) if pause else -1.0
        if not 0 <= seconds <= LONGEST_PAUSE_S:
            raise BadInput(
                f"line {number}, column {mark.start() + 1}: {mark[0]} is not known",
                remedy=f"Write [PAUSE 0.8] for a pause, up to {LONGEST_PAUSE_S:.0f} seconds.",
            )
        yield seconds
        done = mark.end()
    yield line[done:]


def _sentences(text: str) -> Iterator[str]:
    for sentence in _END.split(" ".join(text.split())):
        piece = ""
        for clause in _short(sentence):
            if piece and len(piece) + len(clause) >= MOST_CHARS:
                yield piece
                piece = ""
            piece = f"{piece} {clause}".strip()
        if any(c.isalnum() for c in piece):
            yield piece


def _short(sentence: str) -> Iterator[str]:
    """Yield the clauses of a sentence; one that is too long word by word."""
    for clause in _CLAUSE.split(sentence):
        yield from [clause] if len(clause) < MOST_CHARS else clause.split()
