"""A report as an HTML table, for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.notebook import html_table
from diag.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.report.model import Report


def report_html(report: Report) -> str:
    """The verdict, and each finding with what to change."""
    return html_table(report.title, (), [(label, printable(text)) for label, text in _rows(report)])


def _rows(report: Report) -> Iterator[tuple[str, str]]:
    yield "verdict", report.verdict.sentence
    yield "confidence", f"{report.verdict.confidence}: {report.verdict.confidence_reason}"
    for finding in report.findings:
        yield "finding", f"{finding.id} ({finding.severity}): {finding.what}"
        for remedy in finding.remedies[:1]:
            yield "change", remedy.action
    for caveat in report.caveats:
        yield "caveat", caveat.text
