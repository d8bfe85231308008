"""What a mix did, in numbers, gathered stretch by stretch and added up at the end."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from media.audio import Samples
from media.duck import MOST_DB, Envelope, Ramp
from media.levels import Level
from media.limiter import CEILING_DBTP
from media.loudness import (
    TAPS,
    HopSums,
    LoudnessMeter,
    channel_power,
    gain_to_db,
    highest_peak,
    hop_sums,
    scaled,
)
from media.score import MixPlan, Stretch, extent
from media.tape import Levels, to_samples

SILENT_POWER = 1e-10
HEARD_LU = 1.0  # a smaller difference in loudness is hardly heard


@dataclass(frozen=True, slots=True)
class MixedLine:
    """How one line stands in the mix."""

    start_s: float
    end_s: float
    speaker: str
    gain_db: float
    lufs: float  # in the mix, after the limiter
    source_lufs: float | None  # of the line it replaces; None: nothing was heard there
    target_lufs: float
    duck_db: float  # how far the background was lowered under it, measured; 0 without background
    cut_s: float  # of it that lies beyond the end of the sound: 0

    @property
    def error_lu(self) -> float:
        """How far the line is from its wanted loudness."""
        return self.lufs - self.target_lufs


@dataclass(frozen=True, slots=True)
class MixReport:
    """The whole mix. Peaks are true peaks; loudness is BS.1770-4; ranges are EBU Tech 3342."""

    lines: tuple[MixedLine, ...]
    sample_rate_hz: int
    channels: int
    n_samples: int
    touched_s: float
    exact_share: float  # 0..1 of all samples equal to the original's, bit for bit
    is_exact_outside: bool  # every sample outside the touched stretches is the original's
    true_peak_dbtp: float
    touched_true_peak_dbtp: float  # where we mixed, without the cross-fades into the original
    original_true_peak_dbtp: float
    loudness_lufs: float
    original_loudness_lufs: float
    range_lu: float
    original_range_lu: float
    bleed: float | None  # 0..1, correlation of what is under the lines with the original voices
    notes: tuple[str, ...]

    @property
    def range_change_lu(self) -> float:
        """How much the loudness range grew (or shrank)."""
        return self.range_lu - self.original_range_lu


@dataclass(frozen=True, slots=True)
class VoiceShare:
    """What one stretch tells of a line."""

    sums: HopSums  # of the line after the limiter, in one channel, counted from its start
    bed_power: float  # of the background under it
    ducked_power: float  # the same, lowered


@dataclass(frozen=True, slots=True)
class StretchReport:
    """What was done in one stretch; powers and peaks are factors, not decibels."""

    equal: int  # samples that are the original's
    touched: int  # samples where the original gives way
    is_exact_outside: bool
    peak: float
    touched_peak: float
    original_peak: float
    sums: HopSums
    original_sums: HopSums
    products: tuple[float, float, float] = (0.0, 0.0, 0.0)  # residual x voice, residual², voice²
    voices: tuple[VoiceShare, ...] = ()


class VoiceTrace:
    """A line while a stretch is mixed: its sound from sample `start` on, and what becomes of it."""

    def __init__(self, start: int, sound: Samples) -> None:
        self._start, self._sound = start, sound
        self._limited = sound.copy()
        self._bed_power = self._ducked_power = 0.0

    def add_to(self, mixed: Samples, start: int) -> None:
        """Add the line to every channel of a block that begins at sample `start`."""
        ours, theirs = self._shared(start, mixed.shape[1])
        mixed[:, theirs] += self._sound[ours]

    def note_gain(self, gain: Samples, start: int) -> None:
        """Remember what the limiter did from sample `start` on."""
        ours, theirs = self._shared(start, len(gain))
        self._limited[ours] *= gain[theirs]

    def note_bed(self, power: Samples, ducked: Samples, start: int) -> None:
        """Remember the power of the background before and after ducking, per sample."""
        _, theirs = self._shared(start, len(power))
        self._bed_power += float(power[theirs].sum())
        self._ducked_power += float(ducked[theirs].sum())

    def share(self, stretch: Stretch, sample_rate_hz: int) -> VoiceShare:
        """Return what the stretch tells of it; what lies before only settles the filters."""
        ours, _ = self._shared(stretch.low, stretch.stop - stretch.low)
        skip = min(max(0, stretch.start - self._start - ours.start), ours.stop - ours.start)
        sums = hop_sums(self._limited[None, ours], sample_rate_hz, ours.start, skip)
        return VoiceShare(sums, self._bed_power, self._ducked_power)

    def _shared(self, start: int, length: int) -> tuple[slice, slice]:
        """Return where the line and a block overlap: in the line, in the block."""
        low = max(start, self._start)
        high = max(low, min(start + length, self._start + len(self._sound)))
        return slice(low - self._start, high - self._start), slice(low - start, high - start)


class Traces:
    """Gathers what is told of one stretch."""

    def __init__(self, stretch: Stretch, sample_rate_hz: int) -> None:
        self._stretch, self._rate = stretch, sample_rate_hz
        self._core = slice(stretch.start - stretch.low, stretch.stop - stretch.low)
        self._near = slice(max(0, self._core.start - TAPS), self._core.stop + TAPS)
        self._products = (0.0, 0.0, 0.0)

    def note_bleed(self, residual: Samples, voice: Samples) -> None:
        """Compare what is left under the lines with the original voices, (channels, samples)."""
        ramps = [Ramp(start, start, stop, stop, 1.0) for start, stop in self._stretch.sources]
        spoken = Envelope(ramps).values(self._stretch.start, self._stretch.stop) > 0
        left, said = residual[:, self._core][:, spoken], voice[:, self._core][:, spoken]
        self._products = (
            float(np.vdot(left, said)),
            float(np.vdot(left, left)),
            float(np.vdot(said, said)),
        )

    def untouched(self, levels: Levels) -> StretchReport:
        """Return the report of a stretch that is the original's, levels from `low` to `high`."""
        sound = to_samples(levels)
        peak, sums = highest_peak(sound[:, self._near]), self._sums(sound)
        size = self._core.stop - self._core.start
        return StretchReport(size, 0, True, peak, 0.0, peak, sums, sums)

    def touched(
        self, original: Levels, mixed: Levels, weight: Samples, voices: Sequence[VoiceTrace]
    ) -> StretchReport:
        """Return the report of a mixed stretch, everything from `low` to `high`."""
        before, after = to_samples(original), to_samples(mixed)
        here = weight[self._core]
        same = (original[:, self._core] == mixed[:, self._core]).all(axis=0)
        own = np.zeros(len(weight), np.bool_)
        own[self._core] = here >= 1.0
        return StretchReport(
            equal=int(same.sum()),
            touched=int((here > 0).sum()),
            is_exact_outside=bool(same[here == 0].all()),
            peak=highest_peak(after[:, self._near]),
            touched_peak=highest_peak(after[:, self._near], where=own[self._near]),
            original_peak=highest_peak(before[:, self._near]),
            sums=self._sums(after),
            original_sums=self._sums(before),
            products=self._products,
            voices=tuple(each.share(self._stretch, self._rate) for each in voices),
        )

    def _sums(self, sound: Samples) -> HopSums:
        heard = sound[:, : self._core.stop]
        return hop_sums(heard, self._rate, self._stretch.low, self._core.start)


def joined_report(
    plan: MixPlan,
    levels: Sequence[Level],
    heard: Sequence[tuple[int, ...]],
    reports: Sequence[StretchReport],
) -> MixReport:
    """Add up the stretches.

    Args:
        plan: what was mixed.
        levels: what was decided for each of its lines.
        heard: which lines are heard in each stretch.
        reports: of each stretch.
    """
    original = plan.original
    rate, channels, n_samples = original.sample_rate_hz, original.channels, original.n_samples
    before, after = (
        LoudnessMeter.of_parts(rate, channels, sums, n_samples)
        for sums in ([each.original_sums for each in reports], [each.sums for each in reports])
    )
    cross, residual, voice = (sum(each.products[i] for each in reports) for i in range(3))
    bleed = abs(cross) / math.sqrt(residual * voice) if residual and voice else 0.0
    peaks = [
        gain_to_db(max(found, default=0.0))
        for found in (
            [each.peak for each in reports],
            [each.touched_peak for each in reports],
            [each.original_peak for each in reports],
        )
    ]
    shares: list[list[VoiceShare]] = [[] for _ in plan.lines]
    for indices, report in zip(heard, reports, strict=True):
        for index, share in zip(indices, report.voices, strict=True):
            shares[index].append(share)
    lines = tuple(_line(plan, levels, index, own) for index, own in enumerate(shares))
    return MixReport(
        lines=lines,
        sample_rate_hz=rate,
        channels=channels,
        n_samples=n_samples,
        touched_s=sum(each.touched for each in reports) / rate,
        exact_share=sum(each.equal for each in reports) / n_samples if n_samples else 1.0,
        is_exact_outside=all(each.is_exact_outside for each in reports),
        true_peak_dbtp=peaks[0],
        touched_true_peak_dbtp=peaks[1],
        original_true_peak_dbtp=peaks[2],
        loudness_lufs=after.integrated_lufs,
        original_loudness_lufs=before.integrated_lufs,
        range_lu=after.range_lu,
        original_range_lu=before.range_lu,
        bleed=bleed if voice else None,
        notes=(*_notes(plan, peaks[0], peaks[2]), *_about_peaks(lines, peaks[1])),
    )


def _line(
    plan: MixPlan, levels: Sequence[Level], index: int, shares: Sequence[VoiceShare]
) -> MixedLine:
    line, level, rate = plan.lines[index], levels[index], plan.original.sample_rate_hz
    start, stop = extent(line, rate)
    spread = channel_power(plan.original.channels)
    sums = [scaled(each.sums, spread) for each in shares]
    heard = max(0, min(stop, plan.original.n_samples) - start)
    meter = LoudnessMeter.of_parts(rate, 1, sums, heard)
    bed = sum(each.bed_power for each in shares)
    is_heard = bed / max(1, stop - start) > SILENT_POWER
    ducked = sum(each.ducked_power for each in shares) / bed if is_heard else 1.0
    return MixedLine(
        start_s=start / rate,
        end_s=stop / rate,
        speaker=line.speaker,
        gain_db=level.gain_db,
        lufs=meter.integrated_lufs,
        source_lufs=level.source_lufs,
        target_lufs=level.target_lufs,
        duck_db=-10 * math.log10(max(ducked, SILENT_POWER)),
        cut_s=max(0, stop - plan.original.n_samples) / rate,
    )


def _notes(plan: MixPlan, peak_dbtp: float, original_peak_dbtp: float) -> Iterator[str]:
    if not plan.options.keep_background:
        return
    if plan.bed is None and plan.lines:
        yield (
            "There is no background without voices: the original was lowered by "
            f"{MOST_DB:.0f} dB under the lines instead, and its voices can still be heard."
        )
    if peak_dbtp > CEILING_DBTP:
        yield (
            f"The original itself reaches {original_peak_dbtp:.1f} dBTP; where nothing "
            "was dubbed it is left as it is."
        )


def _about_peaks(lines: Sequence[MixedLine], peak_dbtp: float) -> Iterator[str]:
    """Say where the limiter kept lines from being as loud as the ones that they replace."""
    quiet_lu = [-each.error_lu for each in lines if each.error_lu < -HEARD_LU]
    if quiet_lu and peak_dbtp > CEILING_DBTP - HEARD_LU:
        lines_are = "line is" if len(quiet_lu) == 1 else "lines are"
        yield (
            f"{len(quiet_lu)} {lines_are} up to {max(quiet_lu):.1f} LU quieter than the original, "
            f"which is so loud that the new voice would pass {CEILING_DBTP:g} dBTP. Lower the "
            "original by a few dB if you need them equal."
        )
