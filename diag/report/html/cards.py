"""Findings as cards: the change, why, the gain on an axis of all cards, checks, rollback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.quantity import quantity, setting_text
from diag.report.charts import svg
from diag.report.wording.metrics import describe_checks, describe_gain

if TYPE_CHECKING:
    from markupsafe import Markup

    from diag.report.model import Report
    from diag.report.parts import FindingPart


@dataclass(frozen=True, slots=True)
class Card:
    """One finding.

    Attributes:
        rows: Label and text.
        gain: In words; "" where none is computed, ``rows`` then has the reason.
        drawing: The gain's range; None where there is none.
        is_advised: Whether there is something to change.
    """

    number: int
    id: str
    title: str
    confidence: str
    severity: str
    setting: tuple[str, str, str]
    rows: tuple[tuple[str, str], ...]
    gain: str
    drawing: Markup | None
    is_advised: bool


def cards_of(report: Report) -> tuple[Card, ...]:
    """In the report's order; times share an axis from 0 to the greatest of them."""
    gains = [each.gain for each in report.findings if each.gain is not None]
    most = max((max(g.now, g.high) for g in gains if g.unit == "ns"), default=0.0)
    return tuple(_card(n, each, most) for n, each in enumerate(report.findings, 1))


def _card(number: int, finding: FindingPart, most_ns: float) -> Card:
    remedy = finding.remedies[0] if finding.remedies else None
    gain = finding.gain
    text = describe_gain(gain) if gain is not None else ""
    rows = [("why", finding.what if remedy else ""), ("confidence", finding.confidence_reason)]
    if remedy is not None:
        rows.append(("where", remedy.place.value))
        rows.append(("risk", remedy.risk))
    rows.append(("gain", gain.method if gain is not None else _no_gain(finding)))
    rows.append(("verify", describe_checks(finding.verify) if finding.verify else ""))
    rows.append(("roll back", finding.rollback))
    rows += [("or", each.action) for each in finding.remedies[1:]]
    drawing = None
    if gain is not None:
        axis = most_ns if gain.unit == "ns" else max(gain.now, gain.high)
        drawing = svg.effect_range(gain.now, gain.low, gain.high, axis, text)
    return Card(
        number=number,
        id=finding.id,
        title=remedy.action if remedy else finding.what,
        confidence=finding.confidence,
        severity=finding.severity,
        setting=_setting(finding),
        rows=tuple((label, value) for label, value in rows if value),
        gain=text,
        drawing=drawing,
        is_advised=remedy is not None and finding.severity != "info",
    )


def _no_gain(finding: FindingPart) -> str:
    if not finding.gain_reason:
        return ""
    is_known = finding.not_advised and not finding.remedies
    return f"{'none' if is_known else 'not computed'}: {finding.gain_reason}"


def _setting(finding: FindingPart) -> tuple[str, str, str]:
    """Name, today's value, value to try; empty where the first remedy is no setting."""
    setting = finding.remedies[0].setting if finding.remedies else None
    if setting is None:
        return ("", "", "")
    now, to = (
        "n/a"
        if isinstance(value, Unavailable)
        else quantity(value, setting.unit)
        if setting.unit and not isinstance(value, str)
        else setting_text(value)
        for value in (setting.now, setting.to)
    )
    return (setting.name, now, to)
