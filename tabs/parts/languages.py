"""Languages by name, for drop-downs."""

from collections.abc import Mapping
from functools import cache
from typing import Literal, cast

from babel import Locale

from engines import catalog
from engines.catalog import Entry
from media.languages import language_name
from studio.errors import BadInput

LONGEST_CODE = 3


def language_choices(side: Literal["source", "target"]) -> list[tuple[str, str]]:
    """Return (name, code) of the languages that can be heard, or spoken, on this machine."""
    pairs = {pair for each in _present("Translator") for pair in _asked(each.id)}
    if side == "source":
        heard = {code for each in _present("Transcriber") for code in each.languages}
        read = {source for source, _ in pairs} - heard
        return [
            ("Find out", ""),
            *_named(heard),
            *((f"{name} (from subtitles)", code) for name, code in _named(read)),
        ]
    told = {target for _, target in pairs}
    spoken = {code for voice in catalog.voices().values() for code in voice.languages}
    return [
        *_named(told & spoken),
        *((f"{name} (with your own translation)", code) for name, code in _named(spoken - told)),
    ]


def language_code(said: str) -> str:
    """Return the code of a language that was typed by its English name; a code is left as it is.

    Raises:
        BadInput: if there is no such name.
    """
    typed = said.strip().casefold()
    if len(typed) <= LONGEST_CODE:
        return typed
    names = cast("Mapping[str, str]", Locale("en").languages)
    found = next((code for code, name in names.items() if name.casefold() == typed), "")
    if not found:
        raise BadInput(f"{said.strip()!r} is no language", remedy="Choose one from the list.")
    return found


def _named(codes: set[str]) -> list[tuple[str, str]]:
    return sorted((language_name(code), code) for code in codes)


def _present(role: str) -> list[Entry]:
    return [each for each in catalog.entries(role).values() if not each.missing()]


@cache
def _asked(engine: str) -> frozenset[tuple[str, str]]:
    """Ask a translator once in the life of the studio: it starts a program."""
    return catalog.entry(engine).build().pairs()
