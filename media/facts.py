"""What a translation must not lose: numbers, names, and the terms of a glossary. No models."""

import re
from collections import Counter
from collections.abc import Sequence

from media.spoken_numbers import plain_digits, words_of

Glossary = Sequence[tuple[str, str]]  # (term of the source, term of the target)

_NUMBER = re.compile(r"\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?!\d)|\d+(?:[.,:]\d+)*")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"”»')]*\s+")
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_NO_NAMES = frozenset({"i", "i'm", "i've", "i'll", "i'd", "i’m", "i’ve", "i’ll", "i’d"})
_UNSPACED = re.compile(  # scripts without gaps between words
    r"[\u0e00-\u0eff\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff]"
)
_ENDING = 3  # letters by which an inflected term may be longer
_ONE = 1  # is "a" in every language: nobody misses it
_MOST_WORDED = 10**6  # larger numbers are hardly written out


def numbers(text: str) -> Counter[str]:
    """Return the numbers written in digits, without the signs between them."""
    found = _NUMBER.findall(plain_digits(text))
    return Counter(re.sub(r"\D", "", each) for each in found)


def names(text: str) -> Counter[str]:
    """Return the words with a capital inside a sentence; in German, these are all nouns."""
    inside = [word for part in _SENTENCE.split(text) for word in _WORD.findall(part)[1:]]
    return Counter(w for w in inside if w[0].isupper() and w.casefold() not in _NO_NAMES)


def keeps(text: str, original: str) -> bool:
    """Tell whether `text` has every number and name of `original`, in the same language.

    A name that moved to the head of a sentence counts; a noun of German that went does not.
    """
    if numbers(original) - numbers(text):
        return False
    there = {word.casefold() for word in _WORD.findall(text)}
    return all(name.casefold() in there for name in names(original))


def lost_numbers(said: str, translation: str, language: str) -> tuple[str, ...]:
    """Return the numbers of `said` that `translation` has neither in digits nor in words.

    Args:
        said: the source text.
        translation: what became of it.
        language: of the translation, ISO 639-1.
    """
    lost = numbers(said) - numbers(translation)
    written = translation.casefold()
    return tuple(each for each in lost if not _is_worded(int(each), written, language))


def lost_terms(said: str, translation: str, glossary: Glossary) -> tuple[tuple[str, str], ...]:
    """Return the glossary's pairs whose source term is in `said`, and target term not in `translation`."""
    return tuple(
        (term, wanted)
        for term, wanted in glossary
        if _has(said, term, r"s?") and not _has(translation, wanted, rf"\w{{0,{_ENDING}}}")
    )


def _is_worded(number: int, written: str, language: str) -> bool:
    if number == _ONE:
        return True
    words = words_of(number, language) if number <= _MOST_WORDED else None
    return words is not None and words.casefold() in written


def _has(text: str, term: str, ending: str) -> bool:
    pattern = r"\s+".join(re.escape(word) for word in term.split())
    if not _UNSPACED.search(term):
        pattern = rf"(?<!\w){pattern}{ending}(?!\w)"
    return re.search(pattern, text, re.IGNORECASE) is not None
