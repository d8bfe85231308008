"""Shorter ways to say a line, by rules: fillers out, contractions, short synonyms, asides dropped.

The word lists are data: one file a language in `presets/shorten/`.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter

FOLDER = Path(__file__).parents[2] / "presets" / "shorten"
MIN_WORDS = 2  # a line is never made shorter than this
_ASIDE = re.compile(r"\s*\([^()]*\)|\s+[–—]\s[^–—]+\s[–—](?=\s)")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class WordLists:
    """How one language is shortened. Words and phrases in lower case."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    sounds: tuple[str, ...] = ()  # are no words: "um"
    fillers: tuple[str, ...] = ()  # mean nothing between commas: "you know"
    openers: tuple[str, ...] = ()  # mean nothing where a sentence begins: "well,"
    adverbs: tuple[str, ...] = ()  # can be left out: "really"
    shorter: Mapping[str, str] = field(default_factory=dict[str, str])  # synonyms, contractions


class RulesWriter:
    """Knows the languages that have a file; for others only asides in brackets are dropped."""

    def shorten(self, text: str, language: str) -> tuple[str, ...]:
        """Return ever shorter variants. See `engines.roles.Writer`."""
        lists = word_lists(language)
        steps: tuple[Callable[[str], str], ...] = (
            lambda line: _without_fillers(line, lists),
            lambda line: _with_synonyms(line, lists.shorter),
            lambda line: _ASIDE.sub("", line),
            lambda line: _without_words(line, lists.adverbs),
            _without_vocative,
        )
        kept, variants, line = _facts(text, lists), list[str](), text
        for step in steps:
            candidate = _tidy(step(line), text)
            if len(candidate) >= len(line) or len(candidate.split()) < MIN_WORDS:
                continue
            if _facts(candidate, lists) != kept:
                continue
            line = candidate
            variants.append(line)
        return tuple(variants)


@cache
def word_lists(language: str, folder: Path = FOLDER) -> WordLists:
    """Return the lists of a language; empty ones if it has none."""
    path = folder / f"{language}.toml"
    if not path.exists():
        return WordLists()
    return TypeAdapter(WordLists).validate_python(tomllib.loads(path.read_text(encoding="utf-8")))


def _facts(text: str, lists: WordLists) -> tuple[list[str], list[str]]:
    """Return what every variant must keep: numbers and names (capitals inside a sentence)."""
    nouns = {word for phrase in lists.shorter for word in phrase.split() if word[0].isupper()}
    names: list[str] = []
    for sentence in _SENTENCE.split(text):
        words = re.findall(r"[^\W\d_][\w'’-]*", sentence)
        names += [
            w
            for w in words[1:]
            if w[0].isupper() and w not in nouns and w.casefold() not in _NO_NAMES
        ]
    return sorted(_NUMBER.findall(text)), sorted(names)


_NO_NAMES = frozenset({"i", "i'm", "i've", "i'll", "i'd", "i’m", "i’ve", "i’ll", "i’d"})


def _without_fillers(text: str, lists: WordLists) -> str:
    for sound in lists.sounds:
        text = re.sub(rf",?\s*(?<!\w){_literal(sound)}(?!\w),?", "", text, flags=_I)
    for phrase in sorted(lists.openers, key=len, reverse=True) * 2:  # "well, so"
        start = rf"(^|(?<=[.!?…])\s+)([¿¡]?){_literal(phrase)}"
        text = re.sub(start + r"(?:,\s*|\s+)(?=\w)", r"\1\2", text, flags=_I)
    for phrase in sorted(lists.fillers, key=len, reverse=True):
        text = re.sub(rf",\s*{_literal(phrase)}\s*(?=[,.!?…;]|$)", "", text, flags=_I)
        text = re.sub(rf"(^|[.!?…]\s+){_literal(phrase)},\s+", r"\1", text, flags=_I)
    return text


def _without_words(text: str, words: tuple[str, ...]) -> str:
    for phrase in sorted(words, key=len, reverse=True):
        after = r"(?:,\s*|\s+|(?=[.!?…]|$))"
        text = re.sub(rf"(^|\s|[¿¡]){_literal(phrase)}{after}", r"\1", text, flags=_I)
    return text


def _with_synonyms(text: str, shorter: Mapping[str, str]) -> str:
    for phrase in sorted(shorter, key=len, reverse=True):
        text = re.sub(
            rf"(?<![\w'’]){_literal(phrase)}(?![\w'’])",
            lambda found, short=shorter[phrase]: _cased_like(found[0], short),
            text,
            flags=_I,
        )
    return text


def _without_vocative(text: str) -> str:
    """Drop "my friend," and other lower-case words set off at the end by a comma."""
    return re.sub(r",\s+(?:[^\W\d_]+\s?){1,2}(?=[.!?…]+$)", "", text)


def _literal(phrase: str) -> str:
    return r"\s+".join(re.escape(word) for word in phrase.split())


def _cased_like(found: str, short: str) -> str:
    return short[:1].upper() + short[1:] if found[:1].isupper() else short


def _tidy(text: str, original: str) -> str:
    """Mend spaces, commas and the first letter after words went."""
    text = re.sub(r"\s+([,.;:!?…])", r"\1", " ".join(text.split()))
    text = re.sub(r"([,;:])(?=[,.;:!?…])", "", text).strip(" ,;")
    if original[:1].isupper() or original[:1] in "¿¡":
        at = next((i for i, c in enumerate(text) if c.isalpha()), 0)
        text = text[:at] + text[at : at + 1].upper() + text[at + 1 :]
    return _SENTENCE.sub(lambda found: found[0], text)


_I = re.IGNORECASE
