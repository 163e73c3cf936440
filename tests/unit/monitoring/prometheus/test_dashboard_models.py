"""Grafana's own models know every key of the dashboard, and keep every value."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.prometheus import Dataquery

from diag.monitoring.prometheus.dashboard import dashboard

with warnings.catch_warnings():
    # Version 2 is for Grafana's API of resources; the file that people import is version 1.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.models.dashboard import Dashboard, RowPanel

# What an export for other Grafanas adds to a dashboard; the import takes it off again.
EXPORT_KEYS = {"__inputs", "__requires"}

register_default_plugins()


def lost(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """What the models do not give back as it went in."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if key in theirs:
                yield from lost(value, theirs[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (each, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from lost(each, other, f"{path}[{index}]")
    elif ours != theirs:
        yield path


def read_again(document: dict[str, Any]) -> Any:
    return json.loads(JSONEncoder().encode(Dashboard.from_json(document)))


def test_the_models_keep_everything() -> None:
    document = {key: value for key, value in dashboard().items() if key not in EXPORT_KEYS}
    assert list(lost(document, read_again(document))) == []


def test_every_query_is_one_of_prometheus() -> None:
    model = Dashboard.from_json(dashboard())
    panels = [each for each in model.panels or () if not isinstance(each, RowPanel)]
    queries = [query for panel in panels for query in panel.targets or ()]
    assert len(queries) >= 25
    assert [query for query in queries if not isinstance(query, Dataquery)] == []


def test_a_key_that_grafana_does_not_know_would_be_noticed() -> None:
    document = dashboard()
    document["panels"][0]["fieldConfig"]["defaults"]["untis"] = "s"
    found = list(lost(document, read_again(document)))
    assert found == [".__inputs", ".__requires", ".panels[0].fieldConfig.defaults.untis"]
