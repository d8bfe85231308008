"""What a recogniser wrote down that nobody said: the signs of it, and what to leave out.

The limits of compression, silence and probability are those of Whisper's own decoding (Radford et
al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision", section 4.5).
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from media.speech import Span, Word

COMPRESSION_LIMIT = 2.4
SILENCE_LIMIT, DOUBTFUL_LOG_PROB = 0.6, -1.0
WORST_LOG_PROB = -1.5
MOST_LETTERS_PER_S = 30.0
REPEATS, LONGEST_REPEAT = 3, 8  # copies in a row that stay; words of what is repeated
LEAST_SPEECH_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One utterance as the recogniser gives it."""

    words: tuple[Word, ...]
    log_prob: float  # natural, mean over its tokens
    no_speech: float  # probability that nobody speaks, 0..1

    @property
    def text(self) -> str:
        """All its words."""
        return " ".join(word.text for word in self.words)


def doubt(heard: Heard, speech: Sequence[Span]) -> str:
    """Return why an utterance is not believed, or "".

    Args:
        heard: the utterance.
        speech: where people speak.
    """
    first, last = heard.words[0], heard.words[-1]
    own = Span(first.start_s, last.end_s)
    letters = sum(len(word.text) for word in heard.words)
    signs = {
        "nobody speaks there": sum(own.overlap_s(each) for each in speech) < LEAST_SPEECH_S,
        "it is silence to the recogniser": heard.no_speech > SILENCE_LIMIT
        and heard.log_prob < DOUBTFUL_LOG_PROB,
        "it repeats itself": compression_ratio(heard.text) > COMPRESSION_LIMIT,
        "the recogniser guessed": heard.log_prob < WORST_LOG_PROB,
        "nobody speaks so fast": letters > MOST_LETTERS_PER_S * max(0.1, own.duration_s),
    }
    return next((why for why, is_so in signs.items() if is_so), "")


def compression_ratio(text: str) -> float:
    """Return how many times smaller `text` becomes by zlib; text that repeats itself: above 2.4."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0


def without_loops(words: Sequence[Word]) -> tuple[Word, ...]:
    """Leave out what is said over and over: of equal runs of words in a row, three stay."""
    kept: list[Word] = []
    for word in words:
        kept.append(word)
        for size in range(1, LONGEST_REPEAT + 1):
            if len(kept) < size * (REPEATS + 1):
                break
            tail = [each.text.lower() for each in kept[-size * (REPEATS + 1) :]]
            if tail == tail[:size] * (REPEATS + 1):
                del kept[-size:]
                break
    return tuple(kept)


def believed(
    found: Iterable[Heard], speech: Sequence[Span]
) -> tuple[tuple[Word, ...], tuple[str, ...]]:
    """Return the words that are believed, and a sentence for each utterance that is not."""
    words: list[Word] = []
    left_out: list[str] = []
    for each in found:
        short = replace(each, words=without_loops(each.words))
        why = doubt(short, speech) if short.words else ""
        if why:
            left_out.append(_told(each, why))
            continue
        if len(short.words) < len(each.words):
            left_out.append(_told(each, "it repeats itself; the first times stay"))
        words += short.words
    return tuple(words), tuple(left_out)


def _told(heard: Heard, why: str) -> str:
    start_s = int(heard.words[0].start_s)
    text = heard.text if len(heard.text) <= 60 else f"{heard.text[:57]}..."
    return f'Not believed at {start_s // 60}:{start_s % 60:02d}: "{text}" ({why}).'
