"""The dub's numbers, gathered, and what a creator should know of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from statistics import mean

from media.languages import language_name
from media.layout import FRAME_S
from studio.consent import Consent
from studio.metrics import Metric
from workflows.dub import measures
from workflows.dub.cautions import cautions
from workflows.dub.delivery import Facts, Wordings
from workflows.dub.kinds import KINDS
from workflows.dub.lips import Lips
from workflows.dub.measures import share_at
from workflows.dub.mixing import Mixed
from workflows.dub.model import Line, Member, Source
from workflows.dub.report import DubReport
from workflows.dub.sheet import Sheet, SheetLine

ONSET_S, NARRATED_ONSET_S = 0.450, 0.900
EARLY_S, EARLY_SHARE = 0.150, 0.10
OVERLAP_SHARE = 0.85
FAST, FASTEST, FAST_SHARE, JUMP = 1.15, 1.30, 0.15, 0.05
LOUDNESS_LU, RANGE_LU, BLEED = 1.0, 2.0, 0.1
PEAK_DBTP = -1.0
DUCK_DB, DUCK_TOLERANCE_DB = (6.0, 12.0), 0.5  # the way down and up belongs to the line too
RANGE_MATTERS_S = 60.0  # EBU Tech 3342: a range says nothing of less
ALIKE = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm"})  # wrap packets alike: can be compared
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Told:
    """Everything of a finished dub that the report looks at."""

    sheet: Sheet
    source: Source
    mixed: Mixed
    words: Wordings
    facts: Facts
    heard: tuple[Line, ...] = ()  # as recognised: their words know how sure that was
    engines: Mapping[str, str] | None = None  # role -> engine id
    is_narration: bool = False
    members: tuple[Member, ...] = ()
    glossary: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    lips: Lips | None = None
    consent: Consent | None = None  # to the use of the voices


def report_on(told: Told) -> DubReport:
    """Return the report of a finished dub."""
    lines = measures.spoken_lines(told.sheet.lines)
    metrics = (
        *_timing(lines, told),
        *_sound(told),
        *_picture(told),
        *_lips(told.lips),
        *_subtitles(told),
        *_text(lines, told.sheet),
    )
    engines = sorted((told.engines or {}).items())
    return DubReport(
        warnings=cautions(
            told.sheet,
            heard=told.heard,
            engines=told.engines or {},
            members=told.members,
            noted=(*told.warnings, *told.mixed.report.notes, *_about_lips(told.lips)),
            violations=told.words.violations,
            glossary=told.glossary,
        ),
        metrics=metrics,
        engines=tuple(f"{role}: {engine}" for role, engine in engines),
        summary=_summary(lines, told.sheet, metrics),
        consent=told.consent.sentence if told.consent else "",
    )


def _summary(lines: Sequence[SheetLine], sheet: Sheet, metrics: Sequence[Metric]) -> str:
    people = len({each.speaker for each in lines})
    judged = [each for each in metrics if each.passed is not None]
    held = sum(each.passed is True for each in judged)
    who = "1 speaker" if people == 1 else f"{people} speakers"
    what = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
    return (
        f"{what} of {who}, {sheet.duration_s:.1f} s, from {language_name(sheet.source_language)} to "
        f"{language_name(sheet.target_language)}: {held} of {len(judged)} checks passed."
    )


def _timing(lines: Sequence[SheetLine], told: Told) -> Iterator[Metric]:
    yield from _onsets(lines, told.is_narration)
    yield from _speeds(lines)
    cuts_s = [each.cut_s for each in told.mixed.report.lines if each.cut_s > 0]
    overlap_s = measures.self_overlap_s(lines)
    flagged = sum(bool(each.flag) for each in told.sheet.lines)
    yield _made("lines_cut", len(cuts_s), "0", not cuts_s)
    yield _made("lost", sum(cuts_s), "0 s", not cuts_s)
    yield _made("self_overlap", overlap_s, "0 s", overlap_s < 0.005)
    yield _made("flagged", flagged, "0", flagged == 0)


def _onsets(lines: Sequence[SheetLine], is_narration: bool) -> Iterator[Metric]:
    if not lines:
        return
    off_s = [each.dub_start_s - each.start_s for each in lines]
    apart_s = [abs(each) for each in off_s]
    limit_s = NARRATED_ONSET_S if is_narration else ONSET_S
    early = sum(each < -EARLY_S for each in off_s) / len(lines)
    overlap = measures.overlap_share(lines)
    p95_s = share_at(apart_s, 0.95)
    yield _made("onset_error_mean", mean(apart_s) * 1000, "", None)
    yield _made(
        "onset_error_p95", p95_s * 1000, f"≤ {limit_s * 1000:.0f} ms", p95_s <= limit_s + ROUNDING
    )
    yield _made(
        "early_share", early * 100, f"≤ {EARLY_SHARE * 100:.0f} %", early <= EARLY_SHARE + ROUNDING
    )
    yield _made(
        "speech_overlap",
        overlap * 100,
        f"≥ {OVERLAP_SHARE * 100:.0f} %",
        overlap >= OVERLAP_SHARE - ROUNDING,
    )


def _speeds(lines: Sequence[SheetLine]) -> Iterator[Metric]:
    if not lines:
        return
    p95, fastest = measures.speed_at(lines, 0.95), max(each.speed for each in lines)
    above, jump = measures.time_above(lines, FAST), measures.speed_jump(lines)
    yield _made("speed_p95", p95, f"≤ {FAST:g}", p95 <= FAST + ROUNDING)
    yield _made("speed_max", fastest, f"≤ {FASTEST:g}", fastest <= FASTEST + 0.005)
    yield _made("fast_share", above * 100, f"< {FAST_SHARE * 100:.0f} %", above < FAST_SHARE)
    yield _made("speed_jump", jump, f"≤ {JUMP:g}", jump <= JUMP + ROUNDING)


def _sound(told: Told) -> Iterator[Metric]:
    mix, facts = told.mixed.report, told.facts
    exact, peak = mix.is_exact_outside, mix.touched_true_peak_dbtp
    yield _made("samples_exact", facts.sound_is_exact, "to the sample", facts.sound_is_exact)
    yield _made("exact_outside", exact, "bit for bit", exact)
    yield _made("exact_share", mix.exact_share * 100, "", None)
    yield _made("true_peak", peak, f"≤ {PEAK_DBTP:g} dBTP", peak <= PEAK_DBTP + 0.01)
    yield from _levels(told)
    if mix.bleed is not None:
        yield _made("bleed", mix.bleed, f"≤ {BLEED:g}", mix.bleed <= BLEED)


def _levels(told: Told) -> Iterator[Metric]:
    mix = told.mixed.report
    errors_lu = [abs(each.error_lu) for each in mix.lines if each.source_lufs is not None]
    if errors_lu:
        for name, value in (
            ("loudness_error_p95", share_at(errors_lu, 0.95)),
            ("loudness_error_max", max(errors_lu)),
        ):
            yield _made(name, value, f"≤ {LOUDNESS_LU:g} LU", value <= LOUDNESS_LU + ROUNDING)
    depths_db = [each.duck_db for each in mix.lines if each.duck_db > 0]
    if depths_db:
        low, high = DUCK_DB[0] - DUCK_TOLERANCE_DB, DUCK_DB[1] + DUCK_TOLERANCE_DB
        for name, value in (
            ("duck_min", min(depths_db)),
            ("duck_max", max(depths_db)),
        ):
            yield _made(name, value, f"{DUCK_DB[0]:g} to {DUCK_DB[1]:g} dB", low <= value <= high)
    if told.source.audio_stream is not None:
        change = mix.range_change_lu
        is_long = told.source.duration_s >= RANGE_MATTERS_S
        yield _made(
            "range_change",
            change,
            f"± {RANGE_LU:g} LU",
            abs(change) <= RANGE_LU + ROUNDING if is_long else None,
        )


def _picture(told: Told) -> Iterator[Metric]:
    facts, source = told.facts, told.source
    if source.has_video:
        same = facts.picture_is_copied
        is_alike = PurePath(source.media.name).suffix.lower() in ALIKE
        is_new = told.lips is not None and told.lips.film is not None
        judged = told.words.captions is None and not is_new and (same or is_alike)
        yield _made("picture_copied", same, "packet for packet", same if judged else None)
    if facts.length_errors_s:
        worst_s = max(abs(each) for each in facts.length_errors_s)
        frame_s = facts.frame_s or FRAME_S
        yield _made(
            "stream_length_error",
            worst_s * 1000,
            f"≤ {frame_s * 1000:.1f} ms (a frame)",
            worst_s <= frame_s + 1e-4,
        )


def _lips(lips: Lips | None) -> Iterator[Metric]:
    if lips is None:
        return
    yield _made("lips_shots", lips.shots, "", None)
    if lips.before is not None:
        yield _made("lips_before", lips.before.correlation, "", None)
    if lips.after is not None:
        lag = lips.after.lag_frames
        yield _made("lips_after", lips.after.correlation, "", None)
        yield _made("lips_lag", lag, "-1 to 1", abs(lag) <= 1)


def _about_lips(lips: Lips | None) -> Iterator[str]:
    if lips is not None:
        yield from lips.kept
        if not lips.shots and not lips.kept:
            yield "Nobody's lips were changed: no line is spoken while there is a picture."


def _subtitles(told: Told) -> Iterator[Metric]:
    if told.words.target is not None:
        count = len(told.words.violations)
        yield _made("subtitle_rules", count, "0", count == 0)


def _text(lines: Sequence[SheetLine], sheet: Sheet) -> Iterator[Metric]:
    length = measures.length_compliance(lines)
    rate = measures.rate_compliance(lines, sheet.target_language)
    odd = len(measures.odd_texts(sheet.lines))
    if length is not None:
        yield _made("length_compliance", length * 100, "", None)
    if rate is not None:
        yield _made("rate_compliance", rate * 100, "", None)
    yield _made("odd_texts", odd, "0", odd == 0)


def _made(name: str, value: float, limit: str, passed: bool | None) -> Metric:
    kind = KINDS[name]
    return Metric(
        name=name,
        title=kind.title,
        group=kind.group,
        value=round(float(value), 4),
        unit=kind.unit,
        limit=limit,
        passed=passed,
        about=kind.about,
    )
