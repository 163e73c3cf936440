"""The files in ``docs/monitoring/`` that follow from the definition."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from diag.monitoring.prometheus.alerts import GRPC_PORT, alerts
from diag.monitoring.prometheus.dashboard import dashboard_text
from diag.monitoring.prometheus.series import recorded_series
from diag.monitoring.prometheus.timing import Timing, duration

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDING_RULES = "recording.rules.yml"
ALERT_RULES = "alert.rules.yml"
DASHBOARD = "dashboard.json"
FINDINGS = "docs/findings"
_MADE = "# Made from diag/monitoring/prometheus; python -m tests.golden.update writes it again.\n"
_TABLE = re.compile(r"(<!-- (series|alerts) -->\n).*?(<!-- end -->)", re.DOTALL)


def monitoring_files(timing: Timing | None = None, *, grpc_port: int = GRPC_PORT) -> dict[str, str]:
    """Rules and dashboard, by the name of their file.

    Args:
        timing: Times of the rules.
        grpc_port: Of the servers, for the commands; their metrics are on another port.
    """
    timing = timing or Timing()
    return {
        RECORDING_RULES: _group("tfserving-series", timing, _recording(timing)),
        ALERT_RULES: _group("tfserving-alerts", timing, _alerting(timing, grpc_port)),
        DASHBOARD: dashboard_text(),
    }


def with_tables(page: str) -> str:
    """The page with today's series and alerts between its marks."""
    tables = {"series": _series_table(), "alerts": _alert_table()}
    return _TABLE.sub(lambda found: f"{found[1]}{tables[found[2]]}{found[3]}", page)


def _group(name: str, timing: Timing, rules: Iterator[str]) -> str:
    head = f"groups:\n  - name: {name}\n    interval: {duration(timing.interval_s)}\n    rules:\n"
    return _MADE + head + "\n".join(rules)


def _recording(timing: Timing) -> Iterator[str]:
    for each in recorded_series(timing):
        yield (
            f"      # {each.meaning} Unit: {each.unit}.\n"
            f"      - record: {each.name}\n"
            f"        expr: |-\n{_indented(each.expr)}"
        )


def _alerting(timing: Timing, grpc_port: int) -> Iterator[str]:
    for each in alerts(timing):
        annotations = {
            "summary": each.summary,
            "description": each.description,
            "findings": ", ".join(f"{FINDINGS}/{name}.md" for name in each.findings),
            "command": each.command(grpc_port),
        }
        lines = "".join(
            f"          {key}: {json.dumps(text)}\n" for key, text in annotations.items()
        )
        yield (
            f"      - alert: {each.name}\n"
            f"        expr: |-\n{_indented(each.expr)}"
            f"        for: {duration(timing.hold_s)}\n"
            f"        labels:\n          severity: {each.severity}\n"
            f"        annotations:\n{lines}"
        )


def _indented(expr: str) -> str:
    return "".join(f"          {line}\n" for line in expr.splitlines())


def _series_table() -> str:
    rows = (f"| `{s.name}` | {s.unit} | {s.meaning} |\n" for s in recorded_series(Timing()))
    return "| series | unit | what it is |\n|---|---|---|\n" + "".join(rows)


def _alert_table() -> str:
    lines = ["| alert | limits | why these | likely findings |\n|---|---|---|---|\n"]
    for each in alerts(Timing()):
        values = "<br>".join(f"{of}: {limit.text}" for of, limit in each.limits.items())
        reasons = "<br>".join(limit.reason for limit in each.limits.values())
        pages = ", ".join(f"[{name}](../findings/{name}.md)" for name in each.findings)
        lines.append(f"| `{each.name}` | {values} | {reasons} | {pages} |\n")
    return "".join(lines)
