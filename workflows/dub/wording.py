"""The text of the dub: translated, spoken as people say it, and shorter where time is short."""

from collections.abc import Sequence
from dataclasses import replace

from engines.roles import Translator, Writer
from studio.steps import Desk, Run, engine_step
from workflows.dub.model import Line

LINES_A_CALL = 20  # a change in one line translates its neighbours again, not the whole film


@engine_step("Translate")
def translate(
    translator: Translator, desk: Desk, texts: tuple[str, ...], source: str, target: str
) -> tuple[str, ...]:
    """Translate some lines together."""
    return translator.translate(texts, source, target, desk.progress)


@engine_step("Find shorter words")
def shorten(
    writer: Writer, desk: Desk, texts: tuple[str, ...], language: str
) -> tuple[tuple[str, ...], ...]:
    """Return ever shorter versions of each text."""
    shorter: list[tuple[str, ...]] = []
    for index, text in enumerate(texts):
        desk.progress(index, len(texts))
        shorter.append(writer.shorten(text, language))
    return tuple(shorter)


def in_other_words(lines: Sequence[Line], run: Run, source: str, target: str) -> tuple[Line, ...]:
    """Translate the lines that have no translation yet, and find shorter versions of all."""
    chunks = [tuple(lines[i : i + LINES_A_CALL]) for i in range(0, len(lines), LINES_A_CALL)]
    if source != target:
        asked = [tuple("" if each.translation else each.text for each in c) for c in chunks]
        if any(any(texts) for texts in asked):
            said = run.map(translate, asked, source, target)
            chunks = [
                tuple(
                    replace(each, translation=each.translation or new)
                    for each, new in zip(chunk, texts, strict=True)
                )
                for chunk, texts in zip(chunks, said, strict=True)
            ]
    if "Writer" in run.engines:
        texts = [tuple(each.translation for each in chunk) for chunk in chunks]
        found = run.map(shorten, texts, target)
        chunks = [
            tuple(replace(each, shorter=s) for each, s in zip(chunk, shorter, strict=True))
            for chunk, shorter in zip(chunks, found, strict=True)
        ]
    return tuple(line for chunk in chunks for line in chunk)
