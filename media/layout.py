"""Subtitles laid out for reading: lines, lengths, times and gaps after the rules of the big services.

Source of the limits: Netflix Timed Text Style Guides (general requirements and language guides).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from media.cues import Cue, shared_out
from media.line_breaks import columns, penalties, pieces, widths

MOST_LINES = 2
LEAST_S, MOST_S = 5 / 6, 7.0
LATE_S = 0.4  # a subtitle may come so long after its words, for the one before it to be read
GAP_FRAMES = 2
FRAME_S = 1 / 24
BILINGUAL_LEAST_S = 1.2
LINE_COLUMNS = {"zh": 16, "yue": 16, "ja": 16, "ko": 16, "ru": 39, "uk": 39, "th": 35}
COLUMNS_A_SECOND = {
    "en": 20.0,
    "ar": 20.0,
    "hi": 22.0,
    "zh": 9.0,
    "yue": 9.0,
    "ja": 4.0,
    "ko": 12.0,
}
USUAL_COLUMNS, USUAL_SPEED = 42, 17.0
DENSE = frozenset({"zh", "yue", "ja"})
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur", "yi", "ps", "sd", "ug", "dv"})
AT_ONCE = 120  # pieces of text looked at together; longer texts are halved first
RLM = "\u200f"


@dataclass(frozen=True, slots=True)
class _Text:
    """A text in pieces between which it may be broken."""

    parts: list[str]
    costs: list[float]  # of a break after each part but the last
    widths: list[int]
    line: int  # columns of a line

    def joined(self, start: int, stop: int) -> str:
        return "".join(self.parts[start:stop]).strip()

    def width(self, start: int, stop: int) -> int:
        whole = self.widths[stop] - self.widths[start]
        return whole - (stop > start and self.parts[stop - 1].endswith(" "))

    def lines(self, start: int, stop: int, most: int) -> list[str] | None:
        """Return the pieces as one line or as two; None if they do not fit."""
        if self.width(start, stop) <= self.line:
            return [self.joined(start, stop)]
        if most < MOST_LINES:
            return None
        best: tuple[float, int] | None = None
        for middle in range(start + 1, stop):
            upper, lower = self.width(start, middle), self.width(middle, stop)
            if max(upper, lower) <= self.line:
                lean = (lower - upper) / self.line
                cost = self.costs[middle - 1] + 2 * lean * lean + (0.3 if upper > lower else 0.0)
                best = min(best or (cost, middle), (cost, middle))
        if best is None:
            return None
        return [self.joined(start, best[1]), self.joined(best[1], stop)]


def lay_out(cues: Sequence[Cue], language: str, frame_s: float = FRAME_S) -> tuple[Cue, ...]:
    """Return subtitles that can be read: two lines at most, long ones parted, times made legible.

    Args:
        cues: one for each line that is spoken, any length.
        language: of the text, ISO 639-1.
        frame_s: length of a picture.
    """
    parted: list[Cue] = []
    for cue in sorted(cues, key=lambda each: (each.start_s, each.end_s)):
        parted += _parted(cue, language)
    timed = _apart(_merged(parted, language), GAP_FRAMES * frame_s, language)
    return tuple(replace(cue, text=_directed(cue.text, language)) for cue in timed)


def bilingual(
    lines: Sequence[tuple[float, float, str, str]],
    target: str,
    source: str,
    frame_s: float = FRAME_S,
) -> tuple[Cue, ...]:
    """Return subtitles with the translation above the original.

    Args:
        lines: (start_s, end_s, translation, original).
        target: language of the translation.
        source: language of the original.
        frame_s: length of a picture.
    """
    cues: list[Cue] = []
    for start_s, end_s, above, below in sorted(lines):
        texts = _text(above, target), _text(below, source)
        parts = [_ways(text, end_s - start_s, 1) for text in texts]
        if (end_s - start_s) / max(1, *(len(each) for each in parts)) < BILINGUAL_LEAST_S:
            parts = [_ways(text, end_s - start_s, MOST_LINES) for text in texts]
        count = max(len(each) for each in parts)
        first, second = (
            each if len(each) == count else _in_parts(text, count)
            for text, each in zip(texts, parts, strict=True)
        )
        weights = ["x" * max(len(a), len(b)) for a, b in zip(first, second, strict=True)]
        times = shared_out(start_s, end_s, weights)
        for (from_s, until_s), a, b in zip(times, first, second, strict=True):
            shown = [_directed(a, target), _directed(b, source)]
            cues.append(Cue(from_s, until_s, "\n".join(each for each in shown if each)))
    return _apart([cue for cue in cues if cue.text], GAP_FRAMES * frame_s, target)


def violations(
    cues: Sequence[Cue], language: str, frame_s: float = FRAME_S, most_lines: int = MOST_LINES
) -> list[str]:
    """Return every rule that a subtitle breaks, as a sentence; none: all is well."""
    found: list[str] = []
    widest, fastest = LINE_COLUMNS.get(language, USUAL_COLUMNS), _speed(language)
    for index, cue in enumerate(cues):
        lines = cue.text.split("\n")
        read = columns(cue.text.replace("\n", " ")) / max(cue.duration_s, 1e-3)
        following = cues[index + 1].start_s if index + 1 < len(cues) else None
        checks = (
            (len(lines) > most_lines, f"has {len(lines)} lines"),
            (max(map(columns, lines)) > widest, f"has {max(map(columns, lines))} columns"),
            (cue.duration_s < LEAST_S - 1e-6, f"is shown {cue.duration_s:.2f} s"),
            (cue.duration_s > MOST_S + 1e-6, f"is shown {cue.duration_s:.2f} s"),
            (read > fastest + 1e-6, f"is read at {read:.1f} characters a second"),
            (
                following is not None and following - cue.end_s < GAP_FRAMES * frame_s - 1e-6,
                "ends less than two frames before the next",
            ),
        )
        found += [f"Subtitle {index + 1} {what}." for is_broken, what in checks if is_broken]
    return found


def _text(text: str, language: str) -> _Text:
    line = LINE_COLUMNS.get(language, USUAL_COLUMNS)
    parts: list[str] = []
    for part in pieces(" ".join(text.split()), language in DENSE):
        parts += _chopped(part, line)
    return _Text(parts, penalties(parts, language), widths(parts), line)


def _chopped(part: str, line: int) -> list[str]:
    """Cut a word that is longer than a line; marks stay with the letter that carries them."""
    if columns(part.strip()) <= line:
        return [part]
    found = [""]
    for character in part:
        if columns(found[-1] + character) > line and columns(character):
            found.append("")
        found[-1] += character
    return found


def _parted(cue: Cue, language: str) -> list[Cue]:
    text = _text(cue.text, language)
    if not text.parts:
        return []
    shown = _ways(text, cue.duration_s, MOST_LINES)
    times = shared_out(cue.start_s, cue.end_s, shown)
    return [
        Cue(start_s, end_s, words, cue.speaker)
        for (start_s, end_s), words in zip(times, shown, strict=True)
    ]


def _ways(text: _Text, duration_s: float, most_lines: int) -> list[str]:
    """Return the text as one or more subtitles, each of up to `most_lines` lines."""
    n = len(text.parts)
    if n == 0:
        return []
    if n > AT_ONCE:
        middle = min(range(n // 3, 2 * n // 3), key=lambda i: text.costs[i - 1])
        halves = (_slice(text, 0, middle), _slice(text, middle, n))
        share = text.width(0, middle) / max(1, text.width(0, n))
        first, second = duration_s * share, duration_s * (1 - share)
        return _ways(halves[0], first, most_lines) + _ways(halves[1], second, most_lines)
    width = text.width(0, n)
    by_time = min(int(-(-duration_s // MOST_S)), 2 * width // text.line)  # no crumbs of half a line
    least = max(1, -(-width // (most_lines * text.line)), by_time)
    for count in range(min(least, n), n + 1):
        found = _divided(text, count, most_lines)
        if found is not None:
            return found
    return [
        "\n".join(text.lines(i, i + 1, most_lines) or [text.joined(i, i + 1)]) for i in range(n)
    ]


def _slice(text: _Text, start: int, stop: int) -> _Text:
    parts = text.parts[start:stop]
    return _Text(parts, text.costs[start : stop - 1], widths(parts), text.line)


def _in_parts(text: _Text, count: int) -> list[str]:
    """Return the text in exactly `count` parts, the last of them empty if it has too few words."""
    most = min(count, len(text.parts))
    for lines in (1, MOST_LINES):
        found = _divided(text, most, lines) if most else None
        if found is not None:
            return found + [""] * (count - most)
    even = [round(i * len(text.parts) / max(1, count)) for i in range(count + 1)]
    return [text.joined(a, b) for a, b in pairwise(even)]


def _divided(text: _Text, count: int, most_lines: int) -> list[str] | None:
    """Divide the text into `count` subtitles of like length, at the best places; None if it cannot be."""
    n = len(text.parts)
    goal = max(1.0, text.width(0, n) / count)
    best: list[dict[int, tuple[float, int]]] = [{0: (0.0, 0)}]
    reach = most_lines * text.line
    for number in range(1, count + 1):
        here: dict[int, tuple[float, int]] = {}
        for start, (cost, _) in best[-1].items():
            for stop in range(start + 1, n - (count - number) + 1):
                width = text.width(start, stop)
                if width > reach:
                    break
                if number == count and stop < n:
                    continue
                if not _fits(text, start, stop, most_lines):
                    continue
                lean = (width - goal) / goal
                total = cost + 3 * lean * lean + (text.costs[stop - 1] if stop < n else 0.0)
                if stop not in here or (total, start) < here[stop]:
                    here[stop] = (total, start)
        best.append(here)
    if n not in best[-1]:
        return None
    stop, cuts = n, [n]
    for number in range(count, 0, -1):
        stop = best[number][stop][1]
        cuts.append(stop)
    cuts.reverse()
    return [
        "\n".join(text.lines(a, b, most_lines) or [text.joined(a, b)]) for a, b in pairwise(cuts)
    ]


def _fits(text: _Text, start: int, stop: int, most_lines: int) -> bool:
    if text.width(start, stop) <= text.line:
        return True
    if most_lines < MOST_LINES:
        return False
    middle = start + 1
    while middle < stop and text.width(start, middle + 1) <= text.line:
        middle += 1
    return text.width(start, middle) <= text.line and text.width(middle, stop) <= text.line


def _merged(cues: Sequence[Cue], language: str) -> list[Cue]:
    """Put two people who speak at the same time, or too briefly one after the other, into one subtitle."""
    line = LINE_COLUMNS.get(language, USUAL_COLUMNS)
    found: list[Cue] = []
    for cue in cues:
        last = found[-1] if found else None
        if last is not None and cue.start_s - last.start_s < LEAST_S:
            both = [last.text, cue.text]
            if last.speaker != cue.speaker:
                both = [f"- {each}" for each in both]
            one_each = all("\n" not in each and columns(each) <= line for each in both)
            end_s = max(last.end_s, cue.end_s)
            if one_each and end_s - last.start_s <= MOST_S:
                speaker = cue.speaker if last.speaker == cue.speaker else ""
                found[-1] = Cue(last.start_s, end_s, "\n".join(both), speaker)
                continue
        found.append(cue)
    return found


def _apart(cues: Sequence[Cue], gap_s: float, language: str) -> tuple[Cue, ...]:
    """Give every subtitle the time to be read, and a gap to the next.

    The time is taken from the silence after it, or from the next one, which may wait a little where it
    has more than it needs.
    """
    found: list[Cue] = []
    needed_s = [_needed_s(cue, language) for cue in cues]
    latest_s = [*(cue.start_s - gap_s for cue in cues[1:]), math.inf]
    start_s = 0.0
    for index, cue in enumerate(cues):
        start_s = max(start_s, cue.start_s)
        read_s = start_s + needed_s[index]
        end_s = min(max(cue.end_s, read_s), start_s + MOST_S)
        if index + 1 < len(cues):
            spare_s = latest_s[index + 1] - cues[index + 1].start_s - needed_s[index + 1]
            wait_s = min(read_s - latest_s[index], spare_s, LATE_S)
            end_s = min(end_s, max(latest_s[index] + max(0.0, wait_s), start_s + LEAST_S))
        found.append(replace(cue, start_s=start_s, end_s=end_s))
        start_s = end_s + gap_s
    return tuple(found)


def _needed_s(cue: Cue, language: str) -> float:
    """Return how long a subtitle must be shown to be read."""
    reading_s = columns(cue.text.replace("\n", " ")) / _speed(language)
    return max(LEAST_S, min(reading_s, MOST_S))


def _speed(language: str) -> float:
    return COLUMNS_A_SECOND.get(language, USUAL_SPEED)


def _directed(text: str, language: str) -> str:
    """Mark lines of a right-to-left language that begin otherwise, so that players order them right."""
    if language not in RIGHT_TO_LEFT:
        return text
    return "\n".join(line if _is_right(line[:1]) else f"{RLM}{line}" for line in text.split("\n"))


def _is_right(character: str) -> bool:
    return "\u0590" <= character <= "\u08ff" or "\ufb1d" <= character <= "\ufefc"
