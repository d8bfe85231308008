"""From what stretches of speech sound like to who speaks when; any kind of voice vector will do."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from media.audio import AudioFile
from media.listen import Wave, mono_cut
from media.speech import Span, Turn
from studio.progress import Progress

RATE_HZ = 16_000
WINDOW_S, HOP_S = 1.6, 0.4
MOST = 1500  # windows that are compared each with each; more are thinned out evenly
BATCH = 64  # windows judged at once
READ_S = 30.0
Vectors: TypeAlias = NDArray[np.float32]
"""(windows, size), each of length 1: their scalar product says how alike two voices are."""
Embed: TypeAlias = Callable[[Sequence[Wave]], Vectors]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When two stretches are the same person; measured for one kind of vector."""

    apart: float  # mean distance (1 - product) from which windows are not joined
    alike: float  # product of two speakers' means from which they are one
    few: int = 4  # windows; a speaker with fewer joins the next one if that is not too far
    far: float = 0.12  # how much less alike that may be
    staying: float = 0.05  # advantage of not changing the speaker from window to window


@dataclass(frozen=True, slots=True)
class Window:
    """A short stretch that is judged as a whole."""

    span: int  # index of the stretch of speech in which it lies
    start_s: float
    end_s: float


def diarize(
    audio: AudioFile,
    speech: Sequence[Span],
    speakers: int,
    *,
    embed: Embed,
    rules: Rules,
    progress: Progress,
    batch: int = BATCH,
) -> tuple[Turn, ...]:
    """Return the turns: windows become vectors, vectors become speakers, speakers become turns.

    Args:
        audio: the voice, any rate.
        speech: where people speak.
        speakers: how many there are, or 0 to find out.
        embed: waves of `WINDOW_S` at 16 kHz (shorter ones where the speech is) to vectors.
        rules: for these vectors.
        progress: seconds of speech done, of all; told after every batch.
        batch: how many waves `embed` gets at once.
    """
    spans = sorted((each for each in speech if each.duration_s > 0), key=lambda s: s.start_s)
    if not spans:
        return ()
    windows = [each for index, span in enumerate(spans) for each in _windows(index, span)]
    parts: list[Vectors] = []
    whole_s, held = int(sum(each.duration_s for each in spans)), list[Wave]()
    for index, wave in enumerate(_waves(audio, spans, windows)):
        held.append(wave)
        if len(held) == batch or index + 1 == len(windows):
            parts.append(embed(held))
            held = []
            progress(min(whole_s, round((index + 1) / len(windows) * whole_s)), whole_s)
    vectors = np.concatenate(parts)
    voices = speakers_of(vectors, speakers, rules)
    labels = _steady(vectors @ voices.T, [each.span for each in windows], rules.staying)
    return tuple(_turns(spans, windows, labels))


def speakers_of(vectors: Vectors, speakers: int, rules: Rules) -> Vectors:
    """Return one mean vector for each speaker, (speakers, size)."""
    hierarchy: Any = import_module("scipy.cluster.hierarchy")  # heavy, and without types
    some = vectors[np.unique(np.linspace(0, len(vectors) - 1, MOST).astype(int))]
    if len(some) == 1 or speakers == 1:
        return _unit(some.mean(axis=0, keepdims=True))
    labels: NDArray[np.int32]
    if speakers:
        labels = hierarchy.fcluster(hierarchy.linkage(some, "ward"), speakers, "maxclust")
        return _means(some, labels)
    tree = hierarchy.linkage(some, "average", metric="cosine")
    labels = hierarchy.fcluster(tree, rules.apart, "distance")
    while True:
        joined = _join(some, labels, rules)
        if joined is None:
            return _means(some, labels)
        labels = joined


def _join(vectors: Vectors, labels: NDArray[np.int32], rules: Rules) -> NDArray[np.int32] | None:
    """Join the two speakers that are most alike, or a rare one with the next; None: all differ."""
    names, counts = np.unique(labels, return_counts=True)
    if len(names) == 1:
        return None
    means = _means(vectors, labels)
    alike = means @ means.T - 2 * np.eye(len(names), dtype=np.float32)
    one, other = (int(each) for each in np.unravel_index(int(alike.argmax()), alike.shape))
    if alike[one, other] > rules.alike:
        return np.where(labels == names[one], names[other], labels)
    rare = int(counts.argmin())
    if counts[rare] < rules.few and alike[rare].max() > rules.alike - rules.far:
        return np.where(labels == names[rare], names[int(alike[rare].argmax())], labels)
    return None


def _means(vectors: Vectors, labels: NDArray[np.int32]) -> Vectors:
    return _unit(np.stack([vectors[labels == name].mean(axis=0) for name in np.unique(labels)]))


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def _steady(score: Vectors, span: Sequence[int], staying: float) -> NDArray[np.int64]:
    """Return the best speaker of each window where changing costs `staying` (Viterbi 1967).

    Args:
        score: (windows, speakers).
        span: in which stretch of speech each window lies; between two, changing is cheaper.
        staying: what a change costs.
    """
    best: Vectors = score[0].copy()
    came = np.zeros(score.shape, dtype=np.int64)
    for index in range(1, len(score)):
        cost = staying if span[index] == span[index - 1] else 0.3 * staying
        top = int(best.argmax())
        changed = np.full_like(best, best[top] - cost)
        stay = best >= changed
        came[index] = top
        came[index, stay] = np.flatnonzero(stay)
        best = np.maximum(best, changed) + score[index]
    labels = np.empty(len(score), dtype=np.int64)
    labels[-1] = int(best.argmax())
    for index in range(len(score) - 1, 0, -1):
        labels[index - 1] = came[index, labels[index]]
    return labels


def _turns(
    spans: Sequence[Span], windows: Sequence[Window], labels: NDArray[np.int64]
) -> Iterator[Turn]:
    """Yield turns inside the stretches of speech; speakers are named as they are first heard."""
    names: dict[int, str] = {}
    open_turn: Turn | None = None
    for index, (window, label) in enumerate(zip(windows, labels.tolist(), strict=True)):
        name = names.setdefault(label, f"S{len(names) + 1}")
        span = spans[window.span]
        follows = index + 1 < len(windows) and windows[index + 1].span == window.span
        end_s = _border_s(window, windows[index + 1]) if follows else span.end_s
        if open_turn is not None and open_turn.speaker == name:
            open_turn = Turn(name, open_turn.start_s, end_s)
        else:
            if open_turn is not None:
                yield open_turn
            start_s = open_turn.end_s if open_turn is not None else span.start_s
            open_turn = Turn(name, start_s, end_s)
        if not follows:
            yield open_turn
            open_turn = None


def _border_s(one: Window, other: Window) -> float:
    return (one.start_s + one.end_s + other.start_s + other.end_s) / 4


def _windows(index: int, span: Span) -> Iterator[Window]:
    """Yield the windows of one stretch: it is covered to its end, a short one by a single window."""
    count = max(0, int((span.duration_s - WINDOW_S) / HOP_S + 1e-9)) + 1
    for step in range(count):
        start_s = span.start_s + step * HOP_S
        yield Window(index, start_s, min(span.end_s, start_s + WINDOW_S))
    last_s = span.end_s - WINDOW_S
    if last_s > span.start_s + (count - 1) * HOP_S + HOP_S / 4:
        yield Window(index, last_s, span.end_s)


def _waves(audio: AudioFile, spans: Sequence[Span], windows: Sequence[Window]) -> Iterator[Wave]:
    """Yield the sound of each window, reading half a minute at a time."""
    held, from_s, to_s = np.zeros(0, np.float32), 0.0, 0.0
    for window in windows:
        if window.end_s > to_s or window.start_s < from_s:
            from_s = window.start_s
            to_s = max(window.end_s, min(spans[window.span].end_s, from_s + READ_S))
            held = mono_cut(audio, RATE_HZ, from_s, to_s)
        first, last = (round((t - from_s) * RATE_HZ) for t in (window.start_s, window.end_s))
        yield held[first:last]
