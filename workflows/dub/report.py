"""What the dub tells of itself: numbers with limits, and what a creator should know."""

from typing import Literal

from engines.role_titles import ROLES
from studio import metrics
from studio.metrics import Metric
from studio.request import Report

Group = Literal["Timing", "Sound", "Picture", "Subtitles", "Text"]
GROUPS: tuple[str, ...] = ("Timing", "Sound", "Picture", "Subtitles", "Text")


class DubReport(Report):
    """The numbers of a dub."""

    metrics: tuple[Metric, ...] = ()
    engines: tuple[str, ...] = ()
    """Which engine did what: "Speaker: espeak-ng" """
    summary: str = ""
    """The dub in one sentence"""
    consent: str = ""
    """Whose voices they are, and who agreed, as far as it was said"""

    def metric(self, name: str) -> Metric | None:
        """Return the metric of that name, if it could be measured."""
        return next((each for each in self.metrics if each.name == name), None)


def readable(report: DubReport) -> str:
    """Return the report as Markdown: a sentence, a table for each group, what to know."""
    consent = tuple(filter(None, (report.consent,)))
    told = (
        ("What to know", report.warnings),
        ("Consent", consent),
        ("Who did what", tuple(map(_in_words, report.engines))),
    )
    ordered = sorted(report.metrics, key=lambda each: GROUPS.index(each.group))
    return metrics.readable("Dub report", report.summary, ordered, told)


def _in_words(served: str) -> str:
    """Return one of `DubReport.engines` with the role's name for people."""
    role, colon, engine = served.partition(":")
    return f"{ROLES.get(role, role)}{colon}{engine}"
