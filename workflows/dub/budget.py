"""How long a text takes to say."""

CHARACTERS_A_SECOND = {"en": 15.0, "es": 15.5, "fr": 15.0, "de": 14.5, "it": 15.5, "pt": 15.5}
USUAL = 15.0
PAUSE_S = 0.15


def estimate_s(text: str, language: str) -> float:
    """Return about how long a voice needs for `text`, in seconds."""
    return PAUSE_S + len(text) / CHARACTERS_A_SECOND.get(language, USUAL)
