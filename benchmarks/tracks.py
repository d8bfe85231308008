"""Simulated tracks: what people say, when, and how long its translation takes to say.

Nothing in them is anybody's text: sentence lengths, pauses and turns are drawn at random (seeded),
with the shape of talks and conversations. A line's dub lasts characters / rate of the language, times
a lognormal of sigma 0.12 for the translator's choice and the voice. Scale A and B are calibrated to
what real translated lectures show: dub over source 1.07 in the mean and 1.39 at 95 % of the lines (A),
1.23 and 1.60 (B).
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from media.slots import Slot

SOURCE_RATE = 14.5  # characters a second of the talks, English
NOISE = 0.12


@dataclass(frozen=True, slots=True)
class Language:
    """How long a translation from English gets, in characters, and how fast it is read."""

    code: str
    length: float
    rate: float


LANGUAGES = (
    Language("es", 1.17, 16.2),
    Language("fr", 1.20, 16.0),
    Language("de", 1.19, 14.8),
    Language("it", 1.15, 15.8),
    Language("pt", 1.12, 15.6),
    Language("ca", 1.15, 15.8),
    Language("nl", 1.14, 15.0),
    Language("pl", 1.08, 14.2),
    Language("ru", 1.06, 14.0),
    Language("tr", 1.04, 14.3),
    Language("ja", 0.46, 7.4),
)


@dataclass(frozen=True, slots=True)
class Scale:
    """Dub over source length, over all lines of a set."""

    name: str
    mean: float
    p95: float


A, B = Scale("A", 1.07, 1.39), Scale("B", 1.23, 1.60)


@dataclass(frozen=True, slots=True)
class Track:
    """Lines in order of time."""

    name: str
    slots: tuple[Slot, ...]
    total_s: float


def make_tracks(scale: Scale, minutes: float = 15, rounds: int = 3, seed: int = 1) -> list[Track]:
    """Return one track for each language and round; rounds have 1, 2, 3 speakers, then 1 again."""
    tracks = [
        _talk(language, 1 + k % 3, minutes * 60, random.Random(f"{seed} {language.code} {k}"))
        for k in range(rounds)
        for language in LANGUAGES
    ]
    return _calibrated(tracks, scale)


def _talk(language: Language, speakers: int, length_s: float, r: random.Random) -> Track:
    """Return sentences, turns and pauses until the time is over."""
    slots: list[Slot] = []
    now_s, speaker = r.uniform(0.3, 3.0), 0
    while now_s < length_s:
        typical_s = 6.0 if speakers == 1 else 3.2
        said_s = min(20.0, max(0.7, r.lognormvariate(math.log(typical_s), 0.55)))
        slots.append(_line(now_s, said_s, f"S{speaker + 1}", language, r))
        end_s = now_s + said_s
        if speakers > 1 and said_s > 3.0 and r.random() < 0.08:  # a listener agrees meanwhile
            listener = (speaker + 1 + r.randrange(speakers - 1)) % speakers
            at_s = now_s + r.uniform(0.3, 0.7) * said_s
            slots.append(_line(at_s, r.uniform(0.4, 0.9), f"S{listener + 1}", language, r))
        following = speaker
        if speakers > 1 and r.random() < 0.6:
            following = (speaker + 1 + r.randrange(speakers - 1)) % speakers
        overlaps = following != speaker and r.random() < 0.15
        now_s = end_s - min(0.6, said_s / 3) * r.random() if overlaps else end_s + _pause_s(r)
        speaker = following
    slots.sort(key=lambda each: each.start_s)
    total_s = max(each.end_s for each in slots) + r.uniform(0.5, 4.0)
    return Track(f"{language.code}{speakers}", tuple(slots), total_s)


def _line(at_s: float, said_s: float, speaker: str, language: Language, r: random.Random) -> Slot:
    characters = said_s * SOURCE_RATE * language.length * r.lognormvariate(0, NOISE)
    natural_s = characters / language.rate * r.lognormvariate(0, NOISE)
    return Slot(round(at_s, 3), round(at_s + said_s, 3), natural_s, speaker)


def _pause_s(r: random.Random) -> float:
    kind = r.random()
    if kind < 0.45:
        return r.uniform(0.08, 0.35)
    if kind < 0.80:
        return r.uniform(0.35, 0.9)
    return r.uniform(0.9, 2.5) if kind < 0.95 else r.uniform(2.5, 6.0)


def _calibrated(tracks: Sequence[Track], scale: Scale) -> list[Track]:
    """Stretch the ratios of all lines, in logarithms, until mean and 95 % are the scale's."""
    logs = sorted(math.log(_ratio(slot)) for track in tracks for slot in track.slots)
    middle = logs[len(logs) // 2]
    low, high = 0.1, 5.0
    for _ in range(60):  # p95 / mean grows with the spread
        spread = (low + high) / 2
        ratios = [math.exp((each - middle) * spread) for each in logs]
        peak = ratios[int(0.95 * len(ratios))] / (sum(ratios) / len(ratios))
        low, high = (spread, high) if peak < scale.p95 / scale.mean else (low, spread)
    ratios = [math.exp((each - middle) * low) for each in logs]
    gain = scale.mean / (sum(ratios) / len(ratios))

    def stretched(slot: Slot) -> Slot:
        ratio = gain * math.exp((math.log(_ratio(slot)) - middle) * low)
        return replace(slot, natural_s=max(0.15, ratio * (slot.end_s - slot.start_s)))

    return [replace(track, slots=tuple(map(stretched, track.slots))) for track in tracks]


def _ratio(slot: Slot) -> float:
    return slot.natural_s / (slot.end_s - slot.start_s)
