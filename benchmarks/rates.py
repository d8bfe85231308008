"""How near the estimate of a line's length is, before anything is spoken: `python -m benchmarks.rates`.

Speaks up to 60 lines of real subtitles with every built-in voice that is here, and compares three
estimates: 15 characters a second for all, ours, and ours after ten takes of the voice.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import mean

from engines import catalog
from media.cues import speech_only
from media.sentences import sentences_from_cues
from media.spoken import spoken
from media.subtitles import read_subtitles
from tests.media import SHARED
from workflows.dub.budget import estimate_s, scale_of

LANGUAGES = ("en", "es", "fr", "de")
MOST_LINES, TAUGHT = 60, 10
VARIANTS = ("clara", "nora")  # eSpeak NG's variants keep one time: two stand for all
PLAIN_PER_S, PLAIN_PAUSE_S = 15.0, 0.15


def main() -> None:
    """Print the table."""
    write = sys.stdout.write
    write(
        "| language, engine | takes | 15 characters/s | ours | after 10 takes |\n|---|---|---|---|---|\n"
    )
    for language in LANGUAGES:
        texts = _texts(language)
        takes: defaultdict[str, list[list[float]]] = defaultdict(list)
        for voice in catalog.voices().values():
            entry = catalog.entry(voice.engine)
            is_double = voice.engine == "espeak-ng" and voice.id not in VARIANTS
            if language in voice.languages and not is_double and not entry.missing():
                speaker = entry.build()
                takes[voice.engine].append(
                    [speaker.speak(t, voice.name, language, 1.0, 0).audio.duration_s for t in texts]
                )
        for engine, voices in takes.items():
            row = [f"{mean(_off(texts, own, language)[i] for own in voices):.1%}" for i in range(3)]
            count = len(texts) * len(voices)
            write(f"| {language}, {engine} | {count} | {' | '.join(row)} |\n")


def _off(texts: Sequence[str], takes_s: Sequence[float], language: str) -> tuple[float, ...]:
    scale = scale_of(texts[:TAUGHT], takes_s[:TAUGHT], language)
    ways: tuple[Callable[[str], float], ...] = (
        lambda text: PLAIN_PAUSE_S + len(text) / PLAIN_PER_S,
        lambda text: estimate_s(text, language),
        lambda text: estimate_s(text, language, scale),
    )
    return tuple(
        mean(abs(way(t) / s - 1) for t, s in zip(texts, takes_s, strict=True)) for way in ways
    )


def _texts(language: str) -> list[str]:
    found: list[str] = []
    for path in sorted(SHARED.glob(f"subtitles/*_{language}.*")):
        cues = speech_only(read_subtitles(path, path.name))
        found += [spoken(each.text, language) for each in sentences_from_cues(cues, ())]
    said = [each for each in dict.fromkeys(found) if any(map(str.isalpha, each))]
    return said[:MOST_LINES]


if __name__ == "__main__":
    main()
