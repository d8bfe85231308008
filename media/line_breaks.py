"""Where a text may be broken: after punctuation, before small words, never after an article."""

import unicodedata
from collections.abc import Sequence
from itertools import accumulate, pairwise

AFTER_SENTENCE, AFTER_CLAUSE, BEFORE_LINK, ANYWHERE, IN_NAME, AFTER_SMALL = (
    0.0,
    0.3,
    0.6,
    1.5,
    3.0,
    8.0,
)
SENTENCE_ENDS = frozenset(".!?…。！？؟।")
CLAUSE_ENDS = frozenset(",;:，、；：،؛—–")
CLOSERS = frozenset("\"'”’»)]』」）】》")
NO_LINE_START = frozenset(
    "、。，．！？；：）」』】》〉〕］｝ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮーゝゞ々…‥・"
)
NO_LINE_END = frozenset("（「『【《〈〔［｛")

# Small words that belong to what follows: articles, prepositions, conjunctions, determiners.
_ARTICLES = {
    "en": "a an the my your his her its our their this that these those no every each some any",
    "es": "el la los las lo un una unos unas al del mi tu su mis tus sus este esta ese esa cada",
    "fr": "le la les l' un une des du au aux mon ton son ma ta sa mes tes ses ce cet cette ces leur",
    "de": "der die das den dem des ein eine einen einem einer eines mein dein sein ihr kein keine im am zum zur",
    "it": "il lo la i gli le l' un uno una del della dei delle al alla nel nella mio mia tuo tua suo sua",
    "pt": "o a os as um uma uns umas do da dos das no na nos nas ao meu minha seu sua este esta cada",
    "ca": "el la els les l' un una uns unes al del dels el meu seva aquest aquesta cada",
    "nl": "de het een mijn jouw zijn haar ons onze hun deze dit die dat geen elke",
}
_LINKS = {
    "en": "and but or so because if when while that which who where as than of in on at to for with from by "
    "into about after before over under without until since though although",
    "es": "y e o u pero porque si cuando mientras que quien donde como de en a con por para sin sobre hasta "
    "desde entre hacia aunque pues ni",
    "fr": "et ou mais donc car si quand que qui où comme de d' à en dans sur avec pour par sans sous chez vers "
    "depuis jusqu'à lorsque puisque parce",
    "de": "und oder aber denn weil wenn als dass ob wie wo der die das in an auf mit von zu für bei nach aus "
    "über unter ohne durch bis seit obwohl",
    "it": "e o ma perché se quando mentre che chi dove come di in a con per da su tra fra senza fino sebbene",
    "pt": "e ou mas porque se quando enquanto que quem onde como de em a com por para sem sobre até desde entre",
    "ca": "i o però perquè si quan mentre que qui on com de en a amb per sense sobre fins des entre",
    "nl": "en of maar want omdat als toen dat die wie waar zoals van in op aan met voor door bij naar uit over",
}


def pieces(text: str, is_dense: bool) -> list[str]:
    """Return what may stand on different lines, each with the space that follows it.

    Args:
        text: on one line.
        is_dense: written without spaces (Chinese, Japanese): any character may be the last.
    """
    if not is_dense:
        words = text.split()
        return [f"{word} " for word in words[:-1]] + words[-1:]
    found: list[str] = []
    for character in text:
        before = found[-1] if found else ""
        if before and _sticks(before[-1], character):
            found[-1] += character
        else:
            found.append(character)
    return found


def columns(text: str) -> int:
    """Return how many characters a reader counts: marks that sit on others are none."""
    return sum(1 for c in text if not unicodedata.combining(c) and unicodedata.category(c) != "Cf")


def penalties(parts: Sequence[str], language: str) -> list[float]:
    """Return how bad it is to break after each part but the last."""
    small = frozenset(_ARTICLES.get(language, "").split())
    links = frozenset(_LINKS.get(language, "").split())
    return [
        _penalty(before.strip(), after.strip(), small, links) for before, after in pairwise(parts)
    ]


def widths(parts: Sequence[str]) -> list[int]:
    """Return how many columns the first n parts take, for every n from 0 on."""
    return [0, *accumulate(columns(part) for part in parts)]


def _penalty(before: str, after: str, small: frozenset[str], links: frozenset[str]) -> float:
    bare = before.rstrip("".join(CLOSERS)) or before
    if bare[-1:] in SENTENCE_ENDS:
        return AFTER_SENTENCE
    if bare[-1:] in CLAUSE_ENDS:
        return AFTER_CLAUSE
    left, right = before.lower().strip("¿¡\"'«“("), after.lower().strip("¿¡\"'«“(.,;:!?…»”)")
    if left in small or left in links:
        return AFTER_SMALL if left in small else AFTER_SMALL / 2
    if right in links or after[:1] in "(«“—–-":
        return BEFORE_LINK
    if before[:1].isupper() and after[:1].isupper():
        return IN_NAME
    return ANYWHERE


def _sticks(before: str, after: str) -> bool:
    """Tell whether no line may end between two characters of a text without spaces."""
    if unicodedata.combining(after) or after in NO_LINE_START or after in "\u200d\ufe0f":
        return True
    if after == " " or before in NO_LINE_END or before == "\u200d":
        return True
    return before != " " and before.isascii() and after.isascii()
