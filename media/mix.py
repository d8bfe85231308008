"""The dub's sound: the lines over the background, and the original bit for bit everywhere else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from media.audio import AudioFile, AudioWriter, Samples, to_levels
from media.duck import Envelope, lowered
from media.levels import decide_levels, load_line, measure_line
from media.limiter import Limiter
from media.loudness import db_to_gain
from media.mix_report import MixReport, StretchReport, Traces, VoiceTrace, joined_report
from media.score import MixPlan, Stretch, extent, stretches
from media.tape import Levels, Tape, to_samples
from studio.errors import BadInput
from studio.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class Voice:
    """A line as it is heard in the mix."""

    audio: AudioFile
    start: int  # sample of the original
    gain_db: float


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
    must_fit(plan)
    original, bed = plan.original, plan.audible_bed
    measured = [measure_line(line, original, vocals=plan.vocals, bed=bed) for line in plan.lines]
    levels = decide_levels(
        plan.lines, measured, channels=original.channels, wanted_duck_db=plan.options.duck_db
    )
    parts = stretches(plan, levels)
    rate = original.sample_rate_hz
    voices = [
        Voice(line.audio, extent(line, rate)[0], level.gain_db)
        for line, level in zip(plan.lines, levels, strict=True)
    ]
    reports: list[StretchReport] = []
    with (
        Mixer(plan) as mixer,
        AudioWriter(out, original.sample_rate_hz, original.channels) as writer,
    ):
        for stretch, heard in parts:
            check()
            progress(*(n // original.sample_rate_hz for n in (stretch.start, original.n_samples)))
            mixed, report = mixer.mixed(stretch, [voices[i] for i in heard])
            core = slice(stretch.start - stretch.low, stretch.stop - stretch.low)
            writer.write_levels(mixed[:, core])
            reports.append(report)
    return joined_report(plan, levels, [heard for _, heard in parts], reports)


def must_fit(plan: MixPlan) -> None:
    """See that background and voices belong to the original.

    Raises:
        BadInput: if they do not.
    """
    for stem, name in ((plan.bed, "background"), (plan.vocals, "voice")):
        _must_fit(plan.original, stem, name)


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


class Mixer:
    """Mixes stretches, each by itself; in order is quickest. A context manager.

    Args:
        plan: whose files and options are used; its lines are not.
    """

    def __init__(self, plan: MixPlan) -> None:
        original, bed = plan.original, plan.audible_bed
        self._options, self._rate = plan.options, original.sample_rate_hz
        self._original = Tape(original)
        self._bed = None if bed is None else Tape(bed)
        self._vocals = None if plan.vocals is None else Tape(plan.vocals)
        self._limiter = Limiter(self._rate)

    def __enter__(self) -> "Mixer":
        return self

    def __exit__(self, *_: object) -> None:
        for tape in (self._original, self._bed, self._vocals):
            if tape is not None:
                tape.close()

    def mixed(self, stretch: Stretch, voices: Sequence[Voice]) -> tuple[Levels, StretchReport]:
        """Return the mix from `stretch.low` up to `stretch.high`, and what was done inside.

        Args:
            stretch: what sounds there.
            voices: the lines that are heard there, in its order.

        Returns:
            24-bit levels, (channels, samples).
        """
        traces = Traces(stretch, self._rate)
        if not stretch.is_touched:
            levels = self._original.levels(stretch.low, stretch.high)
            return levels, traces.untouched(levels)
        margin = self._limiter.margin
        low, high = stretch.low - margin, stretch.high + margin
        original = self._original.levels(low, high)
        weight = Envelope(stretch.weight).values(low, high)
        lines = [self._trace(voice) for voice in voices]
        under = self._background(stretch, original, weight, lines)
        mixed = under.copy()
        for line in lines:
            line.add_to(mixed, low)
        inner = slice(margin, mixed.shape[1] - margin)
        original, weight, under = original[:, inner], weight[inner], under[:, inner]
        mixed = self._limited(mixed, weight, stretch.low, lines)
        levels = np.where(weight > 0, to_levels(mixed), original).astype(np.int32, copy=False)
        if self._vocals is not None and stretch.sources:
            traces.note_bleed(under, self._vocals.samples(stretch.low, stretch.high))
        return levels, traces.touched(original, levels, weight, lines)

    def _trace(self, voice: Voice) -> VoiceTrace:
        gain = np.float32(db_to_gain(voice.gain_db))
        return VoiceTrace(voice.start, load_line(voice.audio, self._rate).samples[0] * gain)

    def _background(
        self, stretch: Stretch, original: Levels, weight: Samples, lines: Sequence[VoiceTrace]
    ) -> Samples:
        """Return all but the new voices: the original, cross-faded into the ducked background."""
        before = to_samples(original)
        if not self._options.keep_background:
            return np.zeros_like(before)
        low = stretch.low - self._limiter.margin
        high = low + before.shape[1]
        bed = before if self._bed is None else self._bed.samples(low, high)
        bed = bed * np.float32(db_to_gain(self._options.bed_gain_db))
        gains = lowered(Envelope(stretch.duck).values(low, high))
        ducked = bed * gains
        inner = slice(stretch.start - low, stretch.stop - low)
        power = np.square(bed[:, inner]).sum(axis=0)
        for line in lines:
            line.note_bed(power, power * np.square(gains[inner]), stretch.start)
        blended = before + weight * (ducked - before)
        return np.where(weight == 1, ducked, blended).astype(np.float32, copy=False)

    def _limited(
        self, mixed: Samples, weight: Samples, start: int, lines: Sequence[VoiceTrace]
    ) -> Samples:
        """Return the sound without its margins, its peaks lowered where the original does not play."""
        gains = self._limiter.gains(mixed)
        inner = mixed[:, self._limiter.margin : mixed.shape[1] - self._limiter.margin]
        if gains is None:
            return inner
        gains = (1 + (gains - 1) * weight).astype(np.float32, copy=False)
        for line in lines:
            line.note_gain(gains, start)
        return (inner * gains).astype(np.float32, copy=False)
