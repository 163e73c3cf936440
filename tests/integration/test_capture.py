"""Captures that succeed, against real sockets that speak the server's protocol."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from diag.capture.locality import locate
from diag.capture.plan import MS, SECOND, CapturePlan, ServerRepository, TlsOptions
from diag.capture.session import capture_bundle
from diag.capture.target import find_server
from diag.errors import CaptureError, EmptyCaptureError
from diag.formats.source import open_capture
from diag.model.availability import Unavailable
from diag.model.samples import MetricsPair, SampleSeries, ServedModel, ServerInfo
from tests.support.certificates import make_certificates
from tests.support.serving import (
    NOTHING,
    REQUESTS,
    Serving,
    http_server,
    metrics_text,
    rest_status,
    serving,
)

ROOT = Path(__file__).parents[2]
METRICS = "/monitoring/prometheus/metrics"
FAST: dict[str, Any] = {
    "duration_ns": 100 * MS,
    "timeout_ns": 5 * SECOND,
    "metrics": "off",
    "warmup": False,
}


def plan(server: str, **changes: Any) -> CapturePlan:
    return CapturePlan(server=server, **(FAST | changes))


def manifest_of(bundle: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((bundle / "diag" / "manifest.json").read_bytes())
    return document


def test_the_trace_in_the_bundle_is_what_the_server_sent(tmp_path: Path) -> None:
    with serving() as server:
        outcome = capture_bundle(plan(server.address), tmp_path / "b")
    (trace,) = outcome.path.glob("plugins/profile/*/*.xplane.pb")
    assert trace.name == f"127.0.0.1_{server.port}.xplane.pb"
    assert re.fullmatch(r"\d{4}(_\d\d){5}", trace.parent.name)
    capture = open_capture(outcome.path)
    assert len(capture.planes[1].events.rows_named("BatchingSessionRun")) == 2
    assert not outcome.interrupted
    assert stat.S_IMODE(outcome.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(trace.stat().st_mode) == 0o600


def test_a_zip_by_its_suffix(tmp_path: Path) -> None:
    with serving() as server:
        outcome = capture_bundle(plan(server.address), tmp_path / "b.zip")
    assert outcome.path.is_file()
    assert len(open_capture(outcome.path).planes) == 2


def test_one_connection_and_one_address_serve_every_call(tmp_path: Path) -> None:
    with serving(models={"m": {1: 30}}) as server:
        wanted = plan(f"localhost:{server.port}", warmup=True, models=("m",))
        outcome = capture_bundle(wanted, tmp_path / "b")
        assert len(server.peers) == 1
        assert len(server.calls) >= 4
    target = manifest_of(outcome.path)["target"]
    assert target["server"] == f"localhost:{server.port}"
    assert target["address"] == f"ipv4:127.0.0.1:{server.port}"


def test_the_request_says_what_the_plan_says(tmp_path: Path) -> None:
    with serving() as server:
        wanted = plan(server.address, host_tracer_level=3, device_trace=False, warmup=True)
        capture_bundle(wanted, tmp_path / "b")
        warm, real = server.profiles
    assert warm.opts.duration_ms == 100
    assert real.opts.duration_ms == 100
    assert real.opts.version == 1
    assert real.opts.host_tracer_level == 3
    assert real.opts.device_tracer_level == 0
    assert real.emit_xspace
    assert real.repository_root == ""
    assert re.fullmatch(r"diag-[0-9a-f]{32}", real.session_id)
    assert warm.session_id != real.session_id


def test_tls_with_the_authority_that_signed_it(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    with serving("localhost:0", certificates.server()) as server:
        tls = TlsOptions(ca_cert=certificates.ca_file)
        outcome = capture_bundle(plan(server.address, tls=tls), tmp_path / "b")
    assert manifest_of(outcome.path)["target"]["tls"] is True


def test_mutual_tls_with_a_client_certificate(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    tls = TlsOptions(certificates.ca_file, certificates.client_cert, certificates.client_key)
    with serving("localhost:0", certificates.server(mutual=True)) as server:
        assert capture_bundle(plan(server.address, tls=tls), tmp_path / "b").path.is_dir()


def test_a_unix_socket_and_the_process_behind_it(tmp_path: Path) -> None:
    with serving(f"unix:{tmp_path}/s") as server:
        wanted = plan(server.address, metrics="auto", duration_ns=150 * MS)
        outcome = capture_bundle(wanted, tmp_path / "b")
    capture = open_capture(outcome.path)
    assert isinstance(capture.host_samples, SampleSeries)
    assert "server_cpu_percent" in capture.host_samples.units
    assert isinstance(capture.metrics, Unavailable)
    assert "UNIX socket" in capture.metrics.reason


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 loopback on this machine")
def test_an_ipv6_address(tmp_path: Path) -> None:
    with serving("[::1]:0") as server:
        outcome = capture_bundle(plan(f"[::1]:{server.port}"), tmp_path / "b")
    assert manifest_of(outcome.path)["target"]["address"] == f"ipv6:[::1]:{server.port}"


def test_headers_travel_with_every_call(tmp_path: Path) -> None:
    with serving(want_token="t0ken", models={"m": {1: 30}}) as server:
        wanted = plan(server.address, headers=(("authorization", "t0ken"),), models=("m",))
        outcome = capture_bundle(wanted, tmp_path / "b")
    server_info = open_capture(outcome.path).server
    assert isinstance(server_info, ServerInfo)
    assert server_info.models == (ServedModel("m", 1, "AVAILABLE"),)


def test_status_signatures_and_batching_parameters_are_kept(tmp_path: Path) -> None:
    parameters = "max_batch_size { value: 8 }\n"
    with serving(models={"m": {3: 30, 4: 20}}) as server:
        wanted = plan(server.address, models=("m", "gone"), batching_parameters=parameters)
        server_info = open_capture(capture_bundle(wanted, tmp_path / "b").path).server
    assert isinstance(server_info, ServerInfo)
    assert server_info.models == (
        ServedModel("m", 3, "AVAILABLE"),
        ServedModel("m", 4, "LOADING"),
    )
    assert server_info.signatures == {
        "m": {
            "serving_default": {
                "method_name": "tensorflow/serving/predict",
                "inputs": {"x": {"dtype": "float32", "shape": [-1, 64]}},
                "outputs": {"y": {"dtype": "string"}},
            }
        }
    }
    assert server_info.batching_parameters == parameters


def test_an_older_server_writes_into_the_shared_folder(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    with serving(generation="2.20") as server:
        repository = ServerRepository(str(shared), shared)
        wanted = plan(server.address, warmup=True, repository=repository)
        outcome = capture_bundle(wanted, tmp_path / "b")
        warm, real = server.profiles
    assert not real.emit_xspace
    assert len(open_capture(outcome.path).planes) == 2
    # The throw-away recording is removed again, the real one stays the server's.
    assert [folder.name for folder in shared.iterdir()] == [real.session_id]
    assert warm.session_id != real.session_id
    assert manifest_of(outcome.path)["target"]["trace"] == "own-disk"


def test_an_older_server_whose_folder_is_another_says_where_the_file_is(tmp_path: Path) -> None:
    with serving(generation="2.20") as server:
        repository = ServerRepository(str(tmp_path / "theirs"), tmp_path)
        wanted = plan(server.address, repository=repository, timeout_ns=500 * MS)
        with pytest.raises(CaptureError, match="did not appear") as caught:
            capture_bundle(wanted, tmp_path / "b")
    assert f"docker cp CONTAINER:{tmp_path}/theirs/diag-" in caught.value.hint


def test_metrics_of_a_named_page_before_and_after(tmp_path: Path) -> None:
    counts = iter([1, 5, 9])
    pages = {"/m": lambda: (200, metrics_text(next(counts)))}
    with serving(models={"m": {1: 30}}) as server, http_server(pages) as url:
        outcome = capture_bundle(plan(server.address, metrics=f"{url}/m"), tmp_path / "b")
    capture = open_capture(outcome.path)
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
        return open_capture(capture_bundle(wanted, folder / "b").path).metrics


def test_the_default_metrics_page_is_used_when_its_versions_agree(tmp_path: Path) -> None:
    pages = {METRICS: (200, metrics_text(3)), "/v1/models/m": (200, rest_status({1: "AVAILABLE"}))}
    with serving(models={"m": {1: 30}}) as server:
        assert isinstance(default_port(server, pages, tmp_path), MetricsPair)


@pytest.mark.parametrize(
    ("page", "status", "reason"),
    [
        (metrics_text(3), rest_status({2: "AVAILABLE"}), "other versions"),
        (metrics_text(3, model="stranger"), rest_status({1: "AVAILABLE"}), "model stranger"),
        (b"# nothing yet\n", rest_status({1: "AVAILABLE"}), "no model's requests yet"),
        (metrics_text(3), b"<html>", "no model status"),
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
    metrics = open_capture(outcome.path).metrics
    assert isinstance(metrics, Unavailable)
    assert "302" in metrics.reason


def test_host_samples_cover_the_window_at_20_hz(tmp_path: Path) -> None:
    with serving() as server:
        outcome = capture_bundle(plan(server.address, duration_ns=600 * MS), tmp_path / "b")
    capture = open_capture(outcome.path)
    series = capture.host_samples
    assert isinstance(series, SampleSeries)
    assert series.period_ns == 50 * MS
    assert 8 <= len(series.samples) <= 16
    window = manifest_of(outcome.path)["window"]
    times = [sample["unix_ns"] for sample in series.samples]
    assert abs(times[0] - window["start_unix_ns"]) < 100 * MS
    assert times == sorted(times)
    assert all(len(sample["cpu_percent"]) == os.cpu_count() for sample in series.samples)
    assert series.samples[0]["server_memory_bytes"] > 0


def test_the_clock_bound_covers_one_and_the_same_clock(tmp_path: Path) -> None:
    with serving() as server:
        outcome = capture_bundle(plan(server.address), tmp_path / "b")
    clocks = {clock.source: clock for clock in open_capture(outcome.path).clocks}
    assert clocks["host"].offset_ns == 0
    # The recorded span is 18 ms of the 100 ms that the call took.
    assert 0 < clocks["host"].uncertainty_ns < 500 * MS


def test_waiting_ends_when_the_metrics_count_a_request(tmp_path: Path) -> None:
    counts = iter([4, 4, 4, 5, 6, 7, 8])
    pages = {"/m": lambda: (200, metrics_text(next(counts)))}
    with serving() as server, http_server(pages) as url:
        wanted = plan(server.address, metrics=f"{url}/m", wait_for_traffic=True)
        capture_bundle(wanted, tmp_path / "b")
        assert len(server.profiles) == 1


def test_waiting_without_metrics_probes_briefly_at_level_1(tmp_path: Path) -> None:
    with serving(lines=NOTHING) as server:

        def traffic_on_the_second(request: object) -> None:
            server.lines = REQUESTS if len(server.profiles) >= 2 else NOTHING

        server.on_profile = traffic_on_the_second
        capture_bundle(plan(server.address, wait_for_traffic=True), tmp_path / "b")
        asked = [(each.opts.duration_ms, each.opts.host_tracer_level) for each in server.profiles]
    assert asked == [(100, 1), (100, 1), (100, 2)]


def test_waiting_in_vain_records_nothing(tmp_path: Path) -> None:
    with serving(lines=NOTHING) as server:
        wanted = plan(server.address, wait_for_traffic=True, wait_limit_ns=300 * MS)
        with pytest.raises(EmptyCaptureError, match="nothing was recorded"):
            capture_bundle(wanted, tmp_path / "b")
        assert all(request.opts.host_tracer_level == 1 for request in server.profiles)
    assert list(tmp_path.iterdir()) == []


def test_a_trace_that_proves_larger_than_predicted_is_kept_with_a_caveat(tmp_path: Path) -> None:
    with serving() as server:
        outcome = capture_bundle(plan(server.address, max_bytes=100), tmp_path / "b")
    assert "trace-larger-than-planned" in {caveat.code for caveat in outcome.caveats}


def test_a_model_loaded_meanwhile_is_a_caveat(tmp_path: Path) -> None:
    with serving(models={"m": {1: 30}}) as server:
        server.on_profile = lambda request: server.models.update(m={1: 30, 2: 20})
        outcome = capture_bundle(plan(server.address, models=("m",)), tmp_path / "b")
    assert "models-changed" in {caveat.code for caveat in outcome.caveats}


FORWARDER = """
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    while True:
        stream, _ = listener.accept()
        stream.close()
"""


def test_a_port_forward_on_this_machine_is_told_from_a_server_on_it(tmp_path: Path) -> None:
    """A process called kubectl listens: what it leads to runs elsewhere."""
    kubectl = tmp_path / "kubectl"
    kubectl.symlink_to(Path(sys.executable).resolve())
    command = [str(kubectl), "-c", FORWARDER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        target = find_server(f"127.0.0.1:{process.stdout.readline().strip()}", 2.0)
        found = locate(target)
        process.kill()
    assert found == Unavailable(f"kubectl forwards port {target.port} to another machine")


def test_what_the_observer_measured_is_stored(tmp_path: Path) -> None:
    with serving() as server:
        outcome = capture_bundle(
            plan(server.address), tmp_path / "b", observer=lambda: {"p99_ms": [1.0, 1.5, 1.0]}
        )
    assert manifest_of(outcome.path)["observer"] == {"p99_ms": [1.0, 1.5, 1.0]}


INTERRUPTED = textwrap.dedent("""
    import sys
    from pathlib import Path
    from diag.capture.plan import CapturePlan
    from diag.capture.session import capture_bundle
    plan = CapturePlan(server=sys.argv[1], duration_ns=8_000_000_000, metrics="off", warmup=False)
    try:
        print(capture_bundle(plan, Path(sys.argv[2])).interrupted)
    except KeyboardInterrupt:
        print("gave up")
""")


def interrupted(server: Serving, bundle: Path, *signals: signal.Signals) -> str:
    command = [sys.executable, "-c", INTERRUPTED, server.address, str(bundle)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert server.recording.wait(20)
        for number in signals:
            time.sleep(0.3)
            process.send_signal(number)
        output, _ = process.communicate(timeout=20)
    return output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_early_and_keeps_the_data(
    tmp_path: Path, number: signal.Signals
) -> None:
    with serving() as server:
        assert interrupted(server, tmp_path / "b", number) == "True\n"
        assert server.ended_by == ["terminated"]
        assert server.terminated == [server.profiles[0].session_id]
    capture = open_capture(tmp_path / "b")
    assert "interrupted" in {caveat.code for caveat in capture.caveats}
    assert len(capture.planes[1].events) > 0


def test_the_second_signal_gives_up_and_leaves_no_lock(tmp_path: Path) -> None:
    with serving(hang=True) as server:
        server.terminated = _Forgetful()
        assert interrupted(server, tmp_path / "b", signal.SIGINT, signal.SIGINT) == "gave up\n"
        deadline = time.monotonic() + 5
        while not server.is_free and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.is_free
        assert server.ended_by == ["cancelled"]
    assert list(tmp_path.iterdir()) == []


class _Forgetful(list[str]):
    """Session ids to end, none of which is ever found: a server too stuck to end one."""

    def __contains__(self, item: object) -> bool:
        return False
