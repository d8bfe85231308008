"""Words and who says them, made into lines: one sentence of one speaker each."""

from collections.abc import Sequence
from dataclasses import dataclass

from media.cues import Cue
from media.speech import Span, Turn, Word

PAUSE_S, LONG_PAUSE_S = 0.6, 0.35
MOST_S, LONG_S = 7.0, 3.5
JOIN_GAP_S = 0.4
ENDS = (".", "!", "?", "…")


@dataclass(frozen=True, slots=True)
class Sentence:
    """What one speaker says in one go."""

    speaker: str
    start_s: float
    end_s: float
    text: str
    words: tuple[Word, ...] = ()


def sentences_from_words(
    words: Sequence[Word], turns: Sequence[Turn], language: str
) -> tuple[Sentence, ...]:
    """Cut words into sentences: at speakers, pauses, punctuation, and where they get long."""
    groups: list[tuple[str, list[Word]]] = []
    for word in words:
        speaker = speaker_at(Span(word.start_s, word.end_s), turns)
        if groups and groups[-1][0] == speaker and not _ends(groups[-1][1], word):
            groups[-1][1].append(word)
        else:
            groups.append((speaker, [word]))
    return tuple(
        Sentence(
            speaker,
            own[0].start_s,
            own[-1].end_s,
            tidy(" ".join(each.text for each in own), language),
            tuple(own),
        )
        for speaker, own in groups
    )


def sentences_from_cues(cues: Sequence[Cue], turns: Sequence[Turn]) -> tuple[Sentence, ...]:
    """Join the cues that continue one sentence of one speaker."""
    found: list[Sentence] = []
    for cue in cues:
        text = " ".join(cue.text.split())
        speaker = cue.speaker or speaker_at(Span(cue.start_s, cue.end_s), turns)
        last = found[-1] if found else None
        if (
            last is not None
            and last.speaker == speaker
            and cue.start_s - last.end_s < JOIN_GAP_S
            and not last.text.endswith(ENDS)
            and cue.end_s - last.start_s <= MOST_S
        ):
            found[-1] = Sentence(speaker, last.start_s, cue.end_s, f"{last.text} {text}")
        else:
            found.append(Sentence(speaker, cue.start_s, cue.end_s, text))
    return tuple(found)


def speaker_at(span: Span, turns: Sequence[Turn]) -> str:
    """Return whose turn shares most time with `span`, else the nearest one's."""
    if not turns:
        return "S1"

    def far(turn: Turn) -> tuple[float, float]:
        shared_s = Span(turn.start_s, turn.end_s).overlap_s(span)
        apart_s = max(turn.start_s - span.end_s, span.start_s - turn.end_s, 0.0)
        return -shared_s, apart_s

    return min(turns, key=far).speaker


def tidy(text: str, language: str) -> str:
    """Give a draft transcript a capital letter, a full stop, and English its «I»."""
    words = text.split()
    if language == "en":
        words = ["I" + w[1:] if w == "i" or w.startswith("i'") else w for w in words]
    line = " ".join(words)
    line = line[:1].upper() + line[1:]
    return line if not line or line.endswith(ENDS) else f"{line}."


def _ends(own: Sequence[Word], following: Word) -> bool:
    pause_s = following.start_s - own[-1].end_s
    length_s = following.end_s - own[0].start_s
    if own[-1].text.endswith(ENDS) or pause_s >= PAUSE_S or length_s > MOST_S:
        return True
    return pause_s >= LONG_PAUSE_S and own[-1].end_s - own[0].start_s >= LONG_S
