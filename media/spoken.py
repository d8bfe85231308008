"""Text as it is spoken: numbers as words."""

import re

NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


def spoken(text: str, language: str) -> str:
    """Return `text` with its numbers as words."""
    from num2words import num2words  # noqa: PLC0415 - slow to import

    def say(match: re.Match[str]) -> str:
        try:
            return str(num2words(match[0].replace(",", "."), lang=language))
        except NotImplementedError:
            return match[0]

    return " ".join(NUMBER.sub(say, text).split())
