"""What a mix did, in numbers, gathered block by block while it is made."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.audio import Audio, AudioFile, Samples
from media.levels import Level, PlacedLine, load_line
from media.loudness import (
    PEAK_REACH,
    TAPS,
    LoudnessMeter,
    db_to_gain,
    gain_to_db,
    highest_peak,
    loudness_lufs,
    peaks,
)
from media.tape import Levels, to_samples

SILENT_POWER = 1e-10

Mask = NDArray[np.bool_]


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


class Voice:
    """A line while it is being mixed: loaded when first needed, measured and dropped after its end."""

    def __init__(self, line: PlacedLine, level: Level, original: AudioFile) -> None:
        rate = original.sample_rate_hz
        self._line, self._level, self._rate = line, level, rate
        self._channels = original.channels
        self._samples: Samples | None = None
        self._limited = np.zeros(0, np.float32)
        self._bed_power = self._ducked_power = 0.0
        self._lufs: float | None = None
        self.start = round(max(0.0, line.start_s) * rate)
        self.stop = self.start + round(line.audio.n_samples * rate / line.audio.sample_rate_hz)
        self._cut = max(0, self.stop - original.n_samples)

    def add_to(self, mixed: Samples, start: int) -> None:
        """Add the line to every channel of a block that begins at sample `start`."""
        sound = self._sound()
        low, high = max(start, self.start), min(start + mixed.shape[1], self.stop)
        if low < high:
            mixed[:, low - start : high - start] += sound[low - self.start : high - self.start]

    def note_gain(self, gain: Samples, start: int) -> None:
        """Remember what the limiter did from sample `start` on."""
        low, high = max(start, self.start), min(start + len(gain), self.stop)
        if low < high:
            self._limited[low - self.start : high - self.start] *= gain[low - start : high - start]

    def note_bed(self, power: Samples, ducked: Samples, start: int) -> None:
        """Remember the power of the background before and after ducking, per sample."""
        low, high = max(start, self.start), min(start + len(power), self.stop)
        if low < high:
            self._bed_power += float(power[low - start : high - start].sum())
            self._ducked_power += float(ducked[low - start : high - start].sum())

    def finish(self) -> None:
        """Measure the line as it stands in the mix, and let go of its sound."""
        if self._lufs is None:
            every = np.broadcast_to(self._limited, (self._channels, len(self._limited)))
            self._lufs = loudness_lufs(Audio(every, self._rate))
            self._samples, self._limited = None, np.zeros(0, np.float32)

    def _sound(self) -> Samples:
        if self._samples is not None:
            return self._samples
        gain = np.float32(db_to_gain(self._level.gain_db))
        sound = load_line(self._line, self._rate).samples[0] * gain
        self._samples, self._limited = sound, sound.copy()
        self.stop = self.start + len(sound)
        return sound

    @property
    def is_finished(self) -> bool:
        """Whether it is measured."""
        return self._lufs is not None

    def report(self) -> MixedLine:
        """Return what became of it."""
        self.finish()
        heard = self._bed_power / max(1, self.stop - self.start) > SILENT_POWER
        ducked = self._ducked_power / self._bed_power if heard and self._bed_power else 1.0
        return MixedLine(
            start_s=self.start / self._rate,
            end_s=self.stop / self._rate,
            speaker=self._line.speaker,
            gain_db=self._level.gain_db,
            lufs=self._lufs or 0.0,
            source_lufs=self._level.source_lufs,
            target_lufs=self._level.target_lufs,
            duck_db=-10 * math.log10(max(ducked, SILENT_POWER)),
            cut_s=self._cut / self._rate,
        )


class Tally:
    """Adds up what is measured of each block."""

    def __init__(self, original: AudioFile) -> None:
        self._original = original
        self._before, self._after = (
            LoudnessMeter(original.sample_rate_hz, original.channels) for _ in range(2)
        )
        self._equal = self._touched = 0
        self._exact_outside = True
        self._peak_before = self._peak_after = self._peak_touched = 0.0
        self._tail = np.zeros((original.channels, 2 * TAPS), np.float32)
        self._tail_core: Mask = np.zeros(2 * TAPS, np.bool_)
        self._products = np.zeros(3)  # residual x voice, residual², voice²

    def add_untouched(self, levels: Levels) -> None:
        """Count a block that is the original's."""
        sound, hops = to_samples(levels), self._before.n_hops
        self._before.add(sound)
        self._after.follow(self._before, hops)
        found = highest_peak(sound, min(self._peak_before, self._peak_after))
        self._peak_before = max(self._peak_before, found)
        self._peak_after = max(self._peak_after, found)
        self._equal += levels.shape[1]
        n: int = levels.shape[1]
        nowhere: Mask = np.zeros(n, np.bool_)
        self._keep_tail(sound, nowhere)

    def add_touched(self, levels: Levels, mixed: Levels, weight: Samples) -> None:
        """Count a block of the mix; `weight` is 0 where the original plays and 1 where it does not."""
        before, after = to_samples(levels), to_samples(mixed)
        self._before.add(before)
        self._after.add(after)
        self._peak_before = highest_peak(before, self._peak_before)
        self._peak_after = highest_peak(after, self._peak_after)
        same = (levels == mixed).all(axis=0)
        self._equal += int(same.sum())
        self._touched += int((weight > 0).sum())
        self._exact_outside = self._exact_outside and bool(same[weight == 0].all())
        self._add_core_peak(after, weight >= 1.0)

    def add_residual(self, residual: Samples, voice: Samples) -> None:
        """Compare what is left under the lines with the original voices, (channels, samples)."""
        self._products += (
            float(np.vdot(residual, voice)),
            float(np.vdot(residual, residual)),
            float(np.vdot(voice, voice)),
        )

    def report(self, voices: Sequence[Voice], notes: tuple[str, ...]) -> MixReport:
        """Return the sums."""
        cross, residual, voice = (float(value) for value in self._products)
        bleed = abs(cross) / math.sqrt(residual * voice) if residual and voice else 0.0
        n_samples = self._original.n_samples
        return MixReport(
            lines=tuple(each.report() for each in voices),
            sample_rate_hz=self._original.sample_rate_hz,
            channels=self._original.channels,
            n_samples=n_samples,
            touched_s=self._touched / self._original.sample_rate_hz,
            exact_share=self._equal / n_samples if n_samples else 1.0,
            is_exact_outside=self._exact_outside,
            true_peak_dbtp=gain_to_db(self._peak_after),
            touched_true_peak_dbtp=gain_to_db(self._peak_touched),
            original_true_peak_dbtp=gain_to_db(self._peak_before),
            loudness_lufs=self._after.integrated_lufs,
            original_loudness_lufs=self._before.integrated_lufs,
            range_lu=self._after.range_lu,
            original_range_lu=self._before.range_lu,
            bleed=bleed if voice else None,
            notes=notes,
        )

    def _add_core_peak(self, sound: Samples, core: Mask) -> None:
        sound_on = np.concatenate([self._tail, sound], axis=1)
        core_on: Mask = np.concatenate([self._tail_core, core])
        loudest = float(np.abs(sound_on[:, core_on]).max(initial=0.0))
        self._peak_touched = max(self._peak_touched, loudest)
        if float(np.abs(sound_on).max(initial=0.0)) * PEAK_REACH > self._peak_touched:
            inner = slice(TAPS, max(TAPS, len(core_on) - TAPS))
            found = peaks(sound_on)[inner][core_on[inner]]
            self._peak_touched = max(self._peak_touched, float(found.max(initial=0.0)))
        self._keep_tail(sound, core)

    def _keep_tail(self, sound: Samples, core: Mask) -> None:
        keep = 2 * TAPS
        self._tail = np.concatenate([self._tail, sound], axis=1)[:, -keep:]
        self._tail_core = np.concatenate([self._tail_core, core])[-keep:]
