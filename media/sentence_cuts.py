"""Where one speaker's words are best cut into lines, and whether a line asks.

Pauses and ends of sentences always cut. What is still too long is cut by dynamic programming: the
best set of cuts over the whole stretch, not one after the other, judged by how long the pause is,
which words meet there, and how even the lines get.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter

from media.speech import Word

FOLDER = Path(__file__).parents[1] / "presets" / "sentences"
ENDS = (".", "!", "?", "…", "。", "！", "？", "؟", "।")
PAUSE_S, LONG_PAUSE_S, LONG_S = 0.6, 0.35, 3.5
MOST_S, MOST_CHARS = 7.0, 90
JOIN_GAP_S = 0.4
FEWEST_WORDS = 2  # no line of one word by a cut that nobody hears
_TITLE = re.compile(r"(?:[A-ZÀ-Þ]|Mr|Mrs|Ms|Dr|Dra|Sr|Sra|Prof|St|Mme|M|Hr|Fr|Sig|No|vs|etc)\.")
_COMMA = (",", ";", ":", "–", "—")
_CLAUSE, _BEFORE, _COMMA_GAIN, _PAUSE_GAIN, _TIE, _ORPHAN = 2.5, 1.0, 2.0, 6.0, 1.5, 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CutWords:
    """One file of `presets/sentences/`: words in lower case."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    clauses: tuple[str, ...] = ()  # conjunctions: best to cut before
    before: tuple[str, ...] = ()  # prepositions: good to cut before
    tied: tuple[str, ...] = ()  # articles and the like: bad to cut behind
    asking: tuple[str, ...] = ()  # a sentence that begins so asks
    questions: tuple[str, ...] = ()  # one that begins so asks if one of `auxiliaries` follows
    auxiliaries: tuple[str, ...] = ()  # one that begins so asks if one of `subjects` follows
    subjects: tuple[str, ...] = ()


@cache
def cut_words(language: str, folder: Path = FOLDER) -> CutWords:
    """Return the words of a language (two letters); none if it has no file."""
    path = folder / f"{language}.toml"
    if not language.isalpha() or not path.exists():
        return CutWords()
    return TypeAdapter(CutWords).validate_python(tomllib.loads(path.read_text(encoding="utf-8")))


def pieces_of(words: Sequence[Word], language: str) -> list[list[Word]]:
    """Return one speaker's words cut into lines, all of them and in order.

    Args:
        words: of one speaker, nobody else's between them.
        language: two letters.
    """
    pieces: list[list[Word]] = []
    for word in words:
        if pieces and not _must_cut(pieces[-1], word):
            pieces[-1].append(word)
        else:
            pieces.append([word])
    return [line for piece in pieces for line in _shortened(piece, cut_words(language))]


def question_like(text: str, language: str) -> bool:
    """Tell whether a sentence without a mark begins as questions do."""
    lists = cut_words(language)
    words = [re.sub(r"[^\w']", "", word).casefold() for word in text.split()]
    if len(words) < 2:
        return False
    first, _, short = words[0].partition("'")  # "what's"
    if first in lists.asking:
        return True
    if first in lists.questions:
        return bool(short) or words[1] in lists.auxiliaries
    return words[0] in lists.auxiliaries and words[1] in lists.subjects


def _must_cut(own: Sequence[Word], following: Word) -> bool:
    pause_s = following.start_s - max(word.end_s for word in own[-2:])
    if pause_s >= PAUSE_S:
        return True
    if own[-1].text.rstrip("\"'»”’)]").endswith(ENDS) and not _TITLE.fullmatch(own[-1].text):
        return True
    return pause_s >= LONG_PAUSE_S and own[-1].end_s - own[0].start_s >= LONG_S


def _shortened(words: list[Word], lists: CutWords) -> list[list[Word]]:
    """Return the words in lines that are short enough, by the cheapest set of cuts."""
    if _fits(words):
        return [words]
    count = len(words)
    starts = [word.start_s for word in words]
    chars = [0]
    for word in words:
        chars.append(chars[-1] + len(word.text) + 1)
    best, came = [0.0] + [float("inf")] * count, [0] * (count + 1)
    prices = [0.0, *(_price(words[i - 1], words[i], lists) for i in range(1, count)), 0.0]
    for end in range(1, count + 1):
        for start in range(end - 1, -1, -1):
            length_s = words[end - 1].end_s - starts[start]
            length = chars[end] - chars[start] - 1
            if end - start > 1 and (length_s > MOST_S or length > MOST_CHARS):
                break
            fill = max(length_s / MOST_S, length / MOST_CHARS)
            orphan = _ORPHAN if end - start < FEWEST_WORDS else 0.0
            cost = best[start] + 1.0 + 4.0 * (1.0 - fill) ** 2 + orphan + prices[end]
            if cost < best[end]:
                best[end], came[end] = cost, start
    cuts = [count]
    while cuts[-1] > 0:
        cuts.append(came[cuts[-1]])
    cuts.reverse()
    return [words[a:b] for a, b in pairwise(cuts)]


def _fits(words: Sequence[Word]) -> bool:
    length_s = words[-1].end_s - words[0].start_s
    return length_s <= MOST_S and sum(len(word.text) + 1 for word in words) - 1 <= MOST_CHARS


def _price(left: Word, right: Word, lists: CutWords) -> float:
    """Return what a cut between two words costs: less where one pauses or a clause begins."""
    before = re.sub(r"[^\w']", "", left.text).casefold()
    after = re.sub(r"[^\w']", "", right.text).casefold()
    price = 4.0 - _PAUSE_GAIN * min(max(right.start_s - left.end_s, 0.0), PAUSE_S)
    if left.text.endswith(_COMMA):
        price -= _COMMA_GAIN
    if after in lists.clauses:
        price -= _CLAUSE
    elif after in lists.before:
        price -= _BEFORE
    is_tied = before in lists.tied or before in lists.before or before in lists.clauses
    return price + (_TIE if is_tied else 0.0)
