"""Side sources of a capture, and how they are matched to the server, against real sockets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from diag.capture.plan import MS
from diag.capture.server.local_server import (
    SERVER_PROGRAM,
    LocalServer,
    find_local_server,
    find_server_process,
    shares_clock,
)
from diag.capture.server.target import find_server
from diag.capture.session import capture_bundle
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.samples import MetricsPair, SampleSeries, ServedModel, ServerInfo
from tests.support.fast_plan import manifest_of, plan
from tests.support.serving import (
    REQUESTS,
    Serving,
    http_server,
    metrics_text,
    rest_status,
    serving,
)

ROOT = Path(__file__).parents[2]
METRICS = "/monitoring/prometheus/metrics"


def test_metrics_of_a_named_page_before_and_after(tmp_path: Path) -> None:
    counts = iter([1, 5, 9])
    pages = {"/m": lambda: (200, metrics_text(next(counts)))}
    with serving(models={"m": {1: 30}}) as server, http_server(pages) as url:
        outcome = capture_bundle(plan(server.address, metrics=f"{url}/m"), tmp_path / "b")
    capture = open_bundle(outcome.path)
    assert isinstance(capture.metrics, MetricsPair)
    assert [capture.metrics.before[0].value, capture.metrics.after[0].value] == [5, 9]
    # The model's name was learned from the page.
    assert isinstance(capture.server, ServerInfo)
    assert capture.server.models == (ServedModel("m", 1, "AVAILABLE"),)
    assert "metrics" in {clock.source for clock in capture.clocks}


def default_port(server: Serving, pages: dict[str, Any], folder: Path) -> Any:
    with http_server(pages) as url:
        port = int(url.rpartition(":")[2])
        wanted = plan(server.address, metrics="auto", rest_port=port)
        return open_bundle(capture_bundle(wanted, folder / "b").path).metrics


def test_the_default_metrics_page_is_used_when_its_versions_agree(tmp_path: Path) -> None:
    pages = {METRICS: (200, metrics_text(3)), "/v1/models/m": (200, rest_status({1: "AVAILABLE"}))}
    with serving(models={"m": {1: 30}}) as server:
        assert isinstance(default_port(server, pages, tmp_path), MetricsPair)


# What a server shows before its first request.
DECLARED = b"# TYPE :tensorflow:serving:request_count counter\n"


@pytest.mark.parametrize(
    ("page", "status", "reason"),
    [
        (metrics_text(3), rest_status({2: "AVAILABLE"}), "other versions"),
        (metrics_text(3, model="stranger"), rest_status({1: "AVAILABLE"}), "model stranger"),
        (b"# another program\n", rest_status({1: "AVAILABLE"}), "it has no request_count"),
        (DECLARED, rest_status({1: "AVAILABLE"}), "counts no requests yet"),
        (metrics_text(3), b"<html>", "is not a model status"),
        (b"<html>not metrics</html>\n", b"", "not Prometheus text"),
    ],
)
def test_the_default_metrics_page_is_not_used_when_it_may_be_anothers(
    tmp_path: Path, page: bytes, status: bytes, reason: str
) -> None:
    pages = {METRICS: (200, page), "/v1/models/m": (200, status)}
    with serving(models={"m": {1: 30}}) as server:
        found = default_port(server, pages, tmp_path)
    assert isinstance(found, Unavailable)
    assert reason in found.reason


def test_a_redirect_of_the_metrics_page_is_not_followed(tmp_path: Path) -> None:
    pages = {"/m": (302, b"http://192.0.2.1/m")}
    with serving() as server, http_server(pages) as url:
        outcome = capture_bundle(plan(server.address, metrics=f"{url}/m"), tmp_path / "b")
    metrics = open_bundle(outcome.path).metrics
    assert isinstance(metrics, Unavailable)
    assert "302" in metrics.reason


def test_host_samples_cover_the_window_at_20_hz(tmp_path: Path) -> None:
    with serving() as server:
        outcome = capture_bundle(plan(server.address, duration_ns=600 * MS), tmp_path / "b")
    capture = open_bundle(outcome.path)
    series = capture.host_samples
    assert isinstance(series, SampleSeries)
    assert series.period_ns == 50 * MS
    assert 8 <= len(series.samples) <= 16
    window = manifest_of(outcome.path)["window"]
    times = [sample["unix_ns"] for sample in series.samples]
    assert abs(times[0] - window["start_unix_ns"]) < 100 * MS
    assert times == sorted(times)
    shares = [sample["cpu_percent"] for sample in series.samples if "cpu_percent" in sample]
    assert 4 <= len(shares) < len(series.samples)
    assert all(len(each) == os.cpu_count() for each in shares)
    assert series.samples[0]["server_memory_bytes"] > 0


@pytest.mark.parametrize(
    ("name", "is_this_machine"), [(socket.gethostname(), True), ("far", False)]
)
def test_the_clock_of_a_server_here_is_this_clock(
    tmp_path: Path, name: str, is_this_machine: bool
) -> None:
    with serving(lines=f"hostname {name}\n{REQUESTS}") as server:
        outcome = capture_bundle(plan(server.address), tmp_path / "b")
    (clock,) = [clock for clock in open_bundle(outcome.path).clocks if clock.source == "host"]
    assert clock.offset_ns == 0
    # The trace spans 18 ms of the 100 ms of the call; a reading takes about 2 ms.
    assert (clock.uncertainty_ns < 50 * MS) == is_this_machine
    assert 0 < clock.uncertainty_ns < 500 * MS


def test_a_server_whose_process_is_hidden_may_have_another_clock() -> None:
    names = (socket.gethostname(),)
    assert shares_clock(LocalServer(os.getpid()), names)
    assert not shares_clock(LocalServer(Unavailable("its process cannot be seen from here")), names)
    assert not shares_clock(Unavailable("kubectl forwards port 1 to another machine"), names)
    assert not shares_clock(LocalServer(os.getpid()), ())


FORWARDER = """
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    while True:
        stream, _ = listener.accept()
        stream.close()
"""


def test_a_port_forward_on_this_machine_is_told_from_a_server_on_it(tmp_path: Path) -> None:
    """A process of the name kubectl listens and forwards to another machine."""
    kubectl = tmp_path / "kubectl"
    kubectl.symlink_to(Path(sys.executable).resolve())
    command = [str(kubectl), "-c", FORWARDER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        target = find_server(f"127.0.0.1:{process.stdout.readline().strip()}", 2.0)
        found = find_local_server(target)
        process.kill()
    assert found == Unavailable(f"kubectl forwards port {target.port} to another machine")


def test_a_server_is_found_by_its_port_or_as_the_only_one_of_its_name(tmp_path: Path) -> None:
    with serving() as server:
        assert find_server_process(server.port) == LocalServer(os.getpid())
    nobody_listens = server.port
    program = tmp_path / SERVER_PROGRAM
    program.symlink_to(Path(sys.executable).resolve())
    command = [str(program), "-c", "import time; print(flush=True); time.sleep(60)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        first.stdout.readline()
        assert find_server_process(nobody_listens) == LocalServer(first.pid)
        with subprocess.Popen(command, stdout=subprocess.PIPE) as second:
            assert second.stdout is not None
            second.stdout.readline()
            found = find_server_process(nobody_listens).pid
            second.kill()
        first.kill()
    assert isinstance(found, Unavailable)
    assert found.reason.endswith("and 2 processes have the name tensorflow_model_server")
