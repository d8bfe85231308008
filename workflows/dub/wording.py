"""The text of the dub: translated, spoken as people say it, and shorter where time is short."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

from engines.roles import Translation, Translator, Writer
from media.spoken import spoken
from studio.steps import Desk, Run, engine_step
from workflows.dub.budget import estimate_s, letters_in
from workflows.dub.model import Line

T = TypeVar("T")

LINES_A_CALL = 20  # a change in one line translates its neighbours again, not the whole film
BORROWED_S = 0.6  # of the silence behind a line, which it may use
DEAD_AIR = 1.25  # a line that fills less of its time than 1 / this is better said at length


@dataclass(frozen=True, slots=True)
class Passage:
    """Lines that are translated together; those that need no translation are empty."""

    texts: tuple[str, ...]
    letters: tuple[int, ...]  # about as many can be said in each one's time; 0: unknown


@engine_step("Translate", version=2)
def translate(
    translator: Translator,
    desk: Desk,
    passage: Passage,
    source: str,
    target: str,
    *,
    glossary: tuple[tuple[str, str], ...] = (),
) -> tuple[Translation, ...]:
    """Translate some lines together."""
    return translator.translate(
        passage.texts, source, target, desk.progress, glossary=glossary, letters=passage.letters
    )


@engine_step("Find shorter words", version=2)
def shorten(
    writer: Writer, desk: Desk, texts: tuple[str, ...], language: str
) -> tuple[tuple[str, ...], ...]:
    """Return ever shorter versions of each text."""
    shorter: list[tuple[str, ...]] = []
    for index, text in enumerate(texts):
        desk.progress(index, len(texts))
        shorter.append(writer.shorten(text, language))
    return tuple(shorter)


def in_other_words(
    lines: Sequence[Line],
    run: Run,
    source: str,
    target: str,
    glossary: tuple[tuple[str, str], ...] = (),
) -> tuple[Line, ...]:
    """Translate the lines that have no translation yet, and find shorter versions of all."""
    told = list(lines)
    if source != target and any(each.text and not each.translation for each in lines):
        said = run.map(translate, _passages(lines, target), source, target, glossary=glossary)
        new = [each for passage in said for each in passage]
        told = [_told(line, each, target) for line, each in zip(lines, new, strict=True)]
    if "Writer" in run.engines:
        shortest = [(each.translation, *each.shorter)[-1] for each in told]
        found = run.map(shorten, [tuple(chunk) for chunk in _chunks(shortest)], target)
        more = [each for chunk in found for each in chunk]
        told = [
            replace(line, shorter=(*line.shorter, *new))
            for line, new in zip(told, more, strict=True)
        ]
    return tuple(told)


def _passages(lines: Sequence[Line], language: str) -> list[Passage]:
    ends_s = [
        min(line.end_s + BORROWED_S, max(line.end_s, after.start_s))
        for line, after in pairwise(lines)
    ]
    ends_s += [line.end_s for line in lines[-1:]]
    asked = [
        ("", 0)
        if line.translation
        else (line.text, letters_in(end_s - line.start_s, language) if line.text else 0)
        for line, end_s in zip(lines, ends_s, strict=True)
    ]
    return [Passage(tuple(t for t, _ in c), tuple(n for _, n in c)) for c in _chunks(asked)]


def _told(line: Line, new: Translation, language: str) -> Line:
    """Return a line with its translation: a longer one where the usual would leave dead air."""
    if line.translation:
        return line
    texts, usual = (*reversed(new.longer), new.text, *new.shorter), len(new.longer)
    room_s = line.end_s - line.start_s
    if estimate_s(spoken(new.text, language), language) * DEAD_AIR < room_s:
        fits = (estimate_s(spoken(each, language), language) <= room_s for each in texts)
        usual = min(usual, next((i for i, each in enumerate(fits) if each), usual))
    return replace(line, translation=texts[usual], shorter=texts[usual + 1 :])


def _chunks(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[i : i + LINES_A_CALL] for i in range(0, len(items), LINES_A_CALL)]
