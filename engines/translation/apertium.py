"""Apertium: translation by rules, by the `apertium` program (GPL; called, never linked).

Forcada et al.: Apertium, a free/open-source platform for rule-based machine translation (2011).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from engines.plain import one_line
from engines.roles import Translation
from engines.translation.english import plain_english
from engines.translation.phrases import phrase_book
from engines.translation.units import (
    Unit,
    is_shouted,
    join,
    numbers,
    recased,
    sentence_cased,
    split,
)
from media.program import ask_program
from media.tools import Check
from studio.errors import BadInput, ToolFailed
from studio.progress import Progress

TIMEOUT_S = 600.0
_ISO = {
    "spa": "es", "eng": "en", "cat": "ca", "fra": "fr", "por": "pt", "ita": "it", "ron": "ro",
    "glg": "gl", "oci": "oc", "isl": "is", "mkd": "mk", "epo": "eo", "eus": "eu", "nno": "nn",
    "nob": "nb", "dan": "da", "swe": "sv", "rus": "ru", "ukr": "uk", "bel": "be", "afr": "af",
    "nld": "nl", "arg": "an", "srd": "sc", "slv": "sl", "bul": "bg", "mlt": "mt", "ara": "ar",
    "hin": "hi", "urd": "ur", "ind": "id", "zlm": "ms", "pol": "pl", "kaz": "kk", "tat": "tt",
    "cym": "cy", "bre": "br",
}  # fmt: skip
# One Serbo-Croatian in Apertium; written variants as suffixes when it is the target.
_VARIANTS = {"hbs_HR": "hr", "hbs_BS": "bs", "hbs_SR": "sr"}
_HBS = ("hr", "bs", "sr")
_MODE = re.compile(r"(?P<source>[a-z]{2,3})-(?P<target>[a-z]{2,3}|hbs_(?:HR|BS|SR))")
_NUMBER = re.compile(r"(\d+(?:[.,:/]\d+)*%?)")
_MARKS = re.compile(r"(?<!\w)[*@#](?=\w)|-?<[a-z0-9]+>")


class Apertium:
    """Translates between the pairs that are installed, and through one language between them.

    Args:
        pivots: languages to go through, in order of preference.
        avoid: pairs such as "en-eo" whose output is too poor to be offered.
        through: for pairs such as "fr-es", the language that measured best to go through.
    """

    def __init__(
        self,
        pivots: Sequence[str] = (),
        avoid: Sequence[str] = (),
        through: Mapping[str, str] | None = None,
    ) -> None:
        self._through = dict(through or {})
        self._pivots = tuple(pivots)
        self._avoid = frozenset(avoid)
        self._modes: dict[tuple[str, str], str] = {}

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Return the pairs it knows on this machine, with at most one language between."""
        modes = self._installed()
        through = {
            (a, c)
            for a, b in modes
            for b2, c in modes
            if b == b2 and a != c and b in self._pivots and f"{a}-{c}" not in self._avoid
        }
        return frozenset(modes) | frozenset(through)

    def translate(
        self,
        texts: Sequence[str],
        source: str,
        target: str,
        progress: Progress,
        *,
        glossary: Sequence[tuple[str, str]] = (),  # noqa: ARG002 - the rules have their own dictionary
        letters: Sequence[int] = (),  # noqa: ARG002 - the rules know one length
    ) -> tuple[Translation, ...]:
        """Translate line by line, all lines in one run. See `engines.roles.Translator`."""
        route = self.route(source, target)
        known = phrase_book(*route[0]).known
        progress(0, len(texts))
        lines = [split(sentence_cased(one_line(text)), known) for text in texts]
        if source == "en":
            lines = [[unit.asked() for unit in line] for line in lines]
        units = [unit for line in lines for unit in line]

        def by_rules(asked: Sequence[str]) -> list[str]:
            for hop in route:
                asked = self._hop(asked, hop, lambda: progress(0, len(texts)))
            return [_core(core) for core in asked]

        plain = [_plain(unit, source) for unit in units]
        cores = [unit.core for unit in units]
        worded = [i for i, core in enumerate(cores) if _has_words(core)]
        _put(cores, worded, by_rules([plain[i] for i in worded]))
        lost = [i for i in worded if numbers(cores[i]) != numbers(plain[i])]
        _put(cores, lost, _around_numbers([plain[i] for i in lost], by_rules))
        done = iter(
            replace(unit, core=recased(core, unit.core))
            for unit, core in zip(units, cores, strict=True)
        )
        progress(len(texts), len(texts))
        joined = [join([next(done) for _ in line], target) for line in lines]
        return tuple(
            Translation(line.upper() if is_shouted(text) else line)
            for line, text in zip(joined, texts, strict=True)
        )

    def _installed(self) -> dict[tuple[str, str], str]:
        """Return the mode of Apertium for each direct pair."""
        if not self._modes:
            for mode in ask_program(["apertium", "-l"], timeout_s=30.0):
                for pair in _pairs_of(mode):
                    if "-".join(pair) not in self._avoid:
                        self._modes[pair] = mode
        return self._modes

    def route(self, source: str, target: str) -> list[tuple[str, str]]:
        """Return the hops: by the language that measured best, directly, or by any pivot."""
        modes, name = self._installed(), f"{source}-{target}"
        best = self._through.get(name, "")
        for pivot in (best, "", *self._pivots) if best else ("", *self._pivots):
            hops = [(source, pivot), (pivot, target)] if pivot else [(source, target)]
            if name not in self._avoid and all(hop in modes for hop in hops):
                return hops
        known = ", ".join(f"{a}→{b}" for a, b in sorted(self.pairs()))
        raise BadInput(
            f"Apertium does not translate {source!r} to {target!r} on this machine",
            remedy=f"It knows {known or 'no pair yet: install apertium-eng-spa'}.",
        )

    def _hop(self, sentences: Sequence[str], pair: tuple[str, str], check: Check) -> list[str]:
        """Translate sentences, each with its end, between a direct pair; as many come back."""
        book, ends = phrase_book(*pair), [sentence[-1] for sentence in sentences]
        found = [book.known(_core(sentence)) for sentence in sentences]
        asked = [book.prepared(s) for s, known in zip(sentences, found, strict=True) if not known]
        said = iter(self._ask(asked, self._installed()[pair], check))
        translated = [
            known or _core(book.mended(_core(next(said)) + end))
            for known, end in zip(found, ends, strict=True)
        ]
        return [core + end for core, end in zip(translated, ends, strict=True)]

    def _ask(self, sentences: Sequence[str], mode: str, check: Check) -> list[str]:
        """Run Apertium once over all sentences."""
        if not sentences:
            return []
        said = ask_program(
            ["apertium", "-u", "-f", "line", mode],
            stdin="\n".join(sentences) + "\n",
            timeout_s=TIMEOUT_S,
            check=check,
            environment={"LC_ALL": "C.UTF-8"},
        )
        if len(said) == len(sentences) + 1 and not said[-1]:
            said.pop()
        if len(said) != len(sentences):
            raise ToolFailed(f"Apertium gave {len(said)} lines back for {len(sentences)}")
        return said


def _pairs_of(mode: str) -> list[tuple[str, str]]:
    found = _MODE.fullmatch(mode)
    if found is None:
        return []
    sources = _HBS if found["source"] == "hbs" else (_two_letters(found["source"]),)
    named = found["target"]
    target = _VARIANTS.get(named) or _two_letters(named)
    return [(source, target) for source in sources if len(source) == len(target) == 2]


def _two_letters(code: str) -> str:
    return _ISO.get(code, code if len(code) == 2 else "")


def _plain(unit: Unit, source: str) -> str:
    """Return a unit as the rules like it, with the mark that says what it is."""
    core = plain_english(unit.core) if source == "en" else unit.core
    return core + unit.end


def _has_words(core: str) -> bool:
    return any(c.isalpha() for c in core)


def _put(cores: list[str], places: Sequence[int], values: Sequence[str]) -> None:
    for place, value in zip(places, values, strict=True):
        cores[place] = value


def _around_numbers(
    sentences: Sequence[str], translated: Callable[[Sequence[str]], list[str]]
) -> list[str]:
    """Translate what stands between the numbers; the numbers stay as they are."""
    parts = [_NUMBER.split(sentence.rstrip(".?!")) for sentence in sentences]
    words = [part for part in chain.from_iterable(parts) if _has_words(part)]
    said = iter(translated([word.strip(" ,") + "." for word in words]))
    return [
        " ".join((next(said) if _has_words(part) else part.strip()) for part in each if part)
        for each in parts
    ]


def _core(line: str) -> str:
    """Return a translated sentence without its end and the marks of unknown words."""
    plain = _MARKS.sub("", line).rstrip(" .?!¿¡…;").lstrip("¿¡ ")
    return re.sub(r" ([,;:])", r"\1", " ".join(plain.split()))
