"""How loud each line of a mix shall be, and how far the background steps back under it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from media.audio import Audio, AudioFile
from media.duck import choose_depth_db
from media.loudness import (
    LoudnessMeter,
    gain_to_match_db,
    loudness_lufs,
)
from media.speech import Span

FILE_BLOCK_S = 10.0  # of a file that is measured whole
INAUDIBLE_LUFS = -60.0
USUAL_LUFS = -23.0  # EBU R128: where no original line tells how loud to be


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """One spoken line of the dub, and the line of the source that it replaces."""

    start_s: float
    audio: AudioFile
    source: Span
    speaker: str = ""
    target_lufs: float | None = None  # None: as loud as the source line was


@dataclass(frozen=True, slots=True)
class Level:
    """What is decided about one line before anything is mixed."""

    gain_db: float
    source_lufs: float | None  # None: nothing was heard there
    target_lufs: float
    duck_db: float


@dataclass(frozen=True, slots=True)
class Measured:
    """How loud everything about one line is."""

    own_lufs: float  # of the line as spoken
    source_lufs: float | None  # of the line it replaces; None: nothing was heard there
    bed_lufs: float | None  # of the background under it; None: there is none


def measure_line(
    line: PlacedLine, original: AudioFile, *, vocals: AudioFile | None, bed: AudioFile | None
) -> Measured:
    """Measure one line.

    Args:
        line: as placed.
        original: the sound that is dubbed.
        vocals: its voices alone; None: the original tells how loud they were.
        bed: what is heard under the line.
    """
    heard = _span_lufs(vocals or original, line.source)
    voice = load_line(line.audio, original.sample_rate_hz)
    under = Span(line.start_s, line.start_s + voice.duration_s)
    return Measured(
        own_lufs=loudness_lufs(voice),
        source_lufs=heard if heard > INAUDIBLE_LUFS else None,
        bed_lufs=None if bed is None else _span_lufs(bed, under),
    )


def targets_lufs(lines: Sequence[PlacedLine], heard: Sequence[float | None]) -> tuple[float, ...]:
    """Return how loud each line shall be: as heard, else as the speaker's other lines, else as usual."""
    known = [lufs for lufs in heard if lufs is not None]
    usual = median(known) if known else USUAL_LUFS
    targets: list[float] = []
    for line, lufs in zip(lines, heard, strict=True):
        own = (
            [
                other
                for each, other in zip(lines, heard, strict=True)
                if other is not None and each.speaker == line.speaker
            ]
            if lufs is None
            else []
        )
        wanted = lufs if lufs is not None else median(own) if own else usual
        targets.append(line.target_lufs if line.target_lufs is not None else wanted)
    return tuple(targets)


def decide_levels(
    lines: Sequence[PlacedLine],
    measured: Sequence[Measured],
    *,
    channels: int,
    wanted_duck_db: float,
) -> tuple[Level, ...]:
    """Decide gain and depth of every line.

    Args:
        lines: as placed.
        measured: what `measure_line` found of each.
        channels: of the mix.
        wanted_duck_db: depth for a background 12 LU below the voice.
    """
    targets = targets_lufs(lines, [each.source_lufs for each in measured])
    levels: list[Level] = []
    for found, target in zip(measured, targets, strict=True):
        gain_db = gain_to_match_db(found.own_lufs, target, channels)
        depth = wanted_duck_db
        if found.bed_lufs is not None:
            depth = choose_depth_db(found.bed_lufs, target, wanted_duck_db)
        levels.append(Level(gain_db, found.source_lufs, target, depth))
    return tuple(levels)


def load_line(file: AudioFile, sample_rate_hz: int) -> Audio:
    """Return a line as one channel at the rate of the mix; values that are no numbers are silence."""
    audio = file.read().mono().resampled(sample_rate_hz)
    if np.isfinite(audio.samples).all():
        return audio
    return Audio(np.nan_to_num(audio.samples, posinf=0.0, neginf=0.0), sample_rate_hz)


def _span_lufs(audio: AudioFile, span: Span) -> float:
    """Measure a stretch of a file in blocks: a subtitle may claim to last an hour."""
    meter = LoudnessMeter(audio.sample_rate_hz, audio.channels)
    start, stop = (round(max(0.0, at) * audio.sample_rate_hz) for at in (span.start_s, span.end_s))
    size = round(FILE_BLOCK_S * audio.sample_rate_hz)
    for first in range(start, min(stop, audio.n_samples), size):
        meter.add(audio.read(first, min(first + size, stop)).samples)
    return meter.integrated_lufs
