"""Phrase books: what people say every day and rules get wrong (`presets/phrases/*.toml`)."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter

FOLDER = Path(__file__).parents[2] / "presets" / "phrases"
_SPACES = re.compile(r"[\s,]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseBook:
    """One file, for one pair of languages: "en-es.toml"."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    phrases: Mapping[str, str] = field(default_factory=dict[str, str])  # whole sentence or clause
    before: Mapping[str, str] = field(default_factory=dict[str, str])  # regex on the source
    after: Mapping[str, str] = field(default_factory=dict[str, str])  # regex on the translation

    def known(self, core: str) -> str:
        """Return the translation of a whole sentence or clause, or ""."""
        return self.phrases.get(_key(core), "")

    def prepared(self, core: str) -> str:
        """Return the source with its idioms said plainly."""
        return _replaced(core, self.before)

    def mended(self, core: str) -> str:
        """Return the translation with known faults mended."""
        return _replaced(core, self.after)


@cache
def phrase_book(source: str, target: str, folder: Path = FOLDER) -> PhraseBook:
    """Return the phrase book of a pair; its phrases are also those of the way back, turned round."""
    book = _read(folder / f"{source}-{target}.toml")
    back = _read(folder / f"{target}-{source}.toml")
    turned = {_key(said): phrase for phrase, said in reversed(tuple(back.phrases.items()))}
    own = {_key(phrase): said for phrase, said in book.phrases.items()}
    return replace(book, phrases={**turned, **own})


def _read(path: Path) -> PhraseBook:
    if not path.exists():
        return PhraseBook()
    return TypeAdapter(PhraseBook).validate_python(tomllib.loads(path.read_text(encoding="utf-8")))


def _key(core: str) -> str:
    return _SPACES.sub(" ", core.replace("’", "'")).strip().casefold()


def _replaced(text: str, rules: Mapping[str, str]) -> str:
    for pattern, replacement in rules.items():
        text = re.sub(pattern, replacement, text, flags=re.IGNORECASE)
    return text
