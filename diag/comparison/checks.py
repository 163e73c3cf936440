"""Whether what the findings before asked for has come true after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.comparison.result import CheckResult
from diag.findings.metrics import measure
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.model.finding import Check, Finding


def check_results(
    findings: tuple[Finding, ...], after: tuple[Analysis, ...]
) -> tuple[CheckResult, ...]:
    """Every check of the findings, in their order.

    Args:
        findings: Of the side before.
        after: Analyses of the side after. A metric of several captures is the mean of their
            values, weighted by the lengths of their windows.
    """
    results = []
    for finding in findings:
        for check in finding.verify:
            value = _measure(after, check.metric)
            results.append(CheckResult(finding.id, check, value, _met(check, value)))
    return tuple(results)


def _measure(after: tuple[Analysis, ...], metric: str) -> float | Unavailable:
    values, weights = [], []
    for analysis in after:
        value = measure(analysis, metric)
        if isinstance(value, Unavailable):
            return value
        values.append(value)
        weights.append(max(1, analysis.capture.window.duration_ns))
    return float(np.average(values, weights=weights))


def _met(check: Check, value: float | Unavailable) -> bool | Unavailable:
    if isinstance(value, Unavailable):
        return value
    return (check.low is None or value >= check.low) and (check.high is None or value <= check.high)
