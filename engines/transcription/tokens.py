"""From Whisper's tokens to words with times."""

from collections.abc import Sequence
from dataclasses import dataclass

from media.speech import Span, Word

TICK_S = 0.02  # of a timestamp token
SHORTEST_S = 0.02
STOPS = "。！？，、；："  # after which a text without spaces may be parted


@dataclass(frozen=True, slots=True)
class Utterance:
    """A piece of text between two timestamps, seconds from the beginning of its window."""

    tokens: tuple[int, ...]
    start_s: float
    end_s: float
    log_prob: float  # natural, mean over its tokens


def utterances(
    tokens: Sequence[int], log_probs: Sequence[float], begin: int, window_s: float
) -> list[Utterance]:
    """Part what was decoded at its timestamps; what has no end lasts until the window's end.

    Args:
        tokens: of one window, without prompt and end.
        log_probs: one for each token.
        begin: the token that says 0.00 s.
        window_s: how long the window is; times beyond are not believed.
    """
    found: list[Utterance] = []
    text: list[int] = []
    chances: list[float] = []
    start_s = 0.0

    def close(end_s: float) -> None:
        if text:
            end_s = min(window_s, end_s)
            own_s = max(0.0, min(start_s, end_s - SHORTEST_S))
            mean = sum(chances) / len(chances)
            found.append(Utterance(tuple(text), own_s, max(end_s, own_s + SHORTEST_S), mean))
        text.clear()
        chances.clear()

    for token, chance in zip(tokens, log_probs, strict=True):
        if token < begin:
            text.append(token)
            chances.append(chance)
            continue
        at_s = (token - begin) * TICK_S
        close(at_s)
        start_s = at_s
    close(window_s)
    return found


def shared_out(text: str, own: Span, speech: Sequence[Span], confidence: float) -> tuple[Word, ...]:
    """Return the words of an utterance, its time shared out among them by their letters.

    Only the time in which people speak is shared out, where there is any.

    Args:
        text: the utterance.
        own: from when to when it lasts.
        speech: where people speak, in order.
        confidence: of each word.
    """
    parts = parted(text)
    under = [
        Span(max(own.start_s, each.start_s), min(own.end_s, each.end_s))
        for each in speech
        if each.overlap_s(own) > SHORTEST_S
    ] or [own]
    letters = [len(part) + 1 for part in parts]  # one for the breath after it
    total_s, total = sum(each.duration_s for each in under), max(1, sum(letters))
    words: list[Word] = []
    done = 0
    for part, size in zip(parts, letters, strict=True):
        start_s = _at(under, done / total * total_s, opens=True)
        done += size
        end_s = max(_at(under, done / total * total_s, opens=False), start_s + SHORTEST_S / 2)
        words.append(Word(part, round(start_s, 3), round(end_s, 3), confidence))
    return tuple(words)


def parted(text: str) -> list[str]:
    """Return the words of a text; in scripts without spaces, what stands between two stops."""
    for stop in STOPS:
        text = text.replace(stop, f"{stop} ")
    return [part for part in text.split() if any(c.isalnum() for c in part)] or []


def _at(under: Sequence[Span], after_s: float, *, opens: bool) -> float:
    """Return when `after_s` of the speech has passed; at a border the next or the last span."""
    for each in under:
        if after_s < each.duration_s or (not opens and after_s <= each.duration_s + 1e-9):
            return each.start_s + max(0.0, after_s)
        after_s -= each.duration_s
    return under[-1].end_s
