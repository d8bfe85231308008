"""What a creator should know of a dub: plain sentences, each with what to do."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import mean

from engines.roles import OWN
from media.facts import lost_numbers, lost_terms
from workflows.dub import measures
from workflows.dub.model import Flag, Line, Member, Take
from workflows.dub.sheet import Sheet, SheetLine

UNSURE = 0.75  # mean confidence of all words
UNSURE_LINE = 0.5
MOST_NAMED = 12
REMEDIES: dict[Flag, tuple[str, str]] = {
    "too long": (
        "does not fit its time",
        "Write it shorter in the line table, or turn on narration if nobody is seen speaking.",
    ),
    "not translated": ("has no translation", "Write one in the line table."),
    "not spoken": (
        "is not spoken, because there is nothing to say",
        "Write a translation in the line table if something is missing.",
    ),
}


def cautions(
    sheet: Sheet,
    *,
    heard: Sequence[Line],
    engines: Mapping[str, str],
    members: Sequence[Member] = (),
    noted: Sequence[str],
    violations: Sequence[str],
    glossary: Sequence[tuple[str, str]] = (),
) -> tuple[str, ...]:
    """Return what to know, one sentence or two each, the same never twice.

    Args:
        sheet: of the finished dub.
        heard: the lines as recognised, before anyone changed them.
        engines: role -> engine id.
        members: the cast, for whose voice is whose.
        noted: what the source and the mix told.
        violations: rules that the subtitles break.
        glossary: what terms shall be called.
    """
    found = [
        *noted,
        *_about_voices(sheet, engines),
        *_about_clones(members),
        *_about_hearing(sheet, heard),
        *_about_lines(sheet),
        *_about_terms(sheet, glossary),
        *(_about_numbers(sheet) if "Translator" in engines else ()),
        *_about_subtitles(violations),
    ]
    return tuple(dict.fromkeys(found))


def _about_voices(sheet: Sheet, engines: Mapping[str, str]) -> Iterator[str]:
    turned = [each for each in sheet.cast if each.converted and each.voice != OWN]
    if turned and "VoiceConverter" in engines:
        yield (
            "The voices are approximations: for each speaker the nearest built-in voice, turned "
            "toward the original in pitch and timbre. They resemble it, they are no copies."
        )
    elif turned:
        yield (
            "The voices are built-in ones, the nearest to each speaker: no engine that turns them "
            "toward the original is here."
        )
    short = [
        each
        for each in sheet.cast
        if each.reference is None and not each.converted and each.voice != OWN
    ]
    if len(short) == 1:
        yield (
            f"{short[0].name} speaks too little ({short[0].speaking_s:.1f} s) to be resembled, and has "
            "a built-in voice. Give a recording in the cast sheet if you have one."
        )
    elif short:
        yield (
            f"{_named([each.name for each in short])} speak too little to be resembled, and have "
            "built-in voices. Give recordings in the cast sheet if you have some."
        )
    if len(sheet.cast) == 1 and "Diarizer" not in engines:
        yield (
            "All lines are one speaker's, because nothing told voices apart. Set the speakers in "
            "the line table if there are more."
        )


def _about_clones(members: Sequence[Member]) -> Iterator[str]:
    cloned = [each for each in members if each.voice == OWN]
    if any(each.convert_to is not None for each in cloned):
        yield (
            "The voices are copies of real ones. Publish them only with the consent of the people "
            "whose they are, and say that they are made by a machine."
        )
    for each in cloned:
        if each.lent_by:
            yield (
                f"{each.name} speaks too little ({each.speaking_s:.1f} s) to be copied, and has the "
                f"voice of {each.lent_by}. Give a recording in the cast sheet if you have one."
            )
        elif each.convert_to is None:
            yield (
                f"{each.name} has a voice of the engine's choosing, because there is no recording "
                "to copy. Give one in the cast sheet, or let voices be cloned."
            )


def about_takes(takes: Sequence[Take]) -> Iterator[str]:
    """Yield what to know of lines that were spoken more than once, or are still not right."""
    again = [each.line for each in takes if each.tries > 1 and not each.faults]
    if again:
        yield (
            f"{len(again)} {'line was' if len(again) == 1 else 'lines were'} spoken again, because "
            f"the first take was bad: {_named(again)}. Listen to them."
        )
    for each in takes:
        if each.tries > 1 and each.faults:
            yield (
                f"Line {each.line} was spoken {each.tries} times and is still "
                f"{' and '.join(each.faults)}; the best take is kept. Ask for another take, or "
                "word it differently."
            )


def _about_hearing(sheet: Sheet, heard: Sequence[Line]) -> Iterator[str]:
    kept = {each.id: each.text for each in sheet.lines}
    own = [each for each in heard if each.words and kept.get(each.id) == each.text]
    sure = [word.confidence for line in own for word in line.words]
    if sure and mean(sure) < UNSURE:
        doubtful = [
            line.id for line in own if mean(word.confidence for word in line.words) < UNSURE_LINE
        ]
        where = f", most of all in {_named(doubtful)}" if doubtful else ""
        yield (
            f"The recogniser was often unsure what is said{where}. Read the source texts in the "
            "line table, or give subtitles."
        )
    odd = [each.id for each in measures.odd_texts(sheet.lines)]
    if odd:
        yield (
            f"Nobody can have said the source text of {_named(odd)}: words repeat, or there are too "
            "many for the time. Correct it in the line table."
        )


def _about_lines(sheet: Sheet) -> Iterator[str]:
    for flag, (what, remedy) in REMEDIES.items():
        flagged = [each for each in sheet.lines if each.flag == flag]
        if len(flagged) == 1:
            yield f"Line {_where(flagged[0])} {what}. {remedy}"
        elif flagged:
            each_one = what.replace("does not fit", "do not fit").replace("has ", "have ")
            each_one = each_one.replace("is not spoken", "are not spoken").replace("its", "their")
            names = [_where(line) for line in flagged]
            yield f"{len(flagged)} lines {each_one}: {_named(names)}. {remedy}"


def _about_terms(sheet: Sheet, glossary: Sequence[tuple[str, str]]) -> Iterator[str]:
    missed: dict[tuple[str, str], list[str]] = {}
    for line in sheet.lines:
        for pair in lost_terms(line.text, line.translation, glossary) if line.translation else ():
            missed.setdefault(pair, []).append(_where(line))
    for (term, wanted), places in missed.items():
        yield (
            f"The glossary wants {wanted!r} for {term!r}, which is not so in {_named(places)}. "
            "Correct it in the line table."
        )


def _about_numbers(sheet: Sheet) -> Iterator[str]:
    language = sheet.target_language
    lost = [
        _where(line)
        for line in sheet.lines
        if line.translation and lost_numbers(line.text, line.translation, language)
    ]
    if lost:
        yield (
            f"A number of the source is not in the translation of {_named(lost)}. Compare them in "
            "the line table."
        )


def _about_subtitles(violations: Sequence[str]) -> Iterator[str]:
    if violations:
        first = violations[0].rstrip(".")
        yield (
            f"The translated subtitles break {len(violations)} reading rules, the first: {first}. "
            "Shorter translations are read more easily."
            if len(violations) > 1
            else f"The translated subtitles break a reading rule: {first}."
        )


def _where(line: SheetLine) -> str:
    minutes, seconds = divmod(int(line.start_s), 60)
    return f"{line.id} (at {minutes}:{seconds:02d})"


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    rest = len(names) - MOST_NAMED
    return f"{shown} and {rest} more" if rest > 0 else shown
