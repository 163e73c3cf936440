"""A finding as an HTML table, for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.notebook import html_table
from diag.model.quantity import quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.model.finding import Check, Finding, Gain, Remedy, Setting, Value


def finding_html(finding: Finding) -> str:
    """What was found, its evidence, the change, its gain and how to check it."""
    return html_table(finding.what, (), list(_rows(finding)), note=finding.docs)


def _rows(finding: Finding) -> Iterator[tuple[str, str]]:
    yield "finding", f"{finding.id} ({finding.severity.value})"
    yield "confidence", f"{finding.confidence.value}: {finding.confidence_reason}"
    for evidence in finding.evidence:
        yield "evidence", f"{evidence.name}: {_value(evidence.value, evidence.unit)}"
    for number, remedy in enumerate(finding.remedies):
        yield "alternative" if number else "change", _remedy_text(remedy)
    if isinstance(finding.gain, Unavailable):
        yield "gain", f"not available: {finding.gain.reason}"
    else:
        yield "gain", _gain_text(finding.gain)
    for check in finding.verify:
        yield "verify", _check_text(check)
    if finding.rollback:
        yield "rollback", finding.rollback


def _remedy_text(remedy: Remedy) -> str:
    parts = [remedy.action]
    if remedy.setting is not None:
        parts.append(_setting_text(remedy.setting))
    parts.append(f"Where: {remedy.place.value}.")
    if remedy.risk:
        parts.append(f"Risk: {remedy.risk}")
    return " ".join(parts)


def _setting_text(setting: Setting) -> str:
    values = [
        "?" if isinstance(value, Unavailable) else _value(value, setting.unit)
        for value in (setting.now, setting.to)
    ]
    return f"{setting.name}: {' → '.join(values)}."


def _gain_text(gain: Gain) -> str:
    now, low, high = (quantity(value, gain.unit) for value in (gain.now, gain.low, gain.high))
    return f"{gain.metric}: {low} to {high} of {now}. {gain.method}"


def _check_text(check: Check) -> str:
    bounds = [
        f"{word} {quantity(bound, check.unit)}"
        for word, bound in (("at least", check.low), ("at most", check.high))
        if bound is not None
    ]
    return f"{check.metric}: {' and '.join(bounds)} (now {quantity(check.now, check.unit)})"


def _value(value: Value, unit: str) -> str:
    return value if isinstance(value, str) else quantity(value, unit)
