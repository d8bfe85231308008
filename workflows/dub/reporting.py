"""The dub's numbers, gathered."""

from workflows.dub.delivery import Facts, Mixed, Wordings
from workflows.dub.model import Source
from workflows.dub.report import DubReport, Metric
from workflows.dub.sheet import Sheet


def report_on(
    sheet: Sheet,
    source: Source,
    mixed: Mixed,
    words: Wordings,
    facts: Facts,
    warnings: tuple[str, ...],
) -> DubReport:
    """Return the report."""
    del source, words
    fastest = max((each.speed for each in sheet.lines), default=1.0)
    return DubReport(
        warnings=warnings,
        metrics=(
            Metric(
                name="fastest line", value=fastest, unit="x", limit="<= 1.3", passed=fastest <= 1.3
            ),
            Metric(
                name="outside exact",
                value=float(mixed.report.is_exact_outside),
                unit="",
                limit="1",
                passed=mixed.report.is_exact_outside,
            ),
            Metric(
                name="picture copied",
                value=float(facts.picture_is_copied),
                unit="",
                limit="",
                passed=None,
            ),
        ),
    )
