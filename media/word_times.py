"""The times of words as they are written, from those of the words as they are spoken."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from media.cues import shared_out
from media.speech import Word

_MARKS = re.compile(r"[^\w']+")


def written_words(
    text: str, spoken: Sequence[Word], start_s: float, end_s: float
) -> tuple[Word, ...]:
    """Return the words of `text`, parted at spaces, each with its time.

    Words that are spoken as they are written have their own times; what is spoken otherwise
    ("25" as "twenty-five") shares the time between its neighbours, by length.

    Args:
        text: as written.
        spoken: its words as they were said, in order; maybe none.
        start_s: when the text begins.
        end_s: when it ends.
    """
    words = text.split()
    names, heard = [_name(each) for each in words], [_name(each.text) for each in spoken]
    times: list[tuple[float, float] | None] = [None] * len(words)
    for at, other, size in SequenceMatcher(None, names, heard, False).get_matching_blocks():
        for index in range(size):
            word = spoken[other + index]
            times[at + index] = (word.start_s, word.end_s)
    found: list[Word] = []
    index, now_s = 0, start_s
    while index < len(words):
        known = times[index]
        stop = index
        while stop < len(words) and times[stop] is None:
            stop += 1
        if known is not None:
            found.append(Word(words[index], *known))
            index, now_s = index + 1, known[1]
            continue
        after = times[stop] if stop < len(words) else None
        until_s = max(now_s, after[0] if after else end_s)
        shares = shared_out(now_s, until_s, words[index:stop])
        found += [Word(each, *span) for each, span in zip(words[index:stop], shares, strict=True)]
        index, now_s = stop, until_s
    return tuple(found)


def _name(word: str) -> str:
    return _MARKS.sub("", word.casefold())
