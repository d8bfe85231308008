"""What can be told of a finished dub from its line table alone. Pure functions."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from media.speech import Span
from workflows.dub.sheet import SheetLine
from workflows.dub.syllables import syllables

LENGTH_SHARE, RATE_SHARE = 0.10, 0.20
FASTEST_READ = 30.0  # characters a second: nobody says more
REPEATS = {1: 5, 2: 4, 3: 3, 4: 3, 5: 3}  # so often in a row is no speech: words of a phrase, times
SHORTEST_S = 0.02


def spoken_lines(lines: Iterable[SheetLine]) -> list[SheetLine]:
    """Return the lines that are heard in the dub, in the order of the source."""
    heard = [each for each in lines if each.flag != "not spoken" and each.translation]
    return sorted(heard, key=lambda each: (each.start_s, each.id))


def share_at(values: Iterable[float], share: float) -> float:
    """Return the smallest value that `share` (0..1) of the values do not exceed; 0 of none."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)] if ranked else 0.0


def speed_at(lines: Sequence[SheetLine], share: float) -> float:
    """Return the speed that `share` (0..1) of the speaking time does not exceed; 1 of none."""
    ranked = sorted((each.speed, _dubbed(each).duration_s) for each in lines)
    left_s = share * sum(length_s for _, length_s in ranked)
    for speed, length_s in ranked:
        left_s -= length_s
        if left_s <= 1e-9:
            return speed
    return ranked[-1][0] if ranked else 1.0


def time_above(lines: Sequence[SheetLine], speed: float) -> float:
    """Return the share (0..1) of the speaking time that is faster than `speed`."""
    total_s = sum(_dubbed(each).duration_s for each in lines)
    fast_s = sum(_dubbed(each).duration_s for each in lines if each.speed > speed)
    return fast_s / total_s if total_s > 0 else 0.0


def speed_jump(lines: Sequence[SheetLine]) -> float:
    """Return by how much the speed changes from a line to the same speaker's next, in the mean."""
    jumps = [
        abs(b.speed - a.speed) for own in _by_speaker(lines).values() for a, b in pairwise(own)
    ]
    return sum(jumps) / len(jumps) if jumps else 0.0


def overlap_share(lines: Sequence[SheetLine]) -> float:
    """Return the share (0..1) of the source's speech during which the dub speaks too."""
    said = united(Span(each.start_s, each.end_s) for each in lines)
    dubbed = united(_dubbed(each) for each in lines)
    total_s = sum(each.duration_s for each in said)
    return _shared_s(said, dubbed) / total_s if total_s > 0 else 1.0


def self_overlap_s(lines: Sequence[SheetLine]) -> float:
    """Return for how many seconds anyone talks over themselves."""
    total_s = 0.0
    for own in _by_speaker(lines).values():
        spans = [_dubbed(each) for each in own]
        total_s += sum(each.duration_s for each in spans)
        total_s -= sum(each.duration_s for each in united(spans))
    return round(max(0.0, total_s), 3)


def united(spans: Iterable[Span]) -> list[Span]:
    """Return the stretches of time that the spans cover, in order, apart from each other."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda each: (each.start_s, each.end_s)):
        if span.duration_s <= 0:
            continue
        if found and span.start_s <= found[-1].end_s:
            found[-1] = Span(found[-1].start_s, max(found[-1].end_s, span.end_s))
        else:
            found.append(span)
    return found


def length_compliance(lines: Sequence[SheetLine]) -> float | None:
    """Return the share (0..1) of lines whose text is as long as the source's, give or take 10 %."""
    pairs = [(len(each.text), len(each.translation)) for each in lines if each.text]
    kept = [abs(new - old) <= LENGTH_SHARE * old for old, new in pairs]
    return sum(kept) / len(kept) if kept else None


def rate_compliance(lines: Sequence[SheetLine], language: str) -> float | None:
    """Return the share (0..1) of lines spoken at the speaker's own rate, give or take 20 %.

    The own rate is the median of the speaker's syllables a second, each line at its natural speed.
    """
    kept: list[bool] = []
    for own in _by_speaker(lines).values():
        counts = [syllables(each.translation, language) for each in own]
        rates = [
            count / max(SHORTEST_S, _dubbed(each).duration_s)
            for each, count in zip(own, counts, strict=True)
        ]
        usual = median(rate / each.speed for rate, each in zip(rates, own, strict=True))
        kept += [abs(rate - usual) <= RATE_SHARE * usual for rate in rates]
    return sum(kept) / len(kept) if kept else None


def odd_texts(lines: Iterable[SheetLine]) -> list[SheetLine]:
    """Return the lines whose source text nobody can have said: stuck in a loop, or far too much."""
    return [
        each
        for each in lines
        if loops(each.text)
        or len(each.text) > FASTEST_READ * max(SHORTEST_S, each.end_s - each.start_s)
    ]


def loops(text: str) -> bool:
    """Tell whether a text says the same one to five words over and over."""
    words = re.findall(r"\w+", text.lower())
    for size, least in REPEATS.items():
        for start in range(len(words) - size * least + 1):
            phrase = words[start : start + size]
            following = words[start : start + size * least]
            if phrase * least == following:
                return True
    return False


def _by_speaker(lines: Iterable[SheetLine]) -> dict[str, list[SheetLine]]:
    found: defaultdict[str, list[SheetLine]] = defaultdict(list)
    for each in lines:
        found[each.speaker].append(each)
    return found


def _dubbed(line: SheetLine) -> Span:
    return Span(line.dub_start_s, line.dub_end_s)


def _shared_s(first: Sequence[Span], second: Sequence[Span]) -> float:
    total_s, i, j = 0.0, 0, 0
    while i < len(first) and j < len(second):
        total_s += first[i].overlap_s(second[j])
        if first[i].end_s <= second[j].end_s:
            i += 1
        else:
            j += 1
    return total_s
