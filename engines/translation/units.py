"""Lines taken apart into what a rule-based translator gets right, and put together again.

A line is a sequence of units: a sentence without its punctuation, which is set back afterwards.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

_SENTENCE_END = re.compile(r"(?<=[.!?…;:])[\"”»')\]]*\s+|\s+[–—]\s+")
_UNIT = re.compile(r"^(?P<lead>[^\w\d]*)(?P<core>.*?)(?P<tail>[^\w\d%€$£°+]*)$", re.DOTALL)
_NUMBER = re.compile(r"\d+")
_OPENED = frozenset({"es", "ast"})
# Recognised speech has no question marks: "what are you doing", "can I come".
_QUESTION = re.compile(
    r"(?:(?:and|but|so)\s+)?(?:(?:what|where|when|why|how|who)\s+(?:do|does|did|is|are|was|were|can|could|will|would|should"
    r"|have|has)\s+(?:i|you|he|she|it|we|they|the|my|your|his|her|this|that|there)\b"
    r"|(?:do|does|did|are|is|can|could|will|would|should|have|has)\s+(?:i|you|he|she|it|we|they)\b)",
    re.IGNORECASE,
)
_ABBREVIATIONS = frozenset({"mr", "mrs", "ms", "dr", "st", "vs", "etc", "sr", "sra", "prof", "no"})


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence or clause: what stands before it, its words, its punctuation, the gap after."""

    lead: str
    core: str
    tail: str
    gap: str = ""
    aside: bool = False  # an interjection or a name set off by a comma

    def asked(self) -> "Unit":
        """Return the unit with a question mark if it is an English question without one."""
        if self.tail in {"", "."} and _QUESTION.match(self.core):
            return replace(self, tail="?")
        return self

    @property
    def end(self) -> str:
        """The mark that tells the translator what it is: question, call or statement."""
        return "?" if "?" in self.tail else "!" if "!" in self.tail else "."


def split(text: str, known: Callable[[str], str]) -> list[Unit]:
    """Return the units of a line: its sentences, and clauses that `known` has a translation for."""
    units: list[Unit] = []
    start = 0
    for found in _SENTENCE_END.finditer(text):
        if not _is_abbreviation(text[start : found.start()]):
            units += _clauses(text[start : found.start()], found[0], known)
            start = found.end()
    return units + _clauses(text[start:], "", known)


def join(units: list[Unit], language: str) -> str:
    """Return the line that translated units make, with the marks that `language` asks for."""
    parts: list[str] = []
    for place, unit in enumerate(units):
        mark = _opening(units, place) if language in _OPENED else ""
        parts.append(unit.lead + mark + unit.core + unit.tail + unit.gap)
    return " ".join("".join(parts).split())


def recased(core: str, source: str) -> str:
    """Return a translated `core` in the casing of its `source`.

    The first letter follows the source; inside, a capital stays only where the source has one too.
    """
    if not core:
        return core
    proper = {w[:3].casefold() for w in source.split()[1:] if w[:1].isupper() and w not in {"I"}}
    proper |= {w[:3].casefold() for w in source.split()[:1] if w[1:2].isupper()}
    head, *rest = core.split(" ")
    if len(head) > 1 and head.isupper() and head not in source:
        head = head.capitalize()
    text = " ".join([head, *(_lowered(word, source, proper) for word in rest)])
    first = next((c for c in source if c.isalpha()), "")
    return _with_first(text, upper=first.isupper())


def is_shouted(text: str) -> bool:
    """Tell whether all of `text` is in capitals."""
    letters = [c for c in text if c.isalpha()]
    return len(letters) > 3 and all(c.isupper() for c in letters)


def sentence_cased(text: str) -> str:
    """Return `text` in lower case with a capital first if it was all capitals; else unchanged."""
    return text.capitalize() if is_shouted(text) else text


def numbers(text: str) -> list[str]:
    """Return the numbers of `text`, sorted: what a translation must keep."""
    return sorted(_NUMBER.findall(text))


def _clauses(sentence: str, gap: str, known: Callable[[str], str]) -> list[Unit]:
    """Return a sentence in one unit, or in two where a well-known clause begins or ends it."""
    first, comma, rest = sentence.partition(", ")
    if comma and known(_unit(first, "").core):
        return [_aside(first + ",", " "), *_clauses(rest, gap, known)]
    rest, comma, last = sentence.rpartition(", ")
    if comma and known(_unit(last, "").core):
        return [*_clauses(rest + ",", " ", known), _aside(last, gap)]
    return [_unit(sentence, gap)]


def _aside(text: str, gap: str) -> Unit:
    unit = _unit(text, gap)
    return replace(unit, aside=_QUESTION.match(unit.core) is None)


def _unit(text: str, gap: str) -> Unit:
    found = _UNIT.match(text)
    if found is None or not found["core"]:
        return Unit(text, "", "", gap)
    return Unit(
        found["lead"].replace("¿", "").replace("¡", ""),
        found["core"],
        found["tail"].replace(" ", ""),
        gap,
    )


def _is_abbreviation(text: str) -> bool:
    last = text.rsplit(" ", 1)[-1]
    return last.endswith(".") and (
        last[:-1].casefold() in _ABBREVIATIONS or (len(last) == 2 and last[0].isupper())
    )


def _opening(units: list[Unit], place: int) -> str:
    """Return ¿ or ¡: a call opens with its sentence, a question after the asides before it."""
    first = last = place
    while first and units[first - 1].tail == ",":
        first -= 1
    while units[last].tail == "," and last + 1 < len(units):
        last += 1
    sentence = units[first : last + 1]
    if "?" in units[last].tail:
        asks = next((i for i, unit in enumerate(sentence) if not unit.aside), len(sentence) - 1)
        return "¿" if place == first + asks and units[place].core else ""
    return "¡" if "!" in units[last].tail and place == first and units[place].core else ""


def _lowered(word: str, source: str, proper: set[str]) -> str:
    """Return a word in lower case, unless it is a name or an abbreviation of the source."""
    if not word[:1].isupper():
        return word
    if len(word) > 1 and word.isupper():
        return word if word in source else word.lower()
    return word if len(proper) > 1 or word[:3].casefold() in proper else word[0].lower() + word[1:]


def _with_first(text: str, *, upper: bool) -> str:
    for i, c in enumerate(text):
        if c.isalpha():
            return text[:i] + (c.upper() if upper else c.lower()) + text[i + 1 :]
    return text
