"""How a language says what is written in figures and signs: one file each in `presets/spoken/`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from studio.errors import BadPreset

FOLDER = Path(__file__).parents[1] / "presets" / "spoken"
Rewrites = tuple[tuple[str, str], ...]  # regular expression, what takes its place; in this order
Table = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberForm:
    """A number that is more than a count: "21st", "1990s", "80er". `{months}` stands for any month.

    Attributes:
        kind: which words the number gets.
        before: regular expression of what stands before; it is kept.
        digits: regular expression of the number.
        suffix: regular expression of what stands behind and is not said.
        after: regular expression of what must follow; it is kept.
        rewrites: made in the number's words.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    kind: Literal["cardinal", "ordinal", "year"] = "ordinal"
    before: str = r"(?<![\w.,])"
    digits: str = r"\d{1,4}"
    suffix: str = ""
    after: str = r"(?!\w)"
    rewrites: Rewrites = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How a time of day is said: `{h}` and `{m}` are numbers in words."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    full: str = "{h}"  # 3:00
    half: str = "{h} {m}"  # 3:30
    one: str = ""  # 1:00, where it differs
    zero: str = ""  # said before minutes below ten
    between: str = ":"  # a regular expression
    after: str = ""  # words that are written behind and not said again, a regular expression
    am: str = ""
    pm: str = ""
    feminine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Currency:
    """What a currency is called; without cents, decimals are said as such."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    one: str
    many: str
    cent: str = ""
    cents: str = ""
    feminine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Romans:
    """Where a Roman number is surely one: behind these words and names."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    counted: tuple[str, ...] = ()  # "chapter": the number is said as a count
    rulers: tuple[str, ...] = ()  # names of kings and popes
    ruler: str = "{}"  # how the ordinal of a ruler is said: "the {}"
    most_ordered: int = 10  # rulers above are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenRules:
    """One file of `presets/spoken/`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    point: str  # between the parts of 3.14
    dot: str  # between the parts of 1.2.3
    minus: str
    to: str  # 10-15
    over: str  # 5/8
    number: str  # what "#" before a figure says
    cents: str  # "{major} and {minor} {cents}"
    date: str  # as written with the month's name: "{month} {day}, {year}"
    month_first: bool = False
    first_day: str = "1"
    groups: str  # characters that part thousands
    years: tuple[int, int] = (0, -1)  # first and last that are said in another way than counts
    phone_pairs: bool = False
    singular_below: int = (
        1  # the greatest count that takes the singular; decimals below 2 in French
    )
    noun: Rewrites = ()  # a count before a noun: "uno" to "un"
    feminine: Rewrites = ()
    feminine_noun: str = ""  # a regular expression
    not_noun: str = ""  # words that may follow a number and are no nouns
    million: str = ""  # a regular expression of words that want `million_of` before a noun
    million_of: str = ""
    million_of_rewrites: Rewrites = ()
    clock: Clock = field(default_factory=Clock)
    romans: Romans = field(default_factory=Romans)
    magnitudes: Table = field(default_factory=dict[str, str])  # "Mio." and how it is said
    forms: tuple[NumberForm, ...] = ()
    abbreviations: Table = field(
        default_factory=dict[str, str]
    )  # "Saint|Street": before a name, else
    before_number: Table = field(default_factory=dict[str, str])
    symbols: Table = field(default_factory=dict[str, str])
    address: Table = field(default_factory=dict[str, str])  # signs in e-mail and web addresses
    fractions: Table = field(default_factory=dict[str, str])
    units: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict[str, tuple[str, ...]]
    )  # one, many, "f" where feminine
    currencies: Mapping[str, Currency] = field(default_factory=dict[str, Currency])


@cache
def spoken_rules(language: str, folder: Path = FOLDER) -> SpokenRules | None:
    """Return the rules of a language (two letters), None if it has no file.

    Raises:
        BadPreset: if the file is not what it should be.
    """
    path = folder / f"{language}.toml"
    if not language.isalpha() or not path.exists():
        return None
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
        return TypeAdapter(SpokenRules).validate_python(read)
    except tomllib.TOMLDecodeError as error:
        raise BadPreset(f"{path.name}: {error}", remedy="Mend the file.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadPreset(f"{path.name}: {where}: {first['msg']}", remedy="Mend the file.") from error


@cache
def months(language: str) -> tuple[str, ...]:
    """Return the months' names as dates have them, January first ("de març" in Catalan)."""
    from babel import Locale  # noqa: PLC0415 - slow to import

    names = Locale.parse(language).months["format"]["wide"]
    return tuple(str(names[month]).replace("’", "'") for month in range(1, 13))
