"""Captures that succeed, against real sockets that speak the server's protocol."""

from __future__ import annotations

import itertools
import re
import socket
import stat
from pathlib import Path

import pytest

from diag.capture.plan import MS, ServerRepository, TlsOptions
from diag.capture.session import capture_bundle
from diag.errors import CaptureError, EmptyCaptureError
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.samples import SampleSeries, ServedModel, ServerInfo
from tests.support.certificates import make_certificates
from tests.support.fast_plan import manifest_of, plan
from tests.support.serving import (
    NOTHING,
    PARTS,
    REQUESTS,
    http_server,
    metrics_text,
    serving,
)

ROOT = Path(__file__).parents[2]
METRICS = "/monitoring/prometheus/metrics"


def test_the_trace_in_the_bundle_is_what_the_server_sent(tmp_path: Path) -> None:
    with serving() as server:
        outcome = capture_bundle(plan(server.address), tmp_path / "b")
    (trace,) = outcome.path.glob("plugins/profile/*/*.xplane.pb")
    assert trace.name == f"127.0.0.1_{server.port}.xplane.pb"
    assert re.fullmatch(r"\d{4}(_\d\d){5}", trace.parent.name)
    capture = open_bundle(outcome.path)
    assert len(capture.planes[1].events.rows_named("BatchingSessionRun")) == 2
    assert not outcome.interrupted
    assert stat.S_IMODE(outcome.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(trace.stat().st_mode) == 0o600


def test_a_zip_by_its_suffix(tmp_path: Path) -> None:
    with serving() as server:
        outcome = capture_bundle(plan(server.address), tmp_path / "b.zip")
    assert outcome.path.is_file()
    assert len(open_bundle(outcome.path).planes) == 2


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
    capture = open_bundle(outcome.path)
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
    server_info = open_bundle(outcome.path).server
    assert isinstance(server_info, ServerInfo)
    assert server_info.models == (ServedModel("m", 1, "AVAILABLE"),)


def test_status_signatures_and_batching_parameters_are_kept(tmp_path: Path) -> None:
    parameters = "max_batch_size { value: 8 }\n"
    with serving(models={"m": {3: 30, 4: 20}}) as server:
        wanted = plan(server.address, models=("m", "gone"), batching_parameters=parameters)
        server_info = open_bundle(capture_bundle(wanted, tmp_path / "b").path).server
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
    assert len(open_bundle(outcome.path).planes) == 2
    # The file of the warm-up is removed, the file of the recording stays.
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


def test_liveness_probes_do_not_end_the_wait(tmp_path: Path) -> None:
    counts = itertools.count(4)

    def probed() -> tuple[int, bytes]:
        n = next(counts)
        line = f':tensorflow:serving:request_latency_count{{model_name="m",API=""}} {n - 3}\n'
        return 200, metrics_text(n) + line.encode()

    with serving() as server, http_server({"/m": probed}) as url:
        wanted = plan(
            server.address, metrics=f"{url}/m", wait_for_traffic=True, wait_limit_ns=300 * MS
        )
        with pytest.raises(EmptyCaptureError, match="nothing was recorded"):
            capture_bundle(wanted, tmp_path / "b")
        assert server.profiles == []


def test_a_page_that_counts_no_requests_gives_way_to_short_recordings(tmp_path: Path) -> None:
    with serving() as server, http_server({"/m": lambda: (200, b"renamed_count 4\n")}) as url:
        wanted = plan(server.address, metrics=f"{url}/m", wait_for_traffic=True)
        capture_bundle(wanted, tmp_path / "b")
        assert [each.opts.host_tracer_level for each in server.profiles] == [1, 2]


def test_an_idle_window_after_a_wait_does_not_advise_to_wait_again(tmp_path: Path) -> None:
    with serving(lines=PARTS) as server:
        server.on_profile = lambda request: setattr(
            server, "lines", PARTS if len(server.profiles) < 2 else NOTHING
        )
        wanted = plan(server.address, wait_for_traffic=True)
        with pytest.raises(EmptyCaptureError) as caught:
            capture_bundle(wanted, tmp_path / "b")
    assert caught.value.retry == {"duration_ns": 500 * MS}


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
    (caveat,) = [caveat for caveat in outcome.caveats if caveat.code == "models-changed"]
    assert caveat.text.endswith("m: 1 AVAILABLE → 1 AVAILABLE, 2 LOADING.")


def test_what_the_observer_measured_is_stored(tmp_path: Path) -> None:
    with serving() as server:
        outcome = capture_bundle(
            plan(server.address), tmp_path / "b", observer=lambda: {"p99_ms": [1.0, 1.5, 1.0]}
        )
    assert manifest_of(outcome.path)["observer"] == {"p99_ms": [1.0, 1.5, 1.0]}
