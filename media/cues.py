"""A subtitle and its text: cleaned of markup, with its speaker, told from sounds that are described."""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<\d[\d:.,]*>|</>|\{\\[^{}]*\}|\{[a-z]:[^{}]*\}")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?[ \t]+([^<>]+)>", re.IGNORECASE)
_LOUD_NAME = re.compile(r"^([^\W\d_a-zß-öø-ÿ][^:\n!?…]{1,31}):(?!\d)\s*")
_NAME = re.compile(r"^([^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){0,2}):\s+(?=\S)")
_DASH = re.compile(r"^\s*(?:[-–—‐]|>>+)\s*")
_SOUND = re.compile(r"\[[^\[\]]*\]|\([^()]*\)|（[^（）]*）|【[^【】]*】|[♪♫#][^♪♫#]*[♪♫#]|[♪♫]")
_SPACE = re.compile(r"[^\S\n]+")


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle; lines of `text` are parted by a newline."""

    start_s: float
    end_s: float
    text: str
    speaker: str = ""  # as the file names it, "" where it does not

    @property
    def duration_s(self) -> float:
        """How long it is shown."""
        return self.end_s - self.start_s


def plain_text(markup: str) -> str:
    """Return what a viewer reads: no tags, no entities, no control characters, no empty lines."""
    text = markup.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
    text = html.unescape(_TAG.sub("", text)).replace("\u2028", "\n").replace("\u00a0", " ")
    text = "".join(
        c for c in text if c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs"}
    )
    if any(_needs_joiners(c) for c in text):  # there, invisible joiners are part of the spelling
        text = html.unescape(_TAG.sub("", markup)).replace("\u00a0", " ").replace("\ufeff", "")
        text = "".join(c for c in text if c == "\n" or unicodedata.category(c) not in {"Cc", "Cs"})
    lines = (_SPACE.sub(" ", line).strip() for line in text.split("\n"))
    return unicodedata.normalize("NFC", "\n".join(line for line in lines if line))


def speech_of(text: str) -> str:
    """Return what is said: without [sounds], (remarks) and ♪ songs ♪; maybe nothing."""
    lines = (_SPACE.sub(" ", _SOUND.sub(" ", line)).strip(" -–—") for line in text.split("\n"))
    return "\n".join(line for line in lines if any(c.isalnum() for c in line))


def speech_only(cues: Sequence[Cue]) -> tuple[Cue, ...]:
    """Return the cues that are spoken, without what only describes sounds."""
    spoken = (replace(cue, text=speech_of(cue.text)) for cue in cues)
    return tuple(cue for cue in spoken if cue.text)


def split_speakers(markup: str) -> list[tuple[str, str]]:
    """Return (speaker, plain text) of each person who speaks in one subtitle.

    People are told apart by `<v Name>`, or by a dash at the start of every line.
    """
    pieces = _VOICE.split(markup)
    if len(pieces) > 1:
        found = [("", plain_text(pieces[0]))]
        found += [
            (plain_text(name).replace("\n", " "), plain_text(text))
            for name, text in zip(pieces[1::2], pieces[2::2], strict=True)
        ]
        return [each for each in found if each[1]]
    text = plain_text(markup)
    lines = text.split("\n")
    dashed = [bool(_DASH.match(line)) for line in lines]
    if dashed[0] and sum(dashed) > 1:
        parts: list[str] = []
        for line, is_new in zip(lines, dashed, strict=True):
            bare = _DASH.sub("", line)
            if is_new:
                parts.append(bare)
            else:
                parts[-1] = f"{parts[-1]}\n{bare}"
        return [("", part) for part in parts if part]
    bare = _DASH.sub("", text)
    return [("", bare)] if bare else []


def with_speakers(cues: Sequence[Cue]) -> tuple[Cue, ...]:
    """Take "ANNA: " off the texts; "Anna: " only where the same name stands before several cues."""
    names = Counter(
        match[1] for cue in cues if not cue.speaker and (match := _NAME.match(cue.text))
    )
    return tuple(cue if cue.speaker else _with_speaker(cue, names) for cue in cues)


def shared_out(start_s: float, end_s: float, texts: Sequence[str]) -> list[tuple[float, float]]:
    """Return one stretch of time for each text, as long as the text is, in characters."""
    weights = [max(1, len(text)) for text in texts]
    times = [start_s]
    for weight in weights:
        times.append(times[-1] + (end_s - start_s) * weight / sum(weights))
    times[-1] = end_s
    return list(pairwise(times))


def _with_speaker(cue: Cue, names: Counter[str]) -> Cue:
    loud = _LOUD_NAME.match(cue.text)
    if loud and loud[1].upper() == loud[1] and any(c.isalpha() for c in loud[1][1:]):
        return _named(cue, loud[1], cue.text[loud.end() :])
    match = _NAME.match(cue.text)
    if match and names[match[1]] > 1 and match[1][0].isupper():
        return _named(cue, match[1], cue.text[match.end() :])
    return cue


def _named(cue: Cue, name: str, text: str) -> Cue:
    return replace(cue, speaker=name.strip(), text=text.strip()) if text.strip() else cue


def _needs_joiners(character: str) -> bool:
    """Tell whether it is of a script in which the zero-width joiners spell (Arabic to Malayalam)."""
    return "\u0600" <= character <= "\u0dff"
