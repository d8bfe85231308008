"""Numbers with limits, as a report tells them: the same way for every workflow."""

from collections.abc import Sequence

from studio.request import Record

MARKS = {True: "✓", False: "✗", None: "–"}


class Metric(Record):
    """A number, its limit, and whether it holds."""

    name: str
    """For programs: `onset_error_p95`"""
    title: str
    group: str
    """The heading it stands under: "Timing" """
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


def readable(
    heading: str,
    summary: str,
    metrics: Sequence[Metric],
    told: Sequence[tuple[str, Sequence[str]]] = (),
) -> str:
    """Return a report as Markdown: a sentence, a table for each group of numbers, lists.

    Args:
        heading: of the whole.
        summary: the result in a sentence.
        metrics: those of a group stand together, groups in the order in which they begin.
        told: (heading, sentences) of the lists below; empty ones are left out.
    """
    parts = [f"# {heading}", "", plain(summary), ""]
    for group in dict.fromkeys(each.group for each in metrics):
        parts += [f"## {group}", "", "| | What | Value | Limit |", "|---|---|---|---|"]
        parts += [_row(each) for each in metrics if each.group == group]
        parts += [""]
    for title, sentences in told:
        if sentences:
            parts += [f"## {title}", "", *(f"- {plain(each)}" for each in sentences), ""]
    return "\n".join(parts)


def plain(text: str) -> str:
    """Return text that Markdown shows as it is: what is heard in a film may hold marks of all kinds."""
    safe = " ".join(text.split()).replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;")
    for mark in "|`*_[]":
        safe = safe.replace(mark, f"\\{mark}")
    return safe


def _row(metric: Metric) -> str:
    what = f"{plain(metric.title)}: {plain(metric.about)}" if metric.about else metric.title
    return f"| {MARKS[metric.passed]} | {what} | {metric.shown} | {plain(metric.limit) or '–'} |"
