"""Comparison → ComparisonReport."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.comparison import thresholds
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.report.build import clean
from diag.report.comparison.model import (
    COMPARISON_SCHEMA_VERSION,
    ChangePart,
    CheckPart,
    CircumstancePart,
    ComparisonReport,
    SidePart,
)
from diag.report.comparison.sections import comparison_sections
from diag.report.comparison.words import outcome_sentence
from diag.version import __version__

if TYPE_CHECKING:
    from diag.comparison.result import Change, Comparison, SideSummary
    from diag.model.finding import Finding


def build_comparison(comparison: Comparison) -> ComparisonReport:
    """Everything that can be shown of a comparison."""
    report = ComparisonReport(
        schema_version=COMPARISON_SCHEMA_VERSION,
        diag_version=__version__,
        title=f"{_names(comparison.before)} → {_names(comparison.after)}",
        before=_side(comparison.before),
        after=_side(comparison.after),
        outcome=comparison.outcome.value,
        sentence=outcome_sentence(comparison),
        interval_level=thresholds.LEVEL,
        wanted_window_ns=comparison.wanted_window_ns,
        changes=tuple(map(_change, comparison.changes)),
        circumstances=tuple(
            CircumstancePart(i.name, i.before, i.after, i.differs, i.consequence)
            for i in comparison.circumstances
        ),
        findings_gone=_ids(comparison.went),
        findings_new=_ids(comparison.came),
        findings_kept=_ids(comparison.stayed),
        checks=tuple(
            CheckPart(result.finding, result.check, result.after, result.met)
            for result in comparison.checks
        ),
        sections=tuple(comparison_sections(comparison)),
    )
    return clean(report)


def _names(side: SideSummary) -> str:
    first = printable(side.captures[0].name, NAME_MAX_CHARS)
    more = len(side.captures) - 1
    return f"{first} and {more} more" if more else first


def _side(side: SideSummary) -> SidePart:
    return SidePart(_sources(side), side.models, side.requests, side.window_ns)


def _sources(side: SideSummary) -> tuple[str, ...]:
    return tuple(capture.name for capture in side.captures)


def _change(change: Change) -> ChangePart:
    outcome = change.outcome.value if change.metric.startswith("latency.") else ""
    return ChangePart(
        change.metric,
        change.unit,
        change.before,
        change.after,
        change.low,
        change.high,
        outcome,
    )


def _ids(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    return tuple(finding.id for finding in findings)
