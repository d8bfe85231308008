"""Words and who says them, made into lines: one sentence of one speaker each."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby

from media.cues import Cue
from media.sentence_cuts import (
    ENDS,
    JOIN_GAP_S,
    MOST_CHARS,
    MOST_S,
    pieces_of,
    question_like,
)
from media.speech import Span, Turn, Word

STRAY_WORDS, STRAY_S = 1, 0.6  # so little inside another's speech is a slip of the turns
SHORTEST_S = 1.2


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
    """Cut words into sentences: at speakers, pauses, punctuation, and where they get long.

    Args:
        words: in the order in which they are said; every one lands in one sentence.
        turns: who speaks when; without any, all is said by "S1".
        language: of the words, two letters.
    """
    kept = _lasting(words)
    near = _Near(turns)
    spans = (Span(word.start_s, word.end_s) for word in kept)
    speakers = _smooth(kept, [speaker_at(span, near.turns(span)) for span in spans])
    found: list[Sentence] = []
    for speaker, group in groupby(zip(speakers, kept, strict=True), key=lambda each: each[0]):
        pieces = pieces_of([word for _, word in group], language)
        found.extend(_sentence(speaker, piece, language) for piece in pieces)
    return tuple(_merged(found, language))


def sentences_from_cues(cues: Sequence[Cue], turns: Sequence[Turn]) -> tuple[Sentence, ...]:
    """Join the cues that continue one sentence of one speaker, in the order of their times.

    Args:
        cues: subtitles of what is spoken.
        turns: who speaks when, for cues that do not name their speaker.
    """
    found: list[Sentence] = []
    for cue in sorted(cues, key=lambda each: (each.start_s, each.end_s)):
        text = " ".join(cue.text.split())
        speaker = cue.speaker or speaker_at(Span(cue.start_s, cue.end_s), turns)
        last = found[-1] if found else None
        if last is not None and last.speaker == speaker and _continues(last, cue):
            found[-1] = Sentence(
                speaker, last.start_s, max(last.end_s, cue.end_s), f"{last.text} {text}"
            )
        else:
            found.append(Sentence(speaker, cue.start_s, cue.end_s, text))
    return tuple(found)


def speaker_at(span: Span, turns: Sequence[Turn]) -> str:
    """Return whose turn shares most time with `span`, else the nearest one's."""
    if not turns:
        return "S1"

    def far(turn: Turn) -> tuple[float, float, float]:
        shared_s = Span(turn.start_s, turn.end_s).overlap_s(span)
        apart_s = max(turn.start_s - span.end_s, span.start_s - turn.end_s, 0.0)
        return -shared_s, apart_s, turn.end_s - turn.start_s  # inside a long turn, the short one

    return min(turns, key=far).speaker


def tidy(text: str, language: str) -> str:
    """Give a draft transcript a capital letter, its full stop or question mark, English its «I»."""
    words = text.split()
    if language == "en":
        words = [_english_i(word) for word in words]
    line = " ".join(words)
    first = next((i for i, c in enumerate(line) if c.isalnum()), 0)
    line = f"{line[:first]}{line[first : first + 1].upper()}{line[first + 1 :]}"
    if not line or line.rstrip("\"'»”’)]").endswith(ENDS):
        return line
    line = line.rstrip(",;:-–— ") or line
    return f"{line}?" if question_like(line, language) else f"{line}."


class _Near:
    """Finds the few turns that can be the one of a word, among the thousands of a long track."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = sorted(turns, key=lambda turn: (turn.start_s, turn.end_s))
        self._starts = [turn.start_s for turn in self._turns]
        self._longest_s = max((turn.end_s - turn.start_s for turn in turns), default=0.0)
        self._latest = list(accumulate(self._turns, _later))

    def turns(self, span: Span) -> list[Turn]:
        """Return the turns that overlap `span`, and the nearest before and behind it."""
        first = bisect_left(self._starts, span.start_s - self._longest_s)
        last = bisect_right(self._starts, span.end_s) + 1
        return [*self._latest[max(0, first - 1) : first], *self._turns[first:last]]


def _later(turn: Turn, other: Turn) -> Turn:
    return other if other.end_s > turn.end_s else turn


def _lasting(words: Sequence[Word]) -> list[Word]:
    """Return the words in order, each with some length and none before the one before it."""
    kept: list[Word] = []
    for word in words:
        start_s = max(word.start_s, kept[-1].start_s if kept else 0.0)
        end_s = max(word.end_s, start_s + 0.01)
        is_same = start_s == word.start_s and end_s == word.end_s
        kept.append(word if is_same else replace(word, start_s=start_s, end_s=end_s))
    return kept


def _smooth(words: Sequence[Word], speakers: Sequence[str]) -> list[str]:
    """Give a single stray word to the speaker around it, where nobody pauses."""
    runs = [
        (speaker, [i for i, _ in group])
        for speaker, group in groupby(enumerate(speakers), key=lambda each: each[1])
    ]
    smooth = list(speakers)
    for before, here, after in zip(runs, runs[1:], runs[2:], strict=False):
        first, last = here[1][0], here[1][-1]
        is_stray = len(here[1]) <= STRAY_WORDS and before[0] == after[0]
        length_s = words[last].end_s - words[first].start_s
        gap_s = max(
            words[first].start_s - words[first - 1].end_s,
            words[last + 1].start_s - words[last].end_s,
        )
        if (
            is_stray
            and length_s <= STRAY_S
            and gap_s < JOIN_GAP_S
            and smooth[first - 1] == before[0]
        ):
            ends = words[first - 1].text.endswith(ENDS) and words[last].text.endswith(ENDS)
            for i in here[1]:
                smooth[i] = speakers[i] if ends else before[0]  # "Ready?" "Yes." "Good."
    return smooth


def _sentence(speaker: str, words: Sequence[Word], language: str) -> Sentence:
    text = tidy(" ".join(word.text for word in words), language)
    end_s = max(word.end_s for word in words)
    return Sentence(speaker, words[0].start_s, end_s, text, tuple(words))


def _merged(sentences: Sequence[Sentence], language: str) -> list[Sentence]:
    """Join what is too short to be spoken well to the same speaker's neighbour, if that is near."""
    found: list[Sentence] = []
    for each in sentences:
        if found and _belongs(found[-1], each):
            found[-1] = _sentence(each.speaker, [*found[-1].words, *each.words], language)
        else:
            found.append(each)
    return found


def _belongs(last: Sentence, following: Sentence) -> bool:
    shortest_s = min(last.end_s - last.start_s, following.end_s - following.start_s)
    return (
        last.speaker == following.speaker
        and shortest_s < SHORTEST_S
        and following.start_s - last.end_s < JOIN_GAP_S
        and following.end_s - last.start_s <= MOST_S
        and len(last.text) + 1 + len(following.text) <= MOST_CHARS
    )


def _continues(last: Sentence, cue: Cue) -> bool:
    return (
        -MOST_S < cue.start_s - last.end_s < JOIN_GAP_S
        and not last.text.rstrip("\"'»”’)]").endswith(ENDS)
        and cue.end_s - last.start_s <= MOST_S
    )


def _english_i(word: str) -> str:
    bare = word.rstrip(".,;:!?…").replace("’", "'")
    is_me = bare == "i" or bare in {"i'm", "i've", "i'll", "i'd"}
    return f"I{word[1:]}" if is_me else word
