"""English as a rule-based translator likes it: no contractions, no slang."""

import re

_PARTICIPLE = re.compile(
    "been|become|begun|broken|brought|built|bought|caught|chosen|come|cost|cut|done|"
    "drawn|driven|eaten|fallen|felt|found|flown|forgotten|given|gone|got|gotten|grown|"
    "had|heard|held|kept|known|left|lost|made|met|paid|put|read|run|said|seen|sent|"
    "set|shown|shut|spent|stolen|stood|taken|taught|thought|told|understood|won|worn|"
    "written|changed|happened|started|finished|arrived",
    re.IGNORECASE,
)
_PLAIN = {
    "won't": "will not", "can't": "cannot", "shan't": "shall not", "ain't": "is not",
    "let's": "let us", "y'all": "you", "gonna": "going to", "wanna": "want to",
    "gotta": "have to", "gimme": "give me", "lemme": "let me", "kinda": "rather",
    "dunno": "do not know", "cannot": "cannot", "'em": "them", "'cause": "because",
    "coulda": "could have", "could'a": "could have", "shoulda": "should have",
    "woulda": "would have", "yeah": "yes", "yep": "yes", "nope": "no", "ok": "okay",
    "ma'am": "madam",
}  # fmt: skip
_WHO = r"(i|you|he|she|it|we|they|that|this|there|here|what|who|where|when|how|why)"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(\w+)n't\s+(i|you|he|she|it|we|they)\b", re.IGNORECASE), r"\1 \2 not"),
    (re.compile(r"\b(\w+)n't\b", re.IGNORECASE), r"\1 not"),
    (re.compile(r"\b(i)'m\b", re.IGNORECASE), r"\1 am"),
    (re.compile(r"\b(\w+)'re\b", re.IGNORECASE), r"\1 are"),
    (re.compile(r"\b(\w+)'ve\b", re.IGNORECASE), r"\1 have"),
    (re.compile(r"\b(\w+)'ll\b", re.IGNORECASE), r"\1 will"),
    (re.compile(rf"\b{_WHO}'d\s+(better|been)\b", re.IGNORECASE), r"\1 had \2"),
    (re.compile(rf"\b{_WHO}'d\b", re.IGNORECASE), r"\1 would"),
    (re.compile(r"\b(\w+)in'(?=\s|$)", re.IGNORECASE), r"\1ing"),
    (re.compile(r"\byou (guys|all|folks)\b", re.IGNORECASE), "you"),
)
_IS = re.compile(
    rf"\b{_WHO}'s(?P<rest>\s+(?:(?:not|never|already|just|always)\s+)?(?P<next>\w+))?",
    re.IGNORECASE,
)
_NOUN_IS = re.compile(r"\b(?P<noun>\w+)'s(?P<rest>\s+(?P<next>\w+))")
_TOKEN = re.compile(r"'?\b[\w']+")


def plain_english(text: str) -> str:
    """Return `text` with contractions and spoken short forms written out."""
    text = text.replace("’", "'").replace("‘", "'")
    text = _TOKEN.sub(_expanded_word, text)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = _IS.sub(_is_or_has, text)
    text = _NOUN_IS.sub(_noun_has, text)
    return re.sub(r"\bi\b", "I", text)


def _expanded_word(found: re.Match[str]) -> str:
    word = found[0]
    plain = _PLAIN.get(word.casefold())
    if plain is None:
        return word
    return plain.capitalize() if word[0].isupper() else plain


def _is_or_has(found: re.Match[str]) -> str:
    verb = "has" if _is_participle(found["next"]) else "is"
    return f"{found[1]} {verb}{found['rest'] or ''}"


def _noun_has(found: re.Match[str]) -> str:
    """Write out "the world's changed"; leave "the robot's memory", which may be a possessive."""
    if _is_participle(found["next"]):
        return f"{found['noun']} has{found['rest']}"
    return found[0]


def _is_participle(word: str | None) -> bool:
    return word is not None and _PARTICIPLE.fullmatch(word) is not None
