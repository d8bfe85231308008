"""Text as engines are given it."""

import unicodedata


def one_line(text: str) -> str:
    """Return `text`, composed (NFC), without control characters and line breaks."""
    plain = unicodedata.normalize("NFC", text)
    plain = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in plain)
    return " ".join(plain.split())
