"""What sounds when, for the whole film; cut into stretches that can each be mixed by themselves.

A stretch holds everything that is heard in it, and nothing else: what changes far away leaves it, and
so the key under which its mix is remembered, as it was. Stretches end where packets of AAC do, and
reach a little over either end, so that an encoder may run in and out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from media.audio import AudioFile
from media.duck import LOOK_AHEAD_S, MOST_DB, RELEASE_S, Duck, Ramp, duck_ramps, united
from media.levels import Level, PlacedLine
from media.limiter import Limiter
from media.speech import Span

BLOCK_S = 5.0
FRAME = 1024  # samples a packet of AAC
LEAD_FRAMES, TAIL_FRAMES = 8, 3
CROSSFADE_S = 0.04
SPEECH_BEFORE_S, SPEECH_AFTER_S = 0.08, 0.15  # speech reaches further than its detected edges
JOIN_GAP_S = (
    0.1  # a shorter stretch of the original between two dubbed ones is not worth returning to
)


@dataclass(frozen=True, slots=True)
class MixOptions:
    """What the user may choose."""

    keep_background: bool = True  # False: the voices alone, digital silence elsewhere
    duck_db: float = 9.0  # for a background 12 LU below the voice; 6-12 dB follow
    bed_gain_db: float = 0.0  # of the background where the original is replaced


@dataclass(frozen=True, slots=True)
class MixPlan:
    """Everything that is mixed. All files start at the same moment."""

    original: AudioFile
    lines: tuple[PlacedLine, ...]
    bed: AudioFile | None = (
        None  # the original without voices; None: the original is ducked instead
    )
    vocals: AudioFile | None = None  # the original's voices alone: tells how loud each line was
    options: MixOptions = field(default_factory=MixOptions)

    @property
    def audible_bed(self) -> AudioFile | None:
        """The bed, if any of it shall be heard."""
        return self.bed if self.options.keep_background else None


@dataclass(frozen=True, slots=True)
class Stretch:
    """One piece of the mix, in samples of the original; only what is heard from `low` to `high`."""

    start: int
    stop: int
    low: int  # mixed from here, before `start`
    high: int  # up to here, after `stop`
    weight: tuple[Ramp, ...] = ()  # 1 where the original gives way
    duck: tuple[Ramp, ...] = ()  # decibels by which the background steps back
    sources: tuple[tuple[int, int], ...] = ()  # where replaced lines were said

    @property
    def is_touched(self) -> bool:
        """Whether anything but the original is heard."""
        return bool(self.weight)


def stretches(
    plan: MixPlan, levels: Sequence[Level], offset: int = 0
) -> tuple[tuple[Stretch, tuple[int, ...]], ...]:
    """Return the stretches in order, each with the indices of the lines that are heard in it.

    Args:
        plan: what is mixed.
        levels: what was decided for each of its lines.
        offset: samples of silence before the sound where it is encoded: packets end there too.
    """
    original = plan.original
    rate, n = original.sample_rate_hz, original.n_samples
    weight = _weight_ramps(plan)
    duck = duck_ramps(_ducks(plan, levels), rate)
    sources = [
        (round(s.start_s * rate), round(s.end_s * rate)) for s in (x.source for x in plan.lines)
    ]
    heard = [extent(line, rate) for line in plan.lines]
    margin = Limiter(rate).margin
    found: list[tuple[Stretch, tuple[int, ...]]] = []
    for start, stop in borders(n, rate, offset):
        low, high = max(0, start - LEAD_FRAMES * FRAME), min(n, stop + TAIL_FRAMES * FRAME)
        if not _reaching(weight, low, high):
            found.append((Stretch(start, stop, low, high), ()))
            continue
        first, last = low - margin, high + margin  # the limiter looks past the ends
        stretch = Stretch(
            start,
            stop,
            low,
            high,
            _reaching(weight, first, last),
            _reaching(duck, first, last),
            tuple((a, b) for a, b in sources if a < stop and b > start),
        )
        found.append(
            (stretch, tuple(i for i, (a, b) in enumerate(heard) if a < last and b > first))
        )
    return tuple(found)


def borders(n_samples: int, sample_rate_hz: int, offset: int = 0) -> list[tuple[int, int]]:
    """Return where stretches begin and end; each but the last ends with a packet."""
    size = max(1, round(BLOCK_S * sample_rate_hz / FRAME)) * FRAME
    edges = [0, *range(size - offset % FRAME, n_samples, size), n_samples]
    return [(a, b) for a, b in pairwise(edges) if b > a]


def extent(line: PlacedLine, sample_rate_hz: int) -> tuple[int, int]:
    """Return from which sample to which a line is heard."""
    start = round(max(0.0, line.start_s) * sample_rate_hz)
    length = round(line.audio.n_samples * sample_rate_hz / line.audio.sample_rate_hz)
    return start, start + length


def replaced_regions(plan: MixPlan) -> tuple[Span, ...]:
    """Return where the original does not play: around every dubbed line and what it replaces."""
    spans: list[Span] = []
    for line in plan.lines:
        source, fade = line.source, CROSSFADE_S
        spoken_until_s = line.start_s + line.audio.duration_s
        spans += (
            Span(line.start_s - LOOK_AHEAD_S, spoken_until_s + RELEASE_S),
            Span(source.start_s - SPEECH_BEFORE_S - fade, source.end_s + SPEECH_AFTER_S + fade),
        )
    end_s = plan.original.duration_s
    inside = [Span(max(0.0, each.start_s), min(end_s, each.end_s)) for each in spans]
    return united([each for each in inside if each.duration_s > 0], JOIN_GAP_S)


def _reaching(ramps: Sequence[Ramp], low: int, high: int) -> tuple[Ramp, ...]:
    return tuple(ramp for ramp in ramps if ramp.rise < high and ramp.bottom > low)


def _weight_ramps(plan: MixPlan) -> list[Ramp]:
    """Return where the original gives way, and how it does so."""
    rate, n = plan.original.sample_rate_hz, plan.original.n_samples
    fade = round(CROSSFADE_S * rate)
    if not plan.options.keep_background:
        return [Ramp(-1, -1, n + 1, n + 1, 1.0)]
    ramps: list[Ramp] = []
    for span in replaced_regions(plan):
        start, stop = round(span.start_s * rate), round(span.end_s * rate)
        rise = start if start > 0 else -fade - 1  # nothing to fade from before the beginning
        bottom = stop if stop < n else n + fade + 1
        ramps.append(Ramp(rise, rise + fade, bottom - fade, bottom, 1.0))
    return ramps


def _ducks(plan: MixPlan, levels: Sequence[Level]) -> list[Duck]:
    ducks: list[Duck] = []
    for line, level in zip(plan.lines, levels, strict=True):
        spoken_until_s = line.start_s + line.audio.duration_s
        depth_db = MOST_DB if plan.audible_bed is None else level.duck_db
        ducks.append(Duck(line.start_s, spoken_until_s, depth_db))
        if plan.audible_bed is None:  # the original's voice must step back too, wherever it spoke
            ducks.append(Duck(line.source.start_s, line.source.end_s, depth_db))
    return ducks
