"""From how likely each voice is in each frame to who speaks when, one at a time; and long films.

What networks for diarization answer is a chance for each voice in each frame, with several voices
at once. A dub needs one speaker at a time: the most probable. Where a film has more people than a
network tells apart, it is heard in overlapping pieces, and their voices are matched here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from media.speech import Span, Turn

Chances: TypeAlias = NDArray[np.float32]
"""(frames, voices), 0..1: how likely it is that the voice is heard in the frame."""
Labels: TypeAlias = NDArray[np.int64]
FAINT = 0.2  # share of a sure chance at which one of those asked for may stand for another
AGREE = 0.5  # share of their time that two voices have in common if they are the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How chances are read."""

    frame_s: float = 0.01
    sure: float = 0.5  # from this chance on a voice is heard
    smooth_s: float = 0.21  # width of the median over time
    least_s: float = 0.3  # a shorter turn between others joins one of them


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the track, heard alone: its voices are in an order of their own."""

    first: int  # frame of the track with which it begins
    chances: Chances
    voices: NDArray[np.float32]  # (voices, size), length 1, or 0 where a voice is not known


def turns_of(
    chances: Chances, speech: Sequence[Span], speakers: int, reading: Reading
) -> tuple[Turn, ...]:
    """Return turns that fill the stretches of speech, each given to its most probable voice.

    Frames in which no voice is sure go to who is sure nearest in time; if nobody ever is, one
    speaker says all.

    Args:
        chances: from the first frame of the track; past its end the last frame counts.
        speech: where people speak.
        speakers: how many there are, at most; 0: all that are heard.
        reading: how to read `chances`.
    """
    spans = sorted((each for each in speech if each.duration_s > 0), key=lambda s: s.start_s)
    if not spans:
        return ()
    frames = [_frames_of(span, reading.frame_s) for span in spans]
    if not chances.size:
        chances = np.zeros((1, 1), np.float32)
    parts = [_smooth(chances[np.minimum(each, len(chances) - 1)], reading) for each in frames]
    heard = np.concatenate(parts)
    spoken = heard.max(axis=1) >= reading.sure
    heard = heard[:, _chosen(heard, speakers, reading.sure)]
    clear = spoken & (heard.max(axis=1) >= FAINT * reading.sure)
    labels = _settled(heard, np.concatenate(frames), clear)
    ends = np.cumsum([len(each) for each in frames])[:-1]
    least = round(reading.least_s / reading.frame_s)
    steady = [
        _without_blips(own, part, least)
        for own, part in zip(np.split(labels, ends), np.split(heard, ends), strict=True)
    ]
    return tuple(_turns(spans, frames, steady, reading.frame_s))


def join(pieces: Sequence[Piece], *, sure: float, alike: float) -> Chances:
    """Join pieces that overlap into the chances of the whole track, (frames, all voices).

    A voice of the next piece is a known one if both are heard in the overlap, at the same times;
    if one of them is silent there, if they sound alike. Pairs are chosen so that all of them
    together agree best (Kuhn 1955). Who is left and is heard at all is new.

    Args:
        pieces: in order of time, each beginning before the one before ends.
        sure: from this chance on a voice is heard.
        alike: product of two voices' vectors from which they are one.
    """
    whole, known = np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32)
    for piece in pieces:
        names = _names(whole, known, piece, sure, alike)
        count = max([known.shape[0], *(name + 1 for name in names.values())])
        known = _remembered(known, piece, names, count)
        whole = _stitched(whole, piece, names, count)
    return whole


def _names(
    whole: Chances, known: NDArray[np.float32], piece: Piece, sure: float, alike: float
) -> dict[int, int]:
    """Return, for each voice heard in the piece, its number in the whole."""
    optimize: Any = import_module("scipy.optimize")  # heavy, and without types
    heard = np.flatnonzero((piece.chances > sure).any(axis=0))
    names: dict[int, int] = {}
    if known.shape[0] and heard.size:
        score = np.array(
            [
                [_sameness(whole, known, piece, (int(new), old), sure) for old in range(len(known))]
                for new in heard
            ]
        )
        score[(score <= 1) & (score < alike)] = -1.0
        rows: Labels
        columns: Labels
        rows, columns = optimize.linear_sum_assignment(-score)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if score[row, column] > 0:
                names[int(heard[row])] = column
    fresh = known.shape[0]
    for new in heard.tolist():
        if new not in names:
            names[new], fresh = fresh, fresh + 1
    return names


def _sameness(
    whole: Chances, known: NDArray[np.float32], piece: Piece, pair: tuple[int, int], sure: float
) -> float:
    """Return 1..2 if both agree in the overlap, -1 if they do not, else how alike they sound."""
    new, old = pair
    shared = max(0, len(whole) - piece.first)
    one, other = piece.chances[:shared, new], whole[piece.first :, old][: len(piece.chances)]
    if (one > sure).any() and (other > sure).any():
        common = np.minimum(one, other).sum() / max(1e-9, float(np.maximum(one, other).sum()))
        return 1.0 + float(common) if common >= AGREE else -1.0
    if not piece.voices.size or not known.size:
        return -1.0
    return float(piece.voices[new] @ known[old])


def _remembered(
    known: NDArray[np.float32], piece: Piece, names: dict[int, int], count: int
) -> NDArray[np.float32]:
    """Return the vectors of all voices so far; the first one of each is kept."""
    size = piece.voices.shape[1] if piece.voices.ndim == 2 else 0
    kept = np.zeros((count, max(size, known.shape[1])), np.float32)
    kept[: known.shape[0], : known.shape[1]] = known
    for new, name in names.items():
        if not kept[name].any() and piece.voices.size:
            kept[name] = piece.voices[new]
    return kept


def _stitched(whole: Chances, piece: Piece, names: dict[int, int], count: int) -> Chances:
    """Lay the piece over the whole; of the overlap, each has the half that lies deeper in it."""
    end = max(len(whole), piece.first + len(piece.chances))
    grown = np.zeros((end, count), np.float32)
    grown[: len(whole), : whole.shape[1]] = whole
    middle = (piece.first + max(piece.first, len(whole))) // 2
    grown[middle:] = 0
    for new, name in names.items():
        own = piece.chances[middle - piece.first :, new]
        grown[middle : middle + len(own), name] = own
    return grown


def _frames_of(span: Span, frame_s: float) -> Labels:
    first = round(span.start_s / frame_s)
    return np.arange(first, max(first + 1, round(span.end_s / frame_s)))


def _smooth(part: Chances, reading: Reading) -> Chances:
    width = round(reading.smooth_s / reading.frame_s)
    if width < 2:
        return part
    image: Any = import_module("scipy.ndimage")  # heavy, and without types
    smooth: Chances = image.median_filter(part, size=(width, 1), mode="nearest")
    return smooth


def _chosen(heard: Chances, speakers: int, sure: float) -> Labels:
    """Return the columns of the `speakers` voices that say most, in their own order."""
    if not speakers or speakers >= heard.shape[1]:
        return np.arange(heard.shape[1], dtype=np.int64)
    best = heard.argmax(axis=1)[heard.max(axis=1) >= sure]
    said = np.bincount(best, minlength=heard.shape[1])
    order = np.lexsort((-heard.sum(axis=0, dtype=np.float64), -said))
    chosen: Labels = np.sort(order[:speakers])
    return chosen


def _settled(heard: Chances, frames: Labels, clear: NDArray[np.bool_]) -> Labels:
    """Return the most probable voice of each frame; unclear ones follow the nearest clear one."""
    labels = heard.argmax(axis=1)
    known = np.flatnonzero(clear)
    if not known.size:
        return np.zeros_like(labels)
    at = np.searchsorted(frames[known], frames)
    after = known[np.minimum(at, known.size - 1)]
    before = known[np.maximum(at - 1, 0)]
    later = np.abs(frames[after] - frames) < np.abs(frames - frames[before])
    return labels[np.where(later, after, before)]


def _without_blips(labels: Labels, heard: Chances, least: int) -> Labels:
    """Give turns of fewer than `least` frames, shortest first, to a neighbour in the same span."""
    labels = labels.copy()
    while True:
        starts = np.concatenate([[0], np.flatnonzero(np.diff(labels)) + 1])
        lengths = np.diff(np.append(starts, len(labels)))
        shortest = int(lengths.argmin())
        if len(starts) == 1 or lengths[shortest] >= least:
            return labels
        run = slice(int(starts[shortest]), int(starts[shortest] + lengths[shortest]))
        around = [labels[at] for at in (run.start - 1, run.stop) if 0 <= at < len(labels)]
        labels[run] = max(around, key=lambda each: float(heard[run, each].mean()))


def _turns(
    spans: Sequence[Span], frames: Sequence[Labels], labels: Sequence[Labels], frame_s: float
) -> Iterator[Turn]:
    """Yield turns that fill the spans; speakers are named as they are first heard."""
    names: dict[int, str] = {}
    for span, own, voices in zip(spans, frames, labels, strict=True):
        changes = (np.flatnonzero(np.diff(voices)) + 1).tolist()
        borders_s = [span.start_s, *(float(own[at]) * frame_s for at in changes), span.end_s]
        for at, start_s, end_s in zip([0, *changes], borders_s, borders_s[1:], strict=False):
            voice = int(voices[at])
            yield Turn(names.setdefault(voice, f"S{len(names) + 1}"), start_s, end_s)
