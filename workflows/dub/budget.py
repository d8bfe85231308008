"""How long a text takes to say: known before anything is spoken, and learned from what was.

The rates are measured with the built-in voices on real subtitles (benchmarks/rates.py): letters tell
the length better than syllables do (6 % off in the mean against 10 % in Spanish), so syllables serve
only for languages whose letters were not measured.
"""

import re
from collections.abc import Sequence
from statistics import median

from workflows.dub.syllables import syllables

LETTERS_A_SECOND = {
    "ca": 16.2, "de": 17.5, "en": 16.8, "es": 16.2, "fr": 20.5, "it": 16.6, "pt": 15.6,
}  # fmt: skip
SYLLABLES_A_SECOND = 6.8  # the median of those languages, without pauses
ENDS_S, COMMA_S, STOP_S = 0.13, 0.30, 0.50
COMMA = re.compile(r"[,;:،、；：](?=\s|\w)|\s[–—-]\s")
STOP = re.compile(r"[.!?…؟।。！？]+[\"”»')]*(?=\s|\w)")
ENDS = " .!?…\"”»')؟।。！？,;:-–—"
LEAST_SCALE, MOST_SCALE = 0.5, 2.0
ENOUGH = 3  # takes, before their own rate is believed


def estimate_s(text: str, language: str, scale: float = 1.0) -> float:
    """Return about how long a voice needs for `text`, in seconds.

    Args:
        text: in its spoken form.
        language: ISO 639-1.
        scale: of this voice or job, as `scale_of` found it; 2 takes twice as long.
    """
    inner = text.strip(ENDS)
    pauses_s = COMMA_S * len(COMMA.findall(inner)) + STOP_S * len(STOP.findall(inner))
    rate = LETTERS_A_SECOND.get(language)
    if rate is None:
        voiced_s = syllables(text, language) / SYLLABLES_A_SECOND
    else:
        voiced_s = sum(map(str.isalnum, text)) / rate
    return scale * (ENDS_S + voiced_s + pauses_s)


def letters_in(time_s: float, language: str) -> int:
    """Return about how many letters a voice says in `time_s`; 0 for a language not measured."""
    rate = LETTERS_A_SECOND.get(language)
    return 0 if rate is None else max(1, round((time_s - ENDS_S) * rate))


def scale_of(texts: Sequence[str], durations_s: Sequence[float], language: str) -> float:
    """Return how much longer these takes are than estimated, in the median; 1 for fewer than three.

    Args:
        texts: what was spoken, in its spoken form.
        durations_s: how long each take is, at the voice's own speed.
        language: of the texts.
    """
    ratios = [
        duration_s / estimate_s(text, language)
        for text, duration_s in zip(texts, durations_s, strict=True)
        if duration_s > 0
    ]
    if len(ratios) < ENOUGH:
        return 1.0
    return min(MOST_SCALE, max(LEAST_SCALE, median(ratios)))
