"""The new sound, mixed and encoded stretch by stretch: one changed line costs a few of them.

Every stretch is remembered by what is heard in it (see `media.score`), so is every piece of AAC by its
sound. What looks at the whole film is cheap: the schedule before, the sums and the joining after.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from media import aac
from media.audio import AudioFile, AudioWriter, open_audio
from media.levels import Level, Measured, PlacedLine, decide_levels, measure_line
from media.mix import Mixer, Voice, must_fit
from media.mix_report import MixReport, StretchReport, joined_report
from media.score import MixOptions, MixPlan, Stretch, extent, stretches
from media.speech import Span
from media.tape import Tape
from studio.artefacts import Artefact
from studio.steps import Desk, Run, step
from workflows.dub.hearing import Stems
from workflows.dub.model import Source

FLAC = "audio/flac"
LONGEST_SILENCE_S = 60.0  # before the sound; more is not encoded as one piece


@dataclass(frozen=True, slots=True)
class Spoken:
    """A fitted take, and the line of the source that it replaces."""

    speaker: str
    start_s: float
    audio: Artefact
    source: Span


@dataclass(frozen=True, slots=True)
class Heard:
    """A take as one stretch hears it."""

    audio: Artefact
    start: int  # sample of the film's sound
    gain_db: float


@dataclass(frozen=True, slots=True)
class Order:
    """One stretch to be mixed; equal orders are mixed once."""

    stretch: Stretch
    voices: tuple[Heard, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """What sounds when, and how loud."""

    orders: tuple[Order, ...]
    heard: tuple[tuple[int, ...], ...]  # for each order: which lines
    levels: tuple[Level, ...]  # of each line


@dataclass(frozen=True, slots=True)
class Piece:
    """A mixed stretch with a little of what lies around it, and what was done in it."""

    audio: Artefact
    report: StretchReport


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece to be encoded: what of it counts, in samples."""

    audio: Artefact
    lead: int  # before it, the silence included
    size: int
    silence: int  # put before the piece
    is_last: bool


@dataclass(frozen=True, slots=True)
class Mixed:
    """The new sound, and what the mix tells of itself."""

    audio: Artefact
    report: MixReport


@dataclass(frozen=True, slots=True)
class Sound:
    """The new sound, whole and in pieces."""

    mixed: Mixed
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Track:
    """The new sound, as a film gets it."""

    audio: Artefact
    coded: tuple[Artefact, ...] = ()  # the same as pieces of AAC; none: it is encoded on the way


@step("Weigh the lines")
def weigh(
    desk: Desk, line: Spoken, source: Artefact, stems: Stems, *, keep_background: bool
) -> Measured:
    """Measure one line, the line it replaces, and what plays under it."""
    desk.check()
    plan = _plan(desk, source, stems, (), MixOptions(keep_background))
    return measure_line(
        _placed(desk, line), plan.original, vocals=plan.vocals, bed=plan.audible_bed
    )


@step("Write the score")
def write_score(
    desk: Desk,
    source: Artefact,
    stems: Stems,
    lines: tuple[Spoken, ...],
    measured: tuple[Measured, ...],
    *,
    options: MixOptions,
    offset: int,
) -> Score:
    """Decide how loud everything is, and what is heard in each stretch."""
    desk.check()
    plan = _plan(desk, source, stems, lines, options)
    must_fit(plan)
    rate = plan.original.sample_rate_hz
    levels = decide_levels(
        plan.lines, measured, channels=plan.original.channels, wanted_duck_db=options.duck_db
    )
    parts = stretches(plan, levels, offset)
    voices = [
        Heard(line.audio, extent(placed, rate)[0], level.gain_db)
        for line, placed, level in zip(lines, plan.lines, levels, strict=True)
    ]
    return Score(
        orders=tuple(Order(part, tuple(voices[i] for i in heard)) for part, heard in parts),
        heard=tuple(heard for _, heard in parts),
        levels=levels,
    )


@step("Mix")
def mix(
    desk: Desk, order: Order, source: Artefact, stems: Stems, *, keep_background: bool
) -> Piece:
    """Lay the lines over the background; outside them the original stays bit for bit."""
    desk.check()
    plan = _plan(desk, source, stems, (), MixOptions(keep_background))
    voices = [
        Voice(open_audio(desk.path(each.audio)), each.start, each.gain_db) for each in order.voices
    ]
    path = desk.scratch / "piece.flac"
    original = plan.original
    with (
        Mixer(plan) as mixer,
        AudioWriter(path, original.sample_rate_hz, original.channels) as writer,
    ):
        levels, report = mixer.mixed(order.stretch, voices)
        writer.write_levels(levels)
    return Piece(desk.keep(path, FLAC), report)


@step("Join the sound")
def join(
    desk: Desk,
    source: Artefact,
    stems: Stems,
    *,
    lines: tuple[Spoken, ...],
    score: Score,
    pieces: tuple[Piece, ...],
    options: MixOptions,
) -> Mixed:
    """Write the stretches one after the other, and add up what was done in them."""
    plan = _plan(desk, source, stems, lines, options)
    out, original = desk.scratch / "dub.flac", plan.original
    with AudioWriter(out, original.sample_rate_hz, original.channels) as writer:
        for order, piece in zip(score.orders, pieces, strict=True):
            desk.check()
            stretch = order.stretch
            tape = Tape(open_audio(desk.path(piece.audio)))
            writer.write_levels(
                tape.levels(stretch.start - stretch.low, stretch.stop - stretch.low)
            )
            tape.close()
            desk.progress(stretch.stop // original.sample_rate_hz, int(original.duration_s))
    reports = [each.report for each in pieces]
    return Mixed(desk.keep(out, FLAC), joined_report(plan, score.levels, score.heard, reports))


@step("Encode the sound")
def encode(desk: Desk, passage: Passage) -> Artefact:
    """Encode one stretch as AAC."""
    audio = open_audio(desk.path(passage.audio)).read()
    samples = np.pad(audio.samples, ((0, 0), (passage.silence, 0)))
    path = desk.scratch / "piece.aac"
    aac.encode_piece(
        samples,
        audio.sample_rate_hz,
        path,
        lead=passage.lead,
        size=passage.size,
        is_last=passage.is_last,
        check=desk.check,
    )
    return desk.keep(path, "audio/aac")


def mixed(
    run: Run,
    source: Source,
    stems: Stems,
    lines: tuple[Spoken, ...],
    *,
    options: MixOptions,
) -> Sound:
    """Mix the whole film; stretches in which nothing changed are recalled."""
    keep = options.keep_background
    measured = run.map(weigh, lines, source.audio, stems, keep_background=keep)
    rate = open_audio(run.store.path(source.audio)).sample_rate_hz
    silence = silence_before(source, rate)
    score = run.step(
        write_score, source.audio, stems, lines, measured, options=options, offset=silence
    )
    pieces = run.map(mix, score.orders, source.audio, stems, keep_background=keep)
    whole = run.step(
        join, source.audio, stems, lines=lines, score=score, pieces=pieces, options=options
    )
    parts = [each.stretch for each in score.orders]
    return Sound(whole, tuple(_passages(parts, pieces, silence)))


def encoded(run: Run, source: Source, sound: Sound) -> Track:
    """Return the sound with its pieces of AAC; none where it must be encoded otherwise."""
    file = open_audio(run.store.path(sound.mixed.audio))
    fits = file.sample_rate_hz in aac.RATES_HZ and file.channels <= aac.MOST_CHANNELS
    if not fits or source.audio_start_s > LONGEST_SILENCE_S:
        return Track(sound.mixed.audio)
    return Track(sound.mixed.audio, run.map(encode, sound.passages))


def silence_before(source: Source, sample_rate_hz: int) -> int:
    """Return by how many samples the sound begins after the film."""
    return max(0, round(source.audio_start_s * sample_rate_hz))


def _passages(parts: Sequence[Stretch], pieces: Sequence[Piece], silence: int) -> list[Passage]:
    passages: list[Passage] = []
    for part, piece in zip(parts, pieces, strict=True):
        before = silence if part.low == 0 else 0
        is_first = part.start == 0
        passages.append(
            Passage(
                audio=piece.audio,
                lead=0 if is_first else part.start - part.low + before,
                size=part.stop - part.start + (before if is_first else 0),
                silence=before,
                is_last=part is parts[-1],
            )
        )
    return passages


def _plan(
    desk: Desk, source: Artefact, stems: Stems, lines: Sequence[Spoken], options: MixOptions
) -> MixPlan:
    def opened(artefact: Artefact | None) -> AudioFile | None:
        return None if artefact is None else open_audio(desk.path(artefact))

    return MixPlan(
        original=open_audio(desk.path(source)),
        lines=tuple(_placed(desk, each) for each in lines),
        bed=opened(stems.bed),
        vocals=opened(stems.vocals),
        options=options,
    )


def _placed(desk: Desk, line: Spoken) -> PlacedLine:
    return PlacedLine(line.start_s, open_audio(desk.path(line.audio)), line.source, line.speaker)
