"""What the engines that ask eSpeak NG share."""

from collections.abc import Mapping

_ACCENTS: Mapping[str, str] = {"en": "en-us", "pt": "pt-br", "zh": "cmn", "no": "nb"}


def voice_of(language: str) -> str:
    """Return what eSpeak NG calls its voice of a language (ISO 639-1), in the accent that most speak."""
    return _ACCENTS.get(language, language)
