"""How a recogniser of 30 s windows hears hours: pieces of speech packed together, cut in pauses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engines.transcription.sphinx_worker import RATE_HZ, pieces
from media.audio import AudioFile
from media.listen import Wave, mono_cut
from media.speech import Span

WINDOW_S = 30.0
MOST_GAP_S = 2.0  # a longer pause ends a window: silence makes Whisper invent text
SHORTEST_S = 0.02


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the track that is heard at once, and where people speak in it."""

    start_s: float
    end_s: float
    speech: tuple[Span, ...]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


def packed(
    spans: Sequence[Span], window_s: float = WINDOW_S, most_gap_s: float = MOST_GAP_S
) -> tuple[Window, ...]:
    """Pack stretches of speech into as few windows as reading from left to right gives.

    Args:
        spans: in order, apart, none longer than `window_s`.
        window_s: no window is longer.
        most_gap_s: no silence inside a window is longer.
    """
    windows: list[list[Span]] = []
    for each in spans:
        last = windows[-1] if windows else None
        if (
            last is not None
            and each.end_s - last[0].start_s <= window_s
            and each.start_s - last[-1].end_s <= most_gap_s
        ):
            last.append(each)
        else:
            windows.append([each])
    return tuple(Window(one[0].start_s, one[-1].end_s, tuple(one)) for one in windows)


def cut(audio: AudioFile, spans: Sequence[Span], longest_s: float = WINDOW_S) -> Iterator[Span]:
    """Yield the spans; those longer than `longest_s` in pieces, cut where it is most quiet."""
    for each in spans:
        at_s = each.start_s
        while each.end_s - at_s > longest_s:
            wave = mono_cut(audio, RATE_HZ, at_s, min(each.end_s, at_s + longest_s + 1.0))
            border_s = pieces(wave, longest_s, longest_s / 2)[1] / RATE_HZ
            yield Span(at_s, at_s + border_s)
            at_s += border_s
        if each.end_s - at_s > SHORTEST_S:
            yield Span(at_s, each.end_s)


def heard(audio: AudioFile, window: Window) -> Wave:
    """Return the sound of a window, (samples,) at 16 kHz."""
    return mono_cut(audio, RATE_HZ, window.start_s, window.end_s)


def three_of(windows: Sequence[Window]) -> tuple[Window, ...]:
    """Return the first, the middle and the last window: intros mislead about the language."""
    chosen = sorted({0, len(windows) // 2, len(windows) - 1})
    return tuple(windows[index] for index in chosen) if windows else ()
