"""Numbers as words, as num2words knows them, with what the rules of a language add."""

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from media.spoken_rules import Rewrites, SpokenRules

Kind = Literal["cardinal", "ordinal", "year"]
Gender = Literal["", "noun", "feminine"]
MOST_DIGITS = 15  # longer ones are said digit by digit
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_SAME = {"nb": "no", "nn": "no", "kk": "kz"}  # as num2words calls them
_FAILURES = (
    NotImplementedError,
    OverflowError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
)  # what num2words raises where it does not know a language or a number


def words_of(number: int | Decimal, language: str, kind: Kind = "cardinal") -> str | None:
    """Return a number in words, None if nobody here knows them."""
    import num2words  # noqa: PLC0415 - slow to import

    say: Any = num2words.num2words  # pyright: ignore[reportUnknownVariableType]
    try:
        said = str(say(number, lang=_SAME.get(language, language), to=kind))
    except _FAILURES:
        return None
    return None if any(c.isdigit() for c in said) else " ".join(said.replace(",", " ").split())


def rewritten(text: str, rewrites: Rewrites) -> str:
    """Return `text` with every rewrite made, in their order."""
    for pattern, replacement in rewrites:
        text = re.sub(pattern, replacement, text)
    return text


def plain_digits(text: str) -> str:
    """Return `text` with every digit of every script in ASCII; small raised 2 and 3 stay units."""
    return "".join(
        str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() and c not in "²³" else c
        for c in text
    )


class Numbers:
    """Reads numbers as a language writes them, and says them.

    Attributes:
        pattern: regular expression of one number, without groups.
    """

    def __init__(self, language: str, rules: SpokenRules) -> None:
        self._language, self._rules = language, rules
        groups = "|".join(rf"(?:[{re.escape(sign)}]\d{{3}})+" for sign in rules.groups)
        self._mark = "." if "," in rules.groups else ","
        mark = re.escape(self._mark)
        self._grouped = rf"[1-9]\d{{0,2}}(?:{groups})(?!\d)(?:{mark}\d+)?"
        self.pattern = rf"(?:{self._grouped}|\d+(?:[.,]\d+)?(?!\d))"
        self._is_grouped = re.compile(self._grouped)

    def parts(self, written: str) -> tuple[str, str]:
        """Return the digits before and behind the decimal mark."""
        if self._is_grouped.fullmatch(written):
            whole, _, rest = written.partition(self._mark)
            return re.sub(r"\D", "", whole), rest
        whole, _, rest = written.replace(",", ".").partition(".")
        if rest == "000" and len(whole) <= 3:  # "1,000" as other languages write it
            return whole + rest, ""
        return whole, rest

    def said(self, written: str, gender: Gender = "") -> str:
        """Return a number as it stands in a text in words."""
        whole, rest = self.parts(written)
        if not rest:
            return self.count(whole, gender)
        return f"{self.count(whole)} {self._rules.point} {self.digits(rest)}"

    def count(self, digits: str, gender: Gender = "") -> str:
        """Return a whole number in words; "007" and very long ones digit by digit."""
        if len(digits) > MOST_DIGITS or self.is_code(digits):
            return self.digits(digits)
        words = self.words(int(digits))
        if gender == "feminine":
            return rewritten(words, self._rules.feminine)
        return rewritten(words, self._rules.noun) if gender == "noun" else words

    def is_code(self, written: str) -> bool:
        """Tell whether it is said digit by digit."""
        return len(written) > 1 and written[0] == "0"

    def words(self, number: int, kind: Kind = "cardinal") -> str:
        """Return a whole number in words, in one of the kinds."""
        words = words_of(number, self._language, kind)
        return words if words is not None else self.digits(str(number))

    def plain(self, written: str) -> str:
        """Return a number without a unit: years as years, else as a count."""
        first, last = self._rules.years
        if len(written) == 4 and written.isdigit() and first <= int(written) <= last:
            return self.words(int(written), "year")
        return self.said(written)

    def digits(self, digits: Sequence[str]) -> str:
        """Return digits in words, one by one."""
        return " ".join(words_of(int(digit), self._language) or "" for digit in digits)

    def is_singular(self, written: str) -> bool:
        """Tell whether a noun behind this number is in the singular."""
        whole, rest = self.parts(written)
        if self._rules.singular_below > 1:  # 0, 1 and 1,5 in French
            return int(whole) < self._rules.singular_below
        return int(whole) == 1 and not rest.strip("0")

    def is_million(self, words: str) -> bool:
        """Tell whether the language wants a word between this number and a noun."""
        return bool(self._rules.million) and bool(re.search(rf"(?:{self._rules.million})$", words))

    def with_noun(self, words: str, noun: str) -> str:
        """Return "five dollars", or "cinco millones de dólares"."""
        if not self.is_million(words):
            return f"{words} {noun}"
        rules = self._rules
        return f"{words} " + rewritten(f"{rules.million_of} {noun}", rules.million_of_rewrites)


def roman_value(number: str) -> int:
    """Return the value of a Roman number up to 399, 0 if it is empty."""
    values = [_ROMAN_VALUES[letter] for letter in number]
    pairs = zip(values, [*values[1:], 0], strict=True) if values else ()
    return sum(-value if value < following else value for value, following in pairs)
