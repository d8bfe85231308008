"""The report: every number against a dub in which it is known, and sentences that a creator reads."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.speech import Span
from tests.dub.made import artefact, heard, member, mix, mixed_line, row, told
from workflows.dub import measures
from workflows.dub.kinds import KINDS
from workflows.dub.report import DubReport, readable
from workflows.dub.reporting import report_on

TIMES = st.floats(0, 100).map(lambda value: round(value, 3))
SPANS = st.lists(st.tuples(TIMES, TIMES).map(lambda pair: Span(min(pair), max(pair))), max_size=12)


def found(told_, name):
    metric = report_on(told_).metric(name)
    assert metric is not None, f"{name} is not in the report"
    return metric.value, metric.passed


def test_in_a_faultless_dub_every_check_passes():
    report = report_on(told())
    assert [each.name for each in report.metrics if each.passed is False] == []
    assert {each.name for each in report.metrics} == set(KINDS)
    assert "4 lines of 1 speaker" in report.summary
    assert report.engines == (
        "Diarizer: d", "Speaker: espeak-ng", "VoiceConverter: spectral-converter",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "name", "value", "passed"),
    [
        ([row(1, dub_start_s=0.4)], "onset_error_p95", 400, True),
        ([row(1, dub_start_s=0.5)], "onset_error_p95", 500, False),
        ([row(1, dub_start_s=0.2), row(2)], "onset_error_mean", 100, None),
        ([row(1), row(2, dub_start_s=2.84)], "early_share", 50, False),
        ([row(1), row(2, dub_start_s=2.86)], "early_share", 0, True),
        ([row(1), row(2, dub_end_s=4.0)], "speech_overlap", 75, False),
        ([row(1), row(2, speed=1.2)], "speed_p95", 1.2, False),
        ([row(1), row(2, speed=1.2)], "fast_share", 50, False),
        ([row(1), row(2, speed=1.4)], "speed_max", 1.4, False),
        ([row(1), row(2, speed=1.06)], "speed_jump", 0.06, False),
        ([row(1), row(2, speed=1.06, speaker="S2")], "speed_jump", 0.0, True),
        ([row(1, dub_end_s=3.5), row(2)], "self_overlap", 0.5, False),
        ([row(1, dub_end_s=3.5), row(2, speaker="S2")], "self_overlap", 0.0, True),
        ([row(1, flag="too long"), row(2)], "flagged", 1, False),
        ([row(1, translation="buenas"), row(2)], "length_compliance", 50, None),
        ([row(1, text="so it was so it was so it was")], "odd_texts", 1, False),
        ([row(1, text="x" * 61)], "odd_texts", 1, False),
        ([row(1, text="no, no, no, it was not me")], "odd_texts", 0, True),
    ],
)
def test_the_lines_tell(lines, name, value, passed):
    assert found(told(lines), name) == (pytest.approx(value), passed)


def test_narration_may_be_later():
    late = told([row(1, dub_start_s=0.8)])
    assert found(late, "onset_error_p95")[1] is False
    assert found(replace(late, is_narration=True), "onset_error_p95")[1] is True


@pytest.mark.parametrize(
    ("mixed", "name", "value", "passed"),
    [
        (mix(mixed_line(cut_s=0.3)), "lines_cut", 1, False),
        (mix(mixed_line(cut_s=0.3), mixed_line(cut_s=0.2)), "lost", 0.5, False),
        (mix(is_exact_outside=False), "exact_outside", 0, False),
        (mix(exact_share=0.25), "exact_share", 25, None),
        (mix(touched_true_peak_dbtp=-0.5), "true_peak", -0.5, False),
        (mix(mixed_line(lufs=-25.0)), "loudness_error_max", 1.8, False),
        (mix(*[mixed_line()] * 30, mixed_line(lufs=-25.0)), "loudness_error_p95", 0.2, True),
        (mix(mixed_line(duck_db=3.0), mixed_line(duck_db=9)), "duck_min", 3, False),
        (mix(mixed_line(duck_db=14.0), mixed_line(duck_db=9)), "duck_max", 14, False),
        (mix(range_lu=9.0), "range_change", 3.5, False),
        (mix(bleed=0.3), "bleed", 0.3, False),
    ],
)
def test_the_mix_tells(mixed, name, value, passed):
    assert found(told(mixed=mixed), name) == (pytest.approx(value), passed)


def test_what_cannot_be_measured_is_not_told():
    nothing = mix(mixed_line(source_lufs=None, duck_db=0.0), bleed=None)
    report = report_on(told(mixed=nothing))
    missing = set(KINDS) - {each.name for each in report.metrics}
    assert missing == {
        "bleed", "duck_min", "duck_max", "loudness_error_p95", "loudness_error_max",
    }  # fmt: skip


def test_the_picture_is_judged_only_where_it_can_be_compared():
    other = replace(told().facts, picture_is_copied=False)
    assert found(told(facts=other), "picture_copied") == (0, False)
    burned = replace(told().words, captions=artefact())
    assert found(told(facts=other, words=burned), "picture_copied") == (0, None)
    stream = replace(told().source, media=artefact("tape.TS"))
    assert found(told(facts=other, source=stream), "picture_copied") == (0, None)
    sound = replace(told().source, has_video=False)
    assert report_on(told(source=sound)).metric("picture_copied") is None
    short = replace(told().facts, length_errors_s=(0.0, -0.05), sound_is_exact=False)
    assert found(told(facts=short), "stream_length_error") == (50, False)
    assert found(told(facts=short), "samples_exact") == (0, False)


def test_a_range_of_less_than_a_minute_is_not_judged():
    brief = replace(told().source, duration_s=30.0)
    assert found(told(source=brief, mixed=mix(range_lu=9.0)), "range_change") == (3.5, None)


def test_a_line_at_another_rate_than_its_speakers_is_counted():
    rushed = row(4, dub_end_s=10.3, speed=2 / 1.3)
    assert found(told([row(1), row(2), row(3), rushed]), "rate_compliance") == (75, None)


def test_warnings_name_lines_and_say_what_to_do():
    lines = [row(1, flag="too long"), row(22, flag="too long"), row(3, flag="not spoken")]
    said = " ".join(report_on(told(lines)).warnings)
    assert "2 lines do not fit their time: L0001 (at 0:00), L0022 (at 1:03)." in said
    assert "Line L0003 (at 0:06) is not spoken" in said
    assert "line table" in said


def test_many_flagged_lines_are_not_listed_without_end():
    lines = [row(number, flag="too long") for number in range(1, 101)]
    warning = next(each for each in report_on(told(lines)).warnings if "100 lines" in each)
    assert "and 88 more" in warning and "L0013" not in warning


def test_approximate_voices_are_told_once():
    cast = [member("S1"), member("S2"), member("S3", reference=None, converted=False)]
    warnings = report_on(told(cast=cast)).warnings
    assert sum("approximations" in each for each in warnings) == 1
    assert sum("S3 speaks too little" in each for each in warnings) == 1
    cast += [member("S4", reference=None, converted=False)]
    warnings = report_on(told(cast=cast)).warnings
    assert sum("S3, S4 speak too little" in each for each in warnings) == 1
    without = report_on(told(engines={"Diarizer": "d"})).warnings
    assert any("no engine that turns them" in each for each in without)


def test_an_unsure_recogniser_is_told_unless_the_lines_were_corrected():
    unsure = tuple(heard(number, 0.4) for number in range(1, 5))
    said = report_on(told(heard=unsure)).warnings
    assert any("often unsure" in each and "L0001" in each for each in said)
    sure = tuple(heard(number, 0.95) for number in range(1, 5))
    assert not any("unsure" in each for each in report_on(told(heard=sure)).warnings)
    corrected = [row(number, text="as it really was") for number in range(1, 5)]
    assert not any("unsure" in each for each in report_on(told(corrected, heard=unsure)).warnings)


def test_what_others_noted_comes_first_and_only_once():
    told_ = told(mixed=mix(notes=("The original is loud.",)), warnings=("It is damaged.",) * 2)
    assert report_on(told_).warnings[:2] == ("It is damaged.", "The original is loud.")


def test_a_dub_without_one_spoken_line_has_a_report():
    report = report_on(told([row(1, flag="not spoken")]))
    assert report.metric("speed_max") is None and "0 lines" in report.summary
    assert readable(report).startswith("# Dub report")


def test_the_readable_report_shows_every_number_and_no_markup_of_the_film():
    name = "**<img src=x onerror=alert(1)>** | [a](b)"
    report = report_on(told(cast=[member(name=name, reference=None, converted=False)]))
    text = readable(report)
    assert all(each.title in text for each in report.metrics)
    assert "<img" not in text and "**" not in text and "[a](b)" not in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in tables} == {5}
    assert "✓" in text and "–" in text and "✗" not in text


def test_the_report_survives_as_json():
    report = report_on(told(mixed=mix(touched_true_peak_dbtp=-120.0)))
    assert DubReport.model_validate_json(report.model_dump_json()) == report


@given(SPANS)
def test_united_spans_cover_the_same_and_never_touch(spans):
    united = measures.united(spans)
    assert all(a.end_s < b.start_s for a, b in pairwise(united))
    for span in spans:
        covered_s = sum(span.overlap_s(each) for each in united)
        assert covered_s == pytest.approx(span.duration_s)


@given(st.lists(st.tuples(TIMES, TIMES, st.floats(0.8, 2)), min_size=1, max_size=12))
def test_shares_are_shares_and_speeds_lie_among_the_speeds(places):
    lines = [
        row(i, dub_start_s=at_s, dub_end_s=at_s + length_s / 10 + 0.1, speed=speed)
        for i, (at_s, length_s, speed) in enumerate(places, 1)
    ]
    assert 0 <= measures.overlap_share(lines) <= 1 + 1e-9
    assert 0 <= measures.time_above(lines, 1.15) <= 1
    speeds = [each.speed for each in lines]
    assert (
        min(speeds) <= measures.speed_at(lines, 0.5) <= measures.speed_at(lines, 1) == max(speeds)
    )
    assert measures.self_overlap_s(lines) >= 0
    assert 0 <= (measures.rate_compliance(lines, "es") or 0) <= 1
