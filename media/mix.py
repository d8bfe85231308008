"""The dub's sound: the lines over the background, and the original bit for bit everywhere else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from media.audio import AudioFile, AudioWriter, Samples, to_levels
from media.duck import (
    LOOK_AHEAD_S,
    MOST_DB,
    RELEASE_S,
    Duck,
    DuckEnvelope,
    Envelope,
    Ramp,
    united,
)
from media.levels import Level, PlacedLine, decide_levels
from media.limiter import CEILING_DBTP, Limiter
from media.loudness import db_to_gain
from media.mix_report import MixReport, Tally, Voice
from media.speech import Span
from media.tape import Levels, Tape, to_samples
from studio.errors import BadInput
from studio.progress import Progress, silent

BLOCK_S = 5.0
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


def mix(
    plan: MixPlan,
    out: Path,
    *,
    check: Callable[[], None] = lambda: None,
    progress: Progress = silent,
) -> MixReport:
    """Write the mix as FLAC, 24 bit, with the rate, channels and number of samples of the original.

    Args:
        plan: what is mixed.
        out: file to write.
        check: called several times a second; may raise `Cancelled`.
        progress: seconds done, of all.

    Raises:
        BadInput: if the background or the voices do not belong to the original.
    """
    for stem, name in ((plan.bed, "background"), (plan.vocals, "voice")):
        _must_fit(plan.original, stem, name)
    bed = plan.bed if plan.options.keep_background else None
    levels = decide_levels(
        plan.lines,
        plan.original,
        vocals=plan.vocals,
        bed=bed,
        wanted_duck_db=plan.options.duck_db,
        check=check,
    )
    original = plan.original
    size = round(BLOCK_S * original.sample_rate_hz)
    with (
        _Desk(plan, bed, levels) as desk,
        AudioWriter(out, original.sample_rate_hz, original.channels) as writer,
    ):
        for start in range(0, original.n_samples, size):
            check()
            progress(*(n // original.sample_rate_hz for n in (start, original.n_samples)))
            writer.write_levels(desk.block(start, min(start + size, original.n_samples)))
        return desk.report()


def _must_fit(original: AudioFile, stem: AudioFile | None, name: str) -> None:
    if stem is None:
        return
    theirs, ours = (
        (each.sample_rate_hz, each.channels, each.n_samples) for each in (stem, original)
    )
    if theirs != ours:
        raise BadInput(
            f"the {name} stem has {theirs[0]} Hz, {theirs[1]} channels, {theirs[2]} samples, "
            f"the original has {ours[0]} Hz, {ours[1]} channels, {ours[2]} samples",
            remedy="Separate the original again.",
        )


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


class _Desk:
    """Mixes one block after the other, in order."""

    def __init__(self, plan: MixPlan, bed: AudioFile | None, levels: Sequence[Level]) -> None:
        original = plan.original
        self._plan, self._rate = plan, original.sample_rate_hz
        self._original = Tape(original)
        self._bed = None if bed is None else Tape(bed)
        self._vocals = None if plan.vocals is None else Tape(plan.vocals)
        self._limiter = Limiter(self._rate)
        self._ducks = DuckEnvelope(_ducks(plan, bed, levels), self._rate)
        self._weight = Envelope(self._weight_ramps())
        self._source = Envelope(
            [
                Ramp(start, start, stop, stop, 1.0)
                for start, stop in (self._samples_of(line.source) for line in plan.lines)
            ]
        )
        placed = zip(plan.lines, levels, strict=True)
        self._voices = [Voice(line, level, original) for line, level in placed]
        self._unfinished = list(self._voices)
        self._tally = Tally(original)

    def __enter__(self) -> "_Desk":
        return self

    def __exit__(self, *_: object) -> None:
        for tape in (self._original, self._bed, self._vocals):
            if tape is not None:
                tape.close()

    def block(self, start: int, stop: int) -> Levels:
        """Return the mix from sample `start` up to `stop`, as 24-bit levels."""
        if not self._weight.reaches(start, stop):
            levels = self._original.levels(start, stop)
            self._tally.add_untouched(levels)
            return levels
        margin = self._limiter.margin
        low, high = start - margin, stop + margin
        original = self._original.levels(low, high)
        weight = self._weight.values(low, high)
        voices = [each for each in self._unfinished if each.start < high and each.stop > low]
        under = self._background(low, high, original, weight, voices)
        mixed = under.copy()
        for voice in voices:
            voice.add_to(mixed, low)
        inner = slice(margin, mixed.shape[1] - margin)
        original, weight = original[:, inner], weight[inner]
        mixed, under = self._limited(mixed, weight, start, voices), under[:, inner]
        self._note_bleed(under, start, stop)
        levels = np.where(weight > 0, to_levels(mixed), original).astype(np.int32, copy=False)
        self._tally.add_touched(original, levels, weight)
        self._finish(stop - margin)
        return levels

    def report(self) -> MixReport:
        """Return what was done."""
        report = self._tally.report(self._voices, self._notes())
        if report.true_peak_dbtp <= CEILING_DBTP or not self._plan.options.keep_background:
            return report
        note = (
            f"The original itself reaches {report.original_true_peak_dbtp:.1f} dBTP; where nothing "
            "was dubbed it is left as it is."
        )
        return replace(report, notes=(*report.notes, note))

    def _background(
        self, low: int, high: int, original: Levels, weight: Samples, voices: Sequence[Voice]
    ) -> Samples:
        """Return all but the new voices: the original, cross-faded into the ducked background."""
        before = to_samples(original)
        if not self._plan.options.keep_background:
            return np.zeros_like(before)
        bed = before if self._bed is None else self._bed.samples(low, high)
        bed = bed * np.float32(db_to_gain(self._plan.options.bed_gain_db))
        gains = self._ducks.gains(low, high)
        ducked = bed * gains
        inner = slice(self._limiter.margin, len(gains) - self._limiter.margin)
        power = np.square(bed[:, inner]).sum(axis=0)
        for voice in voices:
            voice.note_bed(power, power * np.square(gains[inner]), low + self._limiter.margin)
        blended = before + weight * (ducked - before)
        return np.where(weight == 1, ducked, blended).astype(np.float32, copy=False)

    def _limited(
        self, mixed: Samples, weight: Samples, start: int, voices: Sequence[Voice]
    ) -> Samples:
        """Return the block without its margins, its peaks lowered where the original does not play."""
        gains = self._limiter.gains(mixed)
        inner = mixed[:, self._limiter.margin : mixed.shape[1] - self._limiter.margin]
        if gains is None:
            return inner
        gains = (1 + (gains - 1) * weight).astype(np.float32, copy=False)
        for voice in voices:
            voice.note_gain(gains, start)
        return (inner * gains).astype(np.float32, copy=False)

    def _note_bleed(self, under: Samples, start: int, stop: int) -> None:
        if self._vocals is None or not self._source.reaches(start, stop):
            return
        spoken = self._source.values(start, stop) > 0
        vocals = self._vocals.samples(start, stop)
        self._tally.add_residual(under[:, spoken], vocals[:, spoken])

    def _finish(self, before: int) -> None:
        for voice in self._unfinished:
            if voice.stop <= before:
                voice.finish()
        self._unfinished = [each for each in self._unfinished if not each.is_finished]

    def _weight_ramps(self) -> list[Ramp]:
        """Return where the original gives way, and how it does so."""
        n, fade = self._plan.original.n_samples, round(CROSSFADE_S * self._rate)
        if not self._plan.options.keep_background:
            return [Ramp(-1, -1, n + 1, n + 1, 1.0)]
        ramps: list[Ramp] = []
        for span in replaced_regions(self._plan):
            start, stop = self._samples_of(span)
            rise = start if start > 0 else -fade - 1  # nothing to fade from before the beginning
            bottom = stop if stop < n else n + fade + 1
            ramps.append(Ramp(rise, rise + fade, bottom - fade, bottom, 1.0))
        return ramps

    def _samples_of(self, span: Span) -> tuple[int, int]:
        return round(span.start_s * self._rate), round(span.end_s * self._rate)

    def _notes(self) -> tuple[str, ...]:
        notes: list[str] = []
        if self._plan.options.keep_background and self._bed is None and self._plan.lines:
            notes.append(
                "There is no background without voices: the original was lowered by "
                f"{MOST_DB:.0f} dB under the lines instead, and its voices can still be heard."
            )
        return tuple(notes)


def _ducks(plan: MixPlan, bed: AudioFile | None, levels: Sequence[Level]) -> list[Duck]:
    ducks: list[Duck] = []
    for line, level in zip(plan.lines, levels, strict=True):
        spoken_until_s = line.start_s + line.audio.duration_s
        depth_db = MOST_DB if bed is None else level.duck_db
        ducks.append(Duck(line.start_s, spoken_until_s, depth_db))
        if bed is None:  # the original's voice must step back too, wherever it spoke
            ducks.append(Duck(line.source.start_s, line.source.end_s, depth_db))
    return ducks
