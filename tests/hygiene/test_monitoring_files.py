"""The files in docs/monitoring are what the definition gives, and Prometheus takes them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from diag.monitoring.prometheus import Timing, monitoring_files
from diag.monitoring.prometheus.alerts import alerts
from diag.monitoring.prometheus.files import with_tables
from diag.monitoring.prometheus.series import recorded_series

FOLDER = Path(__file__).parents[2] / "docs" / "monitoring"
README = (FOLDER / "README.md").read_text()
UPDATE = "run python -m tests.golden.update"


def test_the_files_are_what_the_definition_gives() -> None:
    for name, text in monitoring_files().items():
        assert (FOLDER / name).read_text() == text, f"{name}: {UPDATE}"


def test_the_page_has_the_series_and_alerts_of_the_definition() -> None:
    assert with_tables(README) == README, UPDATE
    names = {each.name for each in recorded_series(Timing())}
    names |= {each.name for each in alerts(Timing())}
    assert {name for name in names if f"| `{name}` |" not in README} == set()


def test_the_rules_are_yaml_with_each_series_and_alert_once() -> None:
    found = [
        rule.get("record") or rule["alert"]
        for name, text in monitoring_files().items()
        if name.endswith(".yml")
        for group in yaml.safe_load(text)["groups"]
        for rule in group["rules"]
    ]
    assert sorted(found) == sorted(set(found))
    assert len(found) == len(recorded_series(Timing())) + len(alerts(Timing()))


def test_the_example_uses_the_files_of_this_folder() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    assert set(config["rule_files"]) == {n for n in monitoring_files() if n.endswith(".yml")}
    nodes = {each["static_configs"][0]["labels"]["node"] for each in config["scrape_configs"]}
    assert nodes == {"localhost"}
    compose = yaml.safe_load((FOLDER / "docker-compose.yml").read_text())
    mounts = [each for service in compose["services"].values() for each in service["volumes"]]
    assert len(mounts) == 6
    assert [each for each in mounts if not (FOLDER / each.split(":")[0]).is_file()] == []
    (provider,) = yaml.safe_load((FOLDER / "grafana" / "dashboards.yml").read_text())["providers"]
    dashboard = next(each for each in mounts if "dashboard.json" in each)
    assert dashboard.split(":")[1].startswith(provider["options"]["path"])
    (source,) = yaml.safe_load((FOLDER / "grafana" / "datasources.yml").read_text())["datasources"]
    assert (
        source["type"]
        == json.loads((FOLDER / "dashboard.json").read_text())["__inputs"][0]["pluginId"]
    )


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", README)
    assert len(targets) >= 10
    assert [target for target in targets if not (FOLDER / target).exists()] == []
