"""How loud each line of a mix shall be, and how far the background steps back under it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from media.audio import Audio, AudioFile
from media.duck import choose_depth_db
from media.loudness import (
    FILE_BLOCK_S,
    LOUDEST_TARGET_LUFS,
    MOST_GAIN_DB,
    QUIETEST_TARGET_LUFS,
    LoudnessMeter,
    match_gain_db,
)
from media.speech import Span

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
    is_clamped: bool
    duck_db: float


def measure_sources(
    lines: Sequence[PlacedLine], voices: AudioFile, check: Callable[[], None]
) -> tuple[float | None, ...]:
    """Return how loud each line was in the source; None where nothing was heard.

    Args:
        lines: as placed.
        voices: the voices of the source alone, or the source itself.
        check: called before every line; may raise `Cancelled`.
    """
    heard: list[float | None] = []
    for line in lines:
        check()
        lufs = _span_lufs(voices, line.source)
        heard.append(lufs if lufs > INAUDIBLE_LUFS else None)
    return tuple(heard)


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
    original: AudioFile,
    *,
    vocals: AudioFile | None,
    bed: AudioFile | None,
    wanted_duck_db: float,
    check: Callable[[], None],
) -> tuple[Level, ...]:
    """Measure every line, its source and the bed under it, and decide gain and depth."""
    heard = measure_sources(lines, vocals or original, check)
    targets = targets_lufs(lines, heard)
    levels: list[Level] = []
    for line, source_lufs, target in zip(lines, heard, targets, strict=True):
        check()
        voice = load_line(line, original.sample_rate_hz)
        gain_db = match_gain_db(voice, target, original.channels)
        clamped = abs(gain_db) >= MOST_GAIN_DB or not (
            QUIETEST_TARGET_LUFS <= target <= LOUDEST_TARGET_LUFS
        )
        depth = wanted_duck_db
        if bed is not None:
            under = Span(line.start_s, line.start_s + voice.duration_s)
            depth = choose_depth_db(_span_lufs(bed, under), target, wanted_duck_db)
        levels.append(Level(gain_db, source_lufs, target, clamped, depth))
    return tuple(levels)


def load_line(line: PlacedLine, sample_rate_hz: int) -> Audio:
    """Return the line as one channel at the rate of the mix; values that are no numbers are silence."""
    audio = line.audio.read().mono().resampled(sample_rate_hz)
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
