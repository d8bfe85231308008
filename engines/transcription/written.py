"""Which written word each spoken word belongs to: "$5" is heard as "five dollars"."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from media.spoken import spoken


def spoken_words(words: Sequence[str], language: str) -> list[list[str]]:
    """Return, for each written word, the words that are heard for it; maybe none.

    The text is said as a whole, since neighbours decide ("$5 million"); then both are laid side by
    side, and what was reworded is shared out by the length of each word said alone.

    Args:
        words: as written, without spaces.
        language: ISO 639-1.
    """
    heard = spoken(" ".join(words), language).split()
    found: list[list[str]] = [[] for _ in words]
    matcher = SequenceMatcher(None, [_bare(w) for w in words], [_bare(w) for w in heard], False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            for i, j in zip(range(i1, i2), range(j1, j2), strict=True):
                found[i].append(heard[j])
        elif i2 > i1:
            _share(words[i1:i2], heard[j1:j2], found[i1:i2], language)
        elif found:  # said, but not written: the word before it takes it
            found[max(0, i1 - 1)] += heard[j1:j2]
    return found


def _share(
    words: Sequence[str], heard: Sequence[str], found: Sequence[list[str]], language: str
) -> None:
    """Share `heard` out among `words` in order, by how much each has to say."""
    weights = [max(1, len(spoken(word, language))) for word in words]
    total, letters, at = sum(weights), max(1, sum(map(len, heard))), 0.0
    for word in heard:
        middle = (at + len(word) / 2) / letters * total
        index, end = 0, weights[0]
        while index < len(weights) - 1 and middle > end:
            index += 1
            end += weights[index]
        found[index].append(word)
        at += len(word)


def _bare(word: str) -> str:
    return "".join(c for c in word.lower() if c.isalnum() or c == "'")
