"""The recorded series as a dashboard of Grafana.

The form is that of schema version 42 (@grafana/schema 13.2.3, raw/dashboard). ``DS_PROMETHEUS`` is
an input, which Grafana asks for when somebody imports the file, and a variable of the same name,
which takes the first Prometheus where the file is provisioned.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from diag.monitoring.prometheus.panels import ALERTS, ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.monitoring.prometheus.panels import Panel

_SCHEMA_VERSION = 42
_SOURCE = {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}
_COLUMNS, _WIDTH, _HEIGHT = 24, 8, 8


def dashboard() -> dict[str, Any]:
    """The dashboard as the object that Grafana imports."""
    return {
        "__inputs": [
            {
                "name": "DS_PROMETHEUS",
                "label": "Prometheus",
                "description": "The Prometheus with the rules of docs/monitoring.",
                "type": "datasource",
                "pluginId": "prometheus",
                "pluginName": "Prometheus",
            }
        ],
        "__requires": [
            {"type": "datasource", "id": "prometheus", "name": "Prometheus", "version": "1.0.0"},
            {"type": "panel", "id": "stat", "name": "Stat", "version": ""},
            {"type": "panel", "id": "timeseries", "name": "Time series", "version": ""},
        ],
        "uid": "diag-tfserving",
        "title": "TensorFlow Serving",
        "description": "Requests, latency, batching and machines of TensorFlow Serving.",
        "tags": ["tensorflow-serving", "diag"],
        "schemaVersion": _SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [],
        "templating": {
            "list": [
                {
                    "type": "datasource",
                    "name": "DS_PROMETHEUS",
                    "label": "Prometheus",
                    "query": "prometheus",
                    "regex": "",
                    "refresh": 1,
                    "hide": 0,
                    "multi": False,
                    "includeAll": False,
                    "options": [],
                },
                _variable("instance", "Server"),
                _variable("model", "Model", "model_name"),
            ]
        },
        "panels": list(_placed()),
    }


def dashboard_text() -> str:
    """The file."""
    return json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n"


def _variable(name: str, label: str, of: str = "") -> dict[str, Any]:
    query = f"label_values(tfserving_model:requests:rate, {of or name})"
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": _SOURCE,
        "query": {
            "qryType": 1,
            "query": query,
            "refId": "PrometheusVariableQueryEditor-VariableQuery",
        },
        "regex": "",
        "refresh": 2,
        "sort": 1,
        "hide": 0,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "options": [],
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def _placed() -> Iterator[dict[str, Any]]:
    """The panels with ids and places, three in a line, under the headings of their rows."""
    yield _chart(ALERTS, 1, {"x": 0, "y": 0, "w": _COLUMNS, "h": 4}, kind="stat")
    number, y = 2, 4
    for title, row in ROWS.items():
        place = {"x": 0, "y": y, "w": _COLUMNS, "h": 1}
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "gridPos": place,
            "panels": [],
        }
        number, y = number + 1, y + 1
        for index, panel in enumerate(row):
            line, column = divmod(index, _COLUMNS // _WIDTH)
            place = {"x": column * _WIDTH, "y": y + line * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
            yield _chart(panel, number, place)
            number += 1
        y += -(-len(row) // (_COLUMNS // _WIDTH)) * _HEIGHT


def _chart(
    panel: Panel, number: int, place: dict[str, int], *, kind: str = "timeseries"
) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if kind == "stat":
        defaults["noValue"] = "none"
    if panel.limit is not None:
        steps = [{"color": "green", "value": None}, {"color": "red", "value": panel.limit.value}]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
        defaults["custom"] = {"thresholdsStyle": {"mode": "line"}}
    return {
        "id": number,
        "type": kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": _SOURCE,
                "expr": expr,
                "legendFormat": legend,
                "instant": kind == "stat",
                "range": kind != "stat",
            }
            for index, (expr, legend) in enumerate(panel.queries)
        ],
    }
