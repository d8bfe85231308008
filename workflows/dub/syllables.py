"""How many syllables a text has, near enough to tell how long it takes to say."""

import re
import unicodedata

BETWEEN = re.compile(r"[\s\-–—/]+")  # not by letters: marks of Indic scripts are none
PLAIN_VOWELS = frozenset("aeiouy")
ALWAYS_OWN = frozenset("аеёиоуыэюяіїєў")  # Cyrillic: every vowel is a syllable
GREEK = frozenset("αεηιουω")
GREEK_PAIRS = ("ου", "αι", "ει", "οι", "υι", "αυ", "ευ")
STRONG = frozenset("aeo")
OPEN = frozenset({"es", "it", "pt", "ca", "gl", "ro", "eu"})  # two strong vowels are two syllables
ALPHABETS = ((0x370, 0x52F),)  # Greek, whose vowels are counted by the word, and Cyrillic
HAN = ((0x3400, 0x9FFF), (0xF900, 0xFAFF))
WHOLE = ((0x900, 0xDFF), (0x3040, 0x30FF), (0xAC00, 0xD7A3))  # Indic, kana, hangul: a letter each
SMALL_KANA = frozenset("ゃゅょぁぃぅぇぉャュョァィゥェォ")
KANJI_MORAS = 1.9
DIGIT_SYLLABLES = 2.0
OTHER_LETTER = 0.5  # scripts that write few vowels, or several signs a syllable
SILENT_ENDINGS = {
    "en": re.compile(r"(?<=[aeiouy])([^aeiouy]*[^aeiouyl]|l+)e(s|d)?$"),
    "fr": re.compile(r"(?<=[^\Waeiouy])e(s|nt)?$"),
}
KEEPS_E = re.compile(r"([td]ed|[sxzc]es|ches|shes|ges)$")


def syllables(text: str, language: str) -> float:
    """Return about how many syllables `text` has; 0 without letters.

    Args:
        text: digits count two syllables each.
        language: ISO 639-1; it decides about silent letters and vowels side by side.
    """
    return sum(_of_word(word, language) for word in BETWEEN.split(text.lower()))


def _of_word(word: str, language: str) -> float:
    total = 0.0
    latin: list[str] = []
    for character in unicodedata.normalize("NFC", word):
        base = unicodedata.normalize("NFD", character)[0]
        if "a" <= base <= "z" or character in "æœøßıł":
            latin.append(character)
        elif base not in GREEK:
            total += _of_sign(character, base, language)
    if any(unicodedata.normalize("NFD", each)[0] in GREEK for each in word):
        total += _of_greek(word)
    return max(0.0, total + (_of_latin("".join(latin), language) if latin else 0.0))


def _of_sign(character: str, base: str, language: str) -> float:
    """Return the syllables of a sign that is not Latin."""
    if character.isdigit():
        return DIGIT_SYLLABLES
    code = ord(character)
    if character in SMALL_KANA or not character.isalpha():
        is_virama = "VIRAMA" in unicodedata.name(character, "")
        return -1.0 if is_virama else 0.0  # it takes the vowel of an Indic letter
    if any(low <= code <= high for low, high in ALPHABETS):
        return 1.0 if character in ALWAYS_OWN or base in ALWAYS_OWN else 0.0
    if any(low <= code <= high for low, high in HAN):
        return KANJI_MORAS if language == "ja" else 1.0
    return 1.0 if any(low <= code <= high for low, high in WHOLE) else OTHER_LETTER


def _of_greek(word: str) -> float:
    plain = "".join(unicodedata.normalize("NFD", each)[0] for each in word)
    for pair in GREEK_PAIRS:
        plain = plain.replace(pair, "α")
    return float(sum(each in GREEK for each in plain))


def _of_latin(word: str, language: str) -> float:
    ending = SILENT_ENDINGS.get(language)
    if ending is not None and not (language == "en" and KEEPS_E.search(word)):
        word = ending.sub(lambda found: found[1] or "" if language == "en" else "", word)
    count, last, last_base = 0, "", ""
    for index, character in enumerate(word):
        base = unicodedata.normalize("NFD", character)[0]
        follows = word[index + 1 : index + 2]
        vowel = base in PLAIN_VOWELS or character in "æœøı"
        if base == "y" and follows and unicodedata.normalize("NFD", follows)[0] in "aeiou":
            vowel = False
        if vowel and not _joins(last, last_base, character, base, language=language):
            count += 1
        last, last_base = (character, base) if vowel else ("", "")
    return float(max(1, count)) if len(word) > 1 or count else 0.5


def _joins(last: str, last_base: str, now: str, base: str, *, language: str) -> bool:
    """Tell whether a vowel belongs to the syllable of the vowel before it."""
    if not last:
        return False
    if language not in OPEN:
        return True
    if last_base in STRONG and base in STRONG:
        return language == "pt" and last in "ãõ"
    return not (now in "íúìù" or last in "íúìù")
