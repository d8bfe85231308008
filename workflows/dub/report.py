"""What the dub tells of itself, in numbers with limits."""

from studio.request import Record, Report


class Metric(Record):
    """A number, its limit, and whether it holds."""

    name: str
    value: float
    unit: str
    limit: str
    passed: bool | None


class DubReport(Report):
    """The numbers of a dub."""

    metrics: tuple[Metric, ...] = ()


def readable(report: DubReport) -> str:
    """Return the report as Markdown."""
    rows = [f"| {m.name} | {m.value:g} {m.unit} | {m.limit} | {m.passed} |" for m in report.metrics]
    return "\n".join(
        ["| what | value | limit | passed |", "|---|---|---|---|", *rows, *report.warnings]
    )
