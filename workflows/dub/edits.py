"""What a person changed, laid over what the machine made. Pure functions."""

from collections.abc import Sequence
from dataclasses import replace

from workflows.dub.model import CastEdit, Edits, Line, LineEdit


def of_line(edits: Edits, line: str) -> LineEdit:
    """Return the edit of that line; an empty one where nothing was changed."""
    return next((each for each in edits.lines if each.id == line), LineEdit(id=line))


def of_speaker(edits: Edits, speaker: str) -> CastEdit:
    """Return the edit of that speaker; an empty one where nothing was changed."""
    return next((each for each in edits.cast if each.speaker == speaker), CastEdit(speaker=speaker))


def heard(lines: Sequence[Line], edits: Edits) -> tuple[Line, ...]:
    """Apply what was changed of the source: texts, speakers, merged speakers."""
    return tuple(_heard(line, edits) for line in lines)


def translated(lines: Sequence[Line], edits: Edits) -> tuple[Line, ...]:
    """Apply what was changed of the translation; a text of the user's is never shortened."""
    return tuple(_translated(line, of_line(edits, line.id)) for line in lines)


def merge(old: Edits, new: Edits) -> Edits:
    """Return `old` with `new` over it, line by line and speaker by speaker."""
    lines = {each.id: each for each in old.lines}
    for each in new.lines:
        kept = lines.get(each.id, LineEdit(id=each.id))
        lines[each.id] = kept.model_copy(update=each.model_dump(exclude_unset=True))
    cast = {each.speaker: each for each in old.cast}
    for member in new.cast:
        known = cast.get(member.speaker, CastEdit(speaker=member.speaker))
        changed = {name: getattr(member, name) for name in member.model_fields_set}
        cast[member.speaker] = known.model_copy(update=changed)
    return Edits(
        lines=tuple(lines[id_] for id_ in sorted(lines)),
        cast=tuple(cast[id_] for id_ in sorted(cast)),
        main_speaker=new.main_speaker or old.main_speaker,
    )


def _heard(line: Line, edits: Edits) -> Line:
    edit = of_line(edits, line.id)
    speaker = edit.speaker or line.speaker
    for _ in edits.cast:  # a merge may lead to one that is merged itself
        speaker = of_speaker(edits, speaker).merge_into or speaker
    if edit.text is None:
        return replace(line, speaker=speaker)
    return replace(line, speaker=speaker, text=edit.text, words=())


def _translated(line: Line, edit: LineEdit) -> Line:
    if edit.translation is not None:
        return replace(line, translation=edit.translation, shorter=())
    return replace(line, shorter=()) if edit.locked else line
