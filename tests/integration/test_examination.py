"""What ``examine`` says of each kind of server, and that it leaves no trace there."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import grpc
import pytest

import diag
from diag.capture.examination import Status
from diag.capture.plan import CapturePlan, TlsOptions
from tests.support.certificates import make_certificates
from tests.support.serving import http_server, metrics_text, serving

LIMIT_S = 5.0


def checks(plan: CapturePlan | str) -> dict[str, diag.Examined]:
    started = time.monotonic()
    found = diag.examine(plan)
    # Not a measurement: the calls' own limits add up to less, on a busy machine too.
    assert time.monotonic() - started < 2 * LIMIT_S
    assert found.is_ready == all(c.status is not Status.FAILURE for c in found.checks)
    return {check.name: check for check in found.checks}


def test_a_server_that_can_be_captured() -> None:
    with serving(models={"m": {3: 30}}) as server:
        found = checks(CapturePlan(server=server.address, models=("m",), metrics="off"))
        assert server.profiles == []
        assert not any(call.endswith("/Profile") for call in server.calls)
    assert found["profiler"].status is Status.OK
    assert "sends its trace in the answer" in found["profiler"].what
    assert (found["models"].status, found["models"].what) == (Status.OK, "m:3 AVAILABLE")
    assert found["a capture now"].status is Status.OK
    assert "without" in found["a capture now"].what
    assert found["a capture now"].next_step == f"diag capture {server.address}"


def test_the_metrics_page_says_what_it_lacks() -> None:
    with (
        serving(models={"m": {3: 30}}) as server,
        http_server({"/metrics": (200, metrics_text(5))}) as url,
    ):
        found = checks(CapturePlan(server=server.address, metrics=f"{url}/metrics"))
    assert found["metrics"].what.startswith(f"{url}/metrics")
    assert found["models"].what == "m:3 AVAILABLE"  # the page named it
    assert found["batching"].status is Status.UNKNOWN


def test_sums_whose_digits_are_lost() -> None:
    text = metrics_text(5) + (
        b"# TYPE :tensorflow:serving:request_latency histogram\n"
        b':tensorflow:serving:request_latency_bucket{model_name="m",API="Predict",le="+Inf"} 5\n'
        b':tensorflow:serving:request_latency_sum{model_name="m",API="Predict"} 1.23457e+10\n'
        b':tensorflow:serving:request_latency_count{model_name="m",API="Predict"} 5\n'
    )
    with serving(models={"m": {3: 30}}) as server, http_server({"/m": (200, text)}) as url:
        found = checks(CapturePlan(server=server.address, metrics=f"{url}/m"))
    assert found["metrics"].status is Status.WARNING
    assert "in steps of 100 ms" in found["metrics"].what  # 12,345.7 s with six digits


def test_a_dead_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    found = checks(f"127.0.0.1:{port}")
    assert found["address"].status is Status.FAILURE
    assert "refused" in found["address"].what
    assert set(found) == {"address", "tensorboard"}


def test_the_rest_port() -> None:
    with http_server({}) as url:
        found = checks(url.removeprefix("http://"))
    assert found["address"].status is Status.OK
    assert found["protocol"].status is Status.FAILURE
    assert "speaks HTTP, not gRPC" in found["protocol"].what
    assert "8500" in found["protocol"].next_step


def test_tls(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    with serving("localhost:0", certificates.server()) as server:
        plain = checks(server.address)
        tls = TlsOptions(ca_cert=certificates.ca_file)
        secured = checks(CapturePlan(server=server.address, tls=tls, metrics="off"))
    assert "speaks TLS" in plain["protocol"].what
    assert secured["profiler"].status is Status.OK
    assert "over TLS" in secured["profiler"].what


def test_a_server_before_2_21() -> None:
    with serving(generation="2.20") as server:
        found = checks(CapturePlan(server=server.address, metrics="off"))
    assert found["profiler"].status is Status.WARNING
    assert "repository" in found["profiler"].next_step


def test_no_profiler() -> None:
    with serving(generation="none", models={"m": {1: 30}}) as server:
        found = checks(CapturePlan(server=server.address, models=("m",), metrics="off"))
    assert found["profiler"].status is Status.FAILURE
    assert found["models"].status is Status.OK
    assert found["a capture now"].status is Status.FAILURE


def test_another_session() -> None:
    with serving(continuous=True) as server:
        found = checks(CapturePlan(server=server.address, metrics="off"))
    assert found["profiler"].status is Status.FAILURE
    assert "profiling" in found["profiler"].what


def test_all_handler_threads_are_busy() -> None:
    refusal = (grpc.StatusCode.RESOURCE_EXHAUSTED, "Server Threadpool Exhausted")
    with serving(refusal=refusal) as server:
        found = checks(CapturePlan(server=server.address, metrics="off"))
    assert found["profiler"].status is Status.FAILURE
    assert "--grpc_max_threads" in found["profiler"].next_step


def test_a_port_that_accepts_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = checks(f"127.0.0.1:{silent.getsockname()[1]}")
    assert found["protocol"].status is Status.FAILURE
    assert "gRPC threads may be busy" in found["protocol"].next_step


@pytest.mark.parametrize(
    ("versions", "status", "text"),
    [
        ({1: 40, 2: 30}, Status.OK, "m:2 AVAILABLE"),
        ({1: 20}, Status.FAILURE, "no version of m serves"),
        (None, Status.FAILURE, "GetModelStatus of m"),
    ],
)
def test_models(versions: dict[int, int] | None, status: Status, text: str) -> None:
    models = {"m": versions} if versions else {"other": {1: 30}}
    with serving(models=models) as server:
        found = checks(CapturePlan(server=server.address, models=("m",), metrics="off"))
    assert found["models"].status is status
    assert text in found["models"].what
