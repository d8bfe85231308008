"""What the dub tells of itself: numbers with limits, and what a creator should know."""

from typing import Literal

from studio.request import Record, Report

Group = Literal["Timing", "Sound", "Picture", "Subtitles", "Text"]
GROUPS: tuple[Group, ...] = ("Timing", "Sound", "Picture", "Subtitles", "Text")
MARKS = {True: "✓", False: "✗", None: "–"}


class Metric(Record):
    """A number, its limit, and whether it holds."""

    name: str
    """For programs: `onset_error_p95`"""
    title: str
    group: Group
    value: float
    unit: str
    """Empty for a share or a ratio; "yes/no": the value is 1 or 0"""
    limit: str
    """As a person reads it; empty where there is none"""
    passed: bool | None
    """None: only told"""
    about: str
    """What it means, in a sentence"""

    @property
    def shown(self) -> str:
        """The value with its unit, as a person reads it."""
        if self.unit == "yes/no":
            return "yes" if self.value else "no"
        if self.unit == "lines":
            return f"{self.value:.0f}"
        if self.unit == "%":
            return f"{self.value:.1f} %"
        return f"{self.value:.4g} {self.unit}".rstrip()


class DubReport(Report):
    """The numbers of a dub."""

    metrics: tuple[Metric, ...] = ()
    engines: tuple[str, ...] = ()
    """Which engine did what: "Speaker: espeak-ng" """
    summary: str = ""
    """The dub in one sentence"""

    def metric(self, name: str) -> Metric | None:
        """Return the metric of that name, if it could be measured."""
        return next((each for each in self.metrics if each.name == name), None)


def readable(report: DubReport) -> str:
    """Return the report as Markdown: a sentence, a table for each group, what to know."""
    parts = ["# Dub report", "", _plain(report.summary), ""]
    for group in GROUPS:
        own = [each for each in report.metrics if each.group == group]
        if own:
            parts += [f"## {group}", "", "| | What | Value | Limit |", "|---|---|---|---|"]
            parts += [_row(each) for each in own]
            parts += [""]
    if report.warnings:
        parts += ["## What to know", "", *(f"- {_plain(each)}" for each in report.warnings), ""]
    if report.engines:
        parts += ["## Made by", "", *(f"- {_plain(each)}" for each in report.engines), ""]
    return "\n".join(parts)


def _row(metric: Metric) -> str:
    what = f"{_plain(metric.title)}: {_plain(metric.about)}" if metric.about else metric.title
    return f"| {MARKS[metric.passed]} | {what} | {metric.shown} | {_plain(metric.limit) or '–'} |"


def _plain(text: str) -> str:
    """Return text that Markdown shows as it is: what is heard in a film may hold marks of all kinds."""
    safe = " ".join(text.split()).replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;")
    for mark in "|`*_[]":
        safe = safe.replace(mark, f"\\{mark}")
    return safe
