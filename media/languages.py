"""Language tags of media files: three letters in a file, two in the studio."""

from functools import cache
from typing import cast

from babel import Locale, UnknownLocaleError
from babel.core import get_global

NO_LANGUAGE = frozenset({"und", "zxx", "mul", "mis", "unknown", "auto"})
PREFERRED = frozenset(
    {
        *("aka", "ara", "aym", "aze", "bod", "ces", "cre", "cym", "deu", "dzo"),
        *("ell", "est", "eus", "fas", "fra", "ful", "grn", "guj", "hrv", "hye"),
        *("iku", "ipk", "isl", "kat", "kau", "kom", "kon", "kur", "lav", "mkd"),
        *("mlg", "mon", "mri", "msa", "mya", "nep", "nld", "oji", "ori", "orm"),
        *("pus", "que", "ron", "san", "slk", "sqi", "srd", "srp", "swa", "uzb"),
        *("yid", "zha", "zho"),
    }
)
"""The ISO 639-2/T code of those languages that have several three-letter codes."""


def short_language(tag: str) -> str:
    """Return the two-letter code of a tag where there is one: "spa" and "es-MX" give "es"."""
    code = tag.strip().lower().replace("_", "-").split("-")[0]
    if code in NO_LANGUAGE or not (code.isascii() and code.isalpha()):
        return ""
    return _aliases().get(code, code).split("_")[0]


def long_language(tag: str) -> str:
    """Return the three-letter code that media files want: "es" gives "spa", unknown gives "und"."""
    code = short_language(tag)
    if len(code) == 3:
        return code
    longer = [
        long for long, short in _aliases().items() if len(long) == 3 and short.split("_")[0] == code
    ]
    return next((long for long in longer if long in PREFERRED), next(iter(longer), "und"))


@cache
def language_name(code: str) -> str:
    """Return the English name of a language, or its code where there is none."""
    try:
        return Locale.parse(short_language(code) or code).get_display_name("en") or code
    except (UnknownLocaleError, ValueError):
        return code


def _aliases() -> dict[str, str]:
    return cast("dict[str, str]", get_global("language_aliases"))
