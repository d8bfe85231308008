"""The languages of Whisper: ISO 639-1 codes, as the studio names them, and Whisper's own."""

from media.languages import short_language
from studio.errors import BadInput

CODES = frozenset(
    [
        "en",
        "zh",
        "de",
        "es",
        "ru",
        "ko",
        "fr",
        "ja",
        "pt",
        "tr",
        "pl",
        "ca",
        "nl",
        "ar",
        "sv",
        "it",
        "id",
        "hi",
        "fi",
        "vi",
        "he",
        "uk",
        "el",
        "ms",
        "cs",
        "ro",
        "da",
        "hu",
        "ta",
        "no",
        "th",
        "ur",
        "hr",
        "bg",
        "lt",
        "la",
        "mi",
        "ml",
        "cy",
        "sk",
        "te",
        "fa",
        "lv",
        "bn",
        "sr",
        "az",
        "sl",
        "kn",
        "et",
        "mk",
        "br",
        "eu",
        "is",
        "hy",
        "ne",
        "mn",
        "bs",
        "kk",
        "sq",
        "sw",
        "gl",
        "mr",
        "pa",
        "si",
        "km",
        "sn",
        "yo",
        "so",
        "af",
        "oc",
        "ka",
        "be",
        "tg",
        "sd",
        "gu",
        "am",
        "yi",
        "lo",
        "uz",
        "fo",
        "ht",
        "ps",
        "tk",
        "nn",
        "mt",
        "sa",
        "lb",
        "my",
        "bo",
        "tl",
        "mg",
        "as",
        "tt",
        "ln",
        "ha",
        "ba",
        "jv",
        "su",
    ]
)
_SAME = {"nb": "no", "fil": "tl"}
_OWN = {"jv": "jw"}  # where Whisper has another name


def code_of(language: str) -> str:
    """Return Whisper's name of a language.

    Raises:
        BadInput: if it does not know it.
    """
    short = short_language(language)
    short = _SAME.get(short, short)
    if short not in CODES:
        raise BadInput(
            f"Whisper does not know the language {language!r}",
            remedy="Give subtitles of what is said.",
        )
    return _OWN.get(short, short)


def language_of(code: str) -> str:
    """Return the language of one of Whisper's names; the few without a short code keep theirs."""
    return next((language for language, own in _OWN.items() if own == code), code)
