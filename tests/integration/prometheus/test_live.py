"""A real Prometheus scrapes the demo server, recorded servers and exporters: panels and alerts."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from diag.demo.processes import DemoLoad, DemoServer
from diag.demo.scenarios import SCENARIOS
from diag.monitoring.prometheus import Timing, monitoring_files
from diag.monitoring.prometheus.alerts import alerts
from diag.monitoring.prometheus.dashboard import dashboard
from diag.monitoring.prometheus.files import ALERT_RULES, RECORDING_RULES
from diag.monitoring.prometheus.panels import panels
from tests.e2e.test_cli import diag
from tests.integration.prometheus.live import (
    SCRAPES_S,
    Prometheus,
    Scraped,
    growing_page,
    prometheus,
)
from tests.support.exporter import UTIL, line, page
from tests.support.prometheus import Target, counted, recorded
from tests.support.serving import http_server

pytestmark = pytest.mark.tensorflow

METRICS = "/monitoring/prometheus/metrics"
README = Path(__file__).parents[3] / "docs" / "monitoring" / "README.md"
# One of each: p99, refused, failed, queue, nearly empty.
RECORDED = ("unb_overload", "b_overload2", "scalar_b", "b_onethread", "two_permodel_bp")
NODE = "gpu-1"
# Windows are as short as the scrapes permit; alerts fire at once.
TIMING = Timing(window_s=8 * SCRAPES_S, interval_s=SCRAPES_S, hold_s=0)
DEADLINE_S = 40
PROBES = (
    ':tensorflow:serving:request_latency_count{model_name="heavy",API="",entrypoint="REST"} 30\n'
)
CONTAINER = (
    'container_cpu_cfs_throttled_periods_total{name="tfserving"} 10\n'
    'container_cpu_cfs_periods_total{name="tfserving"} 30\n'
)


@pytest.fixture(scope="module", name="running")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, str]]:
    """Prometheus, and the instance of the demo server in it."""
    folder = tmp_path_factory.mktemp("prometheus")
    scenario = SCENARIOS["batch-timeout"]
    exporter = page(line(UTIL, 30), line("DCGM_FI_DEV_CLOCKS_EVENT_REASONS", 4))
    with ExitStack() as ending:
        free = ("--port", "0", "--http-port", "0")
        server = ending.enter_context(DemoServer.start(scenario, folder / "server.log", *free))
        ending.enter_context(DemoLoad.start(scenario, server.address, folder / "load.log"))
        pages: dict[str, Any] = {f"/{name}": growing_page(_target(name)) for name in RECORDED}
        pages["/dcgm"] = (200, exporter)
        pages["/cadvisor"] = growing_page(counted(CONTAINER.encode(), {}))
        url = ending.enter_context(http_server(pages))
        targets = [Scraped("demo", server.address.http + METRICS)]
        targets += [Scraped(path[1:], url + path) for path in pages]
        port = int(server.address.grpc.rpartition(":")[2])
        rules = monitoring_files(TIMING, grpc_port=port)
        files = {name: rules[name] for name in (RECORDING_RULES, ALERT_RULES)}
        files["own.rules.yml"] = _rule_of_readme()
        yield (
            ending.enter_context(prometheus(folder, files, targets, NODE)),
            server.address.http.partition("://")[2],
        )


def _target(name: str) -> Target:
    """A recorded server, with probes where it is the overloaded one."""
    target = recorded(name, {})
    if name != "b_overload2":
        return target
    probes = counted(PROBES.encode(), {})
    return Target({}, (*target.before, *probes.before), (*target.after, *probes.after))


def _rule_of_readme() -> str:
    """The rule that names max_batch_size, as README.md says to add it."""
    found = re.search(r"```yaml\n(groups:.*?max_batch_size.*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def _shown(expr: str) -> str:
    """A panel's expression with all servers and models chosen, as Grafana fills it in."""
    return expr.replace("$instance", ".*").replace("$model", ".*")


def test_every_query_of_every_panel_gives_data(running: tuple[Prometheus, str]) -> None:
    asked, _ = running
    missing = {_shown(expr) for panel in panels() for expr, _ in panel.queries}
    assert len(missing) >= 25
    deadline = time.monotonic() + DEADLINE_S
    while missing and time.monotonic() < deadline:
        missing = {expr for expr in missing if not asked.query(expr)}
        time.sleep(SCRAPES_S)
    assert missing == set()


def test_the_demo_server_has_a_latency_and_no_failures(running: tuple[Prometheus, str]) -> None:
    asked, instance = running
    _wait_for(lambda: asked.query(f'tfserving_model:request_seconds:p99{{instance="{instance}"}}'))
    of_demo = f'{{instance="{instance}",model_name="dense"}}'
    (ratio,) = asked.query(f"tfserving_model:failed:ratio{of_demo}")
    assert float(ratio["value"][1]) == 0
    (p99,) = asked.query(f"tfserving_model:request_seconds:p99{of_demo}")
    assert 0.001 < float(p99["value"][1]) < 10
    (rate,) = asked.query(f"tfserving_model:requests:rate{of_demo}")
    assert float(rate["value"][1]) > 1


@pytest.mark.parametrize("variable", dashboard()["templating"]["list"][1:], ids=lambda v: v["name"])
def test_the_variables_of_the_dashboard_have_values(
    variable: dict[str, Any], running: tuple[Prometheus, str]
) -> None:
    asked, _ = running
    found = re.fullmatch(r"label_values\((\S+), (\w+)\)", variable["query"]["query"])
    assert found is not None
    _wait_for(lambda: asked.get(f"label/{found[2]}/values", **{"match[]": found[1]}))


def test_every_alert_fires_in_plain_words(running: tuple[Prometheus, str]) -> None:
    asked, instance = running
    names = {each.name for each in alerts(TIMING)}

    def fired() -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for each in asked.get("alerts")["alerts"]:
            if each["state"] == "firing":
                found.setdefault(each["labels"]["alertname"], []).append(each)
        return found if set(found) == names else {}

    found = _wait_for(fired)
    texts = [
        text for alert in found.values() for each in alert for text in each["annotations"].values()
    ]
    assert [text for text in texts if re.search(r"\{\{|<no value>|<error| on :|  ", text)] == []
    by_job = {name: {each["labels"]["job"] for each in alert} for name, alert in found.items()}
    assert "unb_overload" in by_job["TFServingP99High"]
    assert by_job["TFServingRequestsRefused"] == {"b_overload2"}
    assert by_job["TFServingRequestsFailed"] == {"scalar_b"}
    assert "b_onethread" in by_job["TFServingQueueShareHigh"]
    assert by_job["TFServingCPUThrottled"] == {"demo", *RECORDED}
    (refused,) = found["TFServingRequestsRefused"]
    assert re.fullmatch(r"heavy on [\d.:]+ refuses \d\d\.\d+% of its .*", _summary(refused))
    assert instance not in _summary(refused)


def _summary(alert: dict[str, Any]) -> str:
    text: str = alert["annotations"]["summary"]
    return text


def test_the_command_of_an_alert_records_the_server(
    running: tuple[Prometheus, str], tmp_path: Path
) -> None:
    asked, instance = running
    firing = f'ALERTS{{alertname="TFServingCPUThrottled",instance="{instance}"}}'
    _wait_for(lambda: asked.query(firing))
    (alert,) = (
        each
        for each in asked.get("alerts")["alerts"]
        if each["labels"]["alertname"] == "TFServingCPUThrottled"
        and each["labels"]["instance"] == instance
    )
    program, *arguments = shlex.split(alert["annotations"]["command"])
    assert program == "diag"
    done = diag(*arguments, "-o", tmp_path / "bundle", "--duration", "500ms")
    assert done.returncode == 0, done.stderr
    assert "dense:1" in done.stdout
    assert "Requests take" in done.stdout
    scraped = (tmp_path / "bundle" / "diag" / "metrics-after.prom").read_text()
    assert 'request_count{model_name="dense",status="OK"}' in scraped


def _wait_for(look: Any) -> Any:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(SCRAPES_S)
    raise AssertionError("nothing came in time")
