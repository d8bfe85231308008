"""What a description asks for: the words that the painter knows, by the lists of `presets/painting/`."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PRESETS = Path(__file__).parents[2] / "presets" / "painting"
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Wish:
    """A picture, as far as the words of a description tell."""

    place: str = "plain"
    time: str = ""  # "": what suits the place
    weather: str = "clear"
    season: str = ""
    style: str = "photo"
    colours: tuple[str, ...] = ()  # #rrggbb
    extras: frozenset[str] = frozenset()  # "lamps", "plants", "books", …
    is_blurred: bool = False


def read_wish(prompt: str) -> Wish:
    """Return what of `prompt` the painter understands; the first word of each list counts."""
    text = f" {' '.join(_WORD.findall(prompt.lower()))} "
    lists = _lists()
    found = {kind: _first(text, lists[kind]) for kind in ("place", "time", "weather", "season")}
    return Wish(
        place=found["place"] or "plain",
        time=found["time"],
        weather=found["weather"] or "clear",
        season=found["season"],
        style=_first(text, lists["style"]) or "photo",
        colours=tuple(dict.fromkeys(_all(text, lists["colour"]))),
        extras=frozenset(_all(text, lists["extra"])),
        is_blurred=bool(_first(text, lists["focus"])),
    )


def known_words() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Return every list: kind -> what it means -> the words for it."""
    return _lists()


def _first(text: str, words: Mapping[str, tuple[str, ...]]) -> str:
    """Return the meaning of the word that stands first; of two at one place, the longer."""
    places = [
        (text.find(f" {word} "), -len(word), meaning)
        for meaning, known in words.items()
        for word in known
        if f" {word} " in text
    ]
    return min(places)[2] if places else ""


def _all(text: str, words: Mapping[str, tuple[str, ...]]) -> list[str]:
    hits = [
        (text.find(f" {word} "), meaning)
        for meaning, known in words.items()
        for word in known
        if f" {word} " in text
    ]
    return [meaning for _, meaning in sorted(hits)]


@cache
def _lists() -> dict[str, dict[str, tuple[str, ...]]]:
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for path in sorted(PRESETS.glob("*.toml")):
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        for kind, meanings in content.items():
            for meaning, words in meanings.items():
                known = found.setdefault(kind, {})
                known[meaning] = (*known.get(meaning, ()), *words)
    return found
