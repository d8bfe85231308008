"""Speech detection with Silero VAD: from probabilities to stretches of speech."""

from collections.abc import Iterator
from dataclasses import dataclass

from media.audio import AudioFile
from media.speech import Span
from media.voicing import FRAME_S, Probabilities, speech_probabilities
from studio.progress import Progress


@dataclass(frozen=True, slots=True)
class Rules:
    """How probabilities become stretches of speech."""

    on: float = 0.5  # probability at which speech begins
    off: float = 0.35  # probability below which it may end
    shortest_s: float = 0.25
    gap_s: float = 0.35  # shorter pauses belong to the speech
    pad_s: float = 0.08  # kept on both sides


class Silero:
    """Silero VAD.

    Args:
        on: probability at which speech begins.
        off: probability below which it may end.
        pad_s: how much is kept before and after.
    """

    def __init__(self, on: float = 0.5, off: float = 0.35, pad_s: float = 0.08) -> None:
        self._rules = Rules(on=on, off=off, pad_s=pad_s)

    def detect(self, audio: AudioFile, progress: Progress) -> tuple[Span, ...]:
        """Return the stretches of speech. See `engines.roles.SpeechDetector`."""
        whole_s = int(audio.duration_s)
        progress(0, whole_s)
        found = speech_probabilities(audio, lambda done_s: progress(int(done_s), whole_s))
        return spans(found, audio.duration_s, self._rules)


def spans(probability: Probabilities, duration_s: float, rules: Rules) -> tuple[Span, ...]:
    """Turn the probability of speech, one per frame, into stretches inside 0..`duration_s`."""
    found: list[Span] = []
    for start, end in _runs(probability, rules):
        span = Span(
            max(0.0, start * FRAME_S - rules.pad_s), min(duration_s, end * FRAME_S + rules.pad_s)
        )
        if found and span.start_s - found[-1].end_s < rules.gap_s:
            found[-1] = Span(found[-1].start_s, span.end_s)
        else:
            found.append(span)
    # A single frame with its padding is a click, not a word.
    least_s = rules.shortest_s + rules.pad_s
    whole = [each for each in found if each.duration_s >= min(least_s, duration_s)]
    return tuple(each for each in whole if each.duration_s >= rules.shortest_s)


def _runs(probability: Probabilities, rules: Rules) -> Iterator[tuple[int, int]]:
    """Yield (first, after last) frame of each run: it begins at `on` and ends below `off`."""
    start: int | None = None
    for index, value in enumerate(probability.tolist()):
        if start is None and value >= rules.on:
            start = index
        elif start is not None and value < rules.off:
            yield start, index
            start = None
    if start is not None:
        yield start, probability.size
