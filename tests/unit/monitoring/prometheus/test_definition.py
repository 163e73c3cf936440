"""Series, alerts and panels belong together, and name pages and commands that exist."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import pytest

from diag.cli.commands import cli
from diag.monitoring.prometheus import Timing
from diag.monitoring.prometheus.alerts import Alert, alerts
from diag.monitoring.prometheus.dashboard import dashboard, dashboard_text
from diag.monitoring.prometheus.panels import panels
from diag.monitoring.prometheus.series import recorded_series
from diag.monitoring.prometheus.timing import duration

ROOT = Path(__file__).parents[4]
SERIES = recorded_series(Timing())
ALERTS = alerts(Timing())
NAME = re.compile(r"\btfserving_\w+:\w+:\w+")
LABELS = {
    r'\{\{ reReplaceAll ":\[0-9\]\+\$" "" \$labels.instance \}\}': "tfs.prod",
    r"\{\{ \$labels.instance \}\}": "tfs.prod:8501",
    r"\{\{ \$labels.node \}\}": "gpu-1",
}


def names_in(expr: str) -> set[str]:
    return set(NAME.findall(expr))


def test_a_series_uses_only_what_is_recorded_before_it() -> None:
    known: set[str] = set()
    for each in SERIES:
        assert names_in(each.expr) <= known, each.name
        assert each.name not in known
        known.add(each.name)
    assert len(known) >= 30


def test_alerts_and_panels_use_recorded_series_and_each_series_is_used() -> None:
    known = {each.name for each in SERIES}
    shown = {name for panel in panels() for expr, _ in panel.queries for name in names_in(expr)}
    compared = {name for alert in ALERTS for name in names_in(alert.expr)}
    inner = {name for each in SERIES for name in names_in(each.expr)}
    assert shown | compared <= known
    assert known - shown - compared - inner == set()


def test_the_limits_of_an_alert_are_the_numbers_in_its_expression() -> None:
    for alert in ALERTS:
        numbers = set(re.findall(r"[<>]=? ([\d.e+-]+)", alert.expr))
        assert {str(limit) for limit in alert.limits.values()} <= numbers, alert.name


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_the_findings_of_an_alert_have_pages(alert: Alert) -> None:
    assert alert.findings
    missing = [
        name for name in alert.findings if not (ROOT / "docs" / "findings" / f"{name}.md").exists()
    ]
    assert missing == []


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_the_command_of_an_alert_is_one_of_diag(alert: Alert) -> None:
    text = alert.command()
    for template, value in LABELS.items():
        text = re.sub(template, value, text)
    assert "{{" not in text
    program, name, *arguments = shlex.split(text)
    assert (program, name) == ("diag", "capture")
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    values = command.make_context(name, arguments).params
    assert "tfs.prod:8500" in values.values()
    assert "http://tfs.prod:8501/monitoring/prometheus/metrics" in values.values()
    assert ("http://gpu-1:9400/metrics" in values.values()) == alert.gpu


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    placed = [(each["id"], each["gridPos"]) for each in dashboard()["panels"]]
    assert len({number for number, _ in placed}) == len(placed)
    cells = [
        (x, y)
        for _, place in placed
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_the_data_source_is_an_input_and_a_variable() -> None:
    document = json.loads(dashboard_text())
    (input_,) = document["__inputs"]
    variable = document["templating"]["list"][0]
    assert (input_["name"], input_["pluginId"]) == (variable["name"], variable["query"])
    assert (input_["type"], variable["type"]) == ("datasource", "datasource")
    sources = set(re.findall(r'"uid": "(\$\{\w+\})"', dashboard_text()))
    assert sources == {f"${{{input_['name']}}}"}


@pytest.mark.parametrize(
    ("seconds", "text"), [(300, "5m"), (90, "90s"), (0.25, "250ms"), (2, "2s"), (0, "0ms")]
)
def test_durations_are_written_as_prometheus_reads_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
