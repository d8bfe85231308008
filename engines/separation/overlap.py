"""Networks that hear a few seconds at a time, led over sound of any length, rate and channels.

The sound is read block by block, brought to the networks' rate and to two channels, cut into segments
that overlap, and what the networks find in them is cross-faded. Memory holds two segments, whatever
the length. The cutting is Demucs' own (`demucs.apply.apply_model`): the result is the same as with the
whole file in memory (tests/engines/test_separators.py measures it).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from math import sqrt

import numpy as np
import soxr

from engines.roles import Stem
from media.audio import Audio, AudioFile, Samples
from media.listen import Wave
from studio.progress import Progress

RATE_HZ = 44_100  # of all these networks
READ_S = 5.0
TINY = 1e-8
Estimate = Callable[[Samples], Samples]
"""(2, segment) of the mixture at `RATE_HZ` in, the same of the voice out."""


@dataclass(frozen=True, slots=True)
class Part:
    """A network, and how it is led over the sound; several of them are averaged."""

    estimate: Estimate
    weight: Wave  # (segment,), of each sample in the cross-fade, above 0
    stride: int  # samples from one segment to the next
    lead: int = 0  # samples of silence put before the sound
    share: float = 1.0  # of all parts together
    ending: Callable[[], AbstractContextManager[None]] = nullcontext  # around its last segment


@dataclass(frozen=True, slots=True)
class Level:
    """What the networks expect taken off their input, and given back to their output."""

    mean: float = 0.0
    deviation: float = 1.0


def triangle(segment: int) -> Wave:
    """Return Demucs' cross-fade, (`segment`,): from 0 up to 1 in the middle, and down."""
    rising = np.arange(1, segment // 2 + 1)
    falling = np.arange(segment - segment // 2, 0, -1)
    weight = np.concatenate([rising, falling])
    return (weight / weight.max()).astype(np.float32)


def trapezoid(segment: int, fade: int) -> Wave:
    """Return a cross-fade, (`segment`,), that is flat but for `fade` samples on both sides."""
    nearest = np.minimum(np.arange(1, segment + 1), np.arange(segment, 0, -1))
    return np.minimum(1.0, nearest / (fade + 1)).astype(np.float32)


def level_of(mixture: AudioFile, check: Callable[[], None]) -> Level:
    """Return mean and standard deviation of the channels' mean, over the whole file, read in blocks.

    So does Demucs; but the file is measured at its own rate.

    Args:
        mixture: any rate and number of channels.
        check: called for each block; may raise `Cancelled`.
    """
    count, first, second = 0, 0.0, 0.0
    for block in mixture.blocks(20.0):
        check()
        middle = block.samples.mean(axis=0, dtype=np.float64)
        count += middle.size
        first += float(middle.sum())
        second += float(np.square(middle).sum())
    mean = first / max(1, count)
    variance = (second - count * mean**2) / max(1, count - 1)
    return Level(mean, sqrt(max(0.0, variance)) + TINY)


def split(
    mixture: AudioFile,
    parts: Sequence[Part],
    level: Level,
    progress: Progress,
    read_s: float = READ_S,
) -> Iterator[Mapping[Stem, Audio]]:
    """Yield the stems block by block: the voice that the parts hear, and the mixture without it.

    Args:
        mixture: any rate, 1 or 2 channels.
        parts: their shares add up to 1.
        level: for the networks' input and output.
        progress: seconds done, of all; asked before each segment.
        read_s: how much is read at once; the result does not depend on it.
    """
    rate_hz, whole_s = mixture.sample_rate_hz, int(mixture.duration_s)
    done = 0
    lanes = [
        (each.share, _Lane(each, lambda: progress(done // rate_hz, whole_s))) for each in parts
    ]
    down = _Rate(RATE_HZ, rate_hz)
    late = np.zeros((mixture.channels, 0), np.float32)
    voice = late
    for part, heard, last in _with_voice(mixture, lanes, level, read_s):
        found = down(heard, last=last)
        found = found.mean(axis=0, keepdims=True) if mixture.channels == 1 else found
        late = np.concatenate([late, part], axis=1)
        voice = np.concatenate([voice, found], axis=1)
        if last:  # the last sample may be lost on the way to another rate and back
            lost = max(0, late.shape[1] - voice.shape[1])
            voice = np.pad(voice, ((0, 0), (0, lost)))
        ready = min(late.shape[1], voice.shape[1])
        if ready:
            done += ready
            vocals = voice[:, :ready].astype(np.float32)
            other = late[:, :ready] - vocals
            yield {"vocals": Audio(vocals, rate_hz), "other": Audio(other, rate_hz)}
            late, voice = late[:, ready:], voice[:, ready:]
    progress(whole_s, whole_s)


def _with_voice(
    mixture: AudioFile, lanes: Sequence[tuple[float, "_Lane"]], level: Level, read_s: float
) -> Iterator[tuple[Samples, Samples, bool]]:
    """Yield blocks of the mixture, and what is ready of its voice, (2, samples) at `RATE_HZ`."""
    up = _Rate(mixture.sample_rate_hz, RATE_HZ)
    size = max(1, round(read_s * mixture.sample_rate_hz))
    mean, deviation = np.float32(level.mean), np.float32(level.deviation)
    waiting = [np.zeros((2, 0), np.float32) for _ in lanes]
    for start in range(0, mixture.n_samples, size):
        part = mixture.read(start, start + size).samples
        last = start + size >= mixture.n_samples
        sound = up(np.broadcast_to(part, (2, part.shape[1])), last=last)
        sound = (sound - mean) / deviation
        for place, (_, lane) in enumerate(lanes):
            found = lane.feed(sound, last=last)
            waiting[place] = np.concatenate([waiting[place], *found], axis=1)
        ready = min(each.shape[1] for each in waiting)
        shares = (share for share, _ in lanes)
        voice = _sum(each[:, :ready] * share for each, share in zip(waiting, shares, strict=True))
        waiting = [each[:, ready:] for each in waiting]
        yield part, voice * deviation + mean, last


def _sum(sounds: Iterable[Samples]) -> Samples:
    first, *rest = sounds
    for each in rest:
        first = first + each
    return first


class _Rate:
    """Two channels brought to another rate, block by block."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._stream = (
            soxr.ResampleStream(from_hz, to_hz, 2, dtype="float32", quality="VHQ")
            if from_hz != to_hz
            else None
        )

    def __call__(self, sound: Samples, *, last: bool) -> Samples:
        if self._stream is None:
            return sound
        given = np.ascontiguousarray(sound.T)
        return np.ascontiguousarray(self._stream.resample_chunk(given, last=last).T)


class _Lane:
    """One part on its way over the sound, which comes in blocks."""

    def __init__(self, part: Part, check: Callable[[], None]) -> None:
        self._part, self._check = part, check
        segment = part.weight.size
        self._heard = np.zeros((2, part.lead), np.float32)
        self._start = 0  # of what is still held
        self._at = 0  # of the next segment
        self._sum = np.zeros((2, segment), np.float32)  # of what was found from there on
        self._weights = np.zeros(segment, np.float32)
        self._skip = part.lead

    def feed(self, sound: Samples, *, last: bool) -> Iterator[Samples]:
        """Take the next block; yield what is final of the voice, which comes later than the sound."""
        segment, stride = self._part.weight.size, self._part.stride
        self._heard = np.concatenate([self._heard, sound], axis=1)
        end = self._start + self._heard.shape[1]
        while self._at + segment <= end or (last and self._at < end):
            known = min(segment, end - self._at)
            with self._part.ending() if last and self._at + stride >= end else nullcontext():
                self._add(known)
            ready = min(stride, known)
            found = self._sum[:, :ready] / self._weights[:ready]
            self._sum = np.pad(self._sum[:, stride:], ((0, 0), (0, stride)))
            self._weights = np.pad(self._weights[stride:], (0, stride))
            self._at += stride
            yield found[:, self._skip :]
            self._skip = max(0, self._skip - ready)
        behind = self._at - segment // 2 - self._start  # a short last segment looks back so far
        if behind > 0:
            self._heard, self._start = self._heard[:, behind:], self._start + behind

    def _add(self, known: int) -> None:
        """Hear one segment, of which `known` samples are there: they are put into its middle."""
        self._check()
        segment = self._part.weight.size
        before = (segment - known) // 2
        first = self._at - before - self._start
        piece = self._heard[:, max(0, first) : first + segment]
        left = max(0, -first)
        piece = np.pad(piece, ((0, 0), (left, segment - left - piece.shape[1])))
        weight = self._part.weight[:known]
        self._weights[:known] += weight
        if np.ptp(piece, axis=1).any():  # in silence is no voice
            found = self._part.estimate(piece)
            self._sum[:, :known] += found[:, before : before + known] * weight
