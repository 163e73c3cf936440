"""The demo server over its real sockets: a process of its own, TensorFlow inside."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from diag.analysis import analyze
from diag.capture.plan import CapturePlan
from diag.capture.session import capture_bundle
from diag.demo.arrivals import Arrivals
from diag.demo.load import PREDICT, LoadGenerator, LoadOrder, StreamOrder
from diag.demo.processes import DemoServer, ServerAddress
from diag.demo.scenarios import SCENARIOS
from diag.demo.truth import RequestTruth, read_truth
from diag.errors import ServerUnreachableError
from diag.formats.source import open_bundle
from diag.formats.text.prometheus import parse_metrics
from diag.formats.wire.profiler_pb2 import (
    GetSnapshotRequest,
    ProfileOptions,
    ProfileRequest,
    ProfileResponse,
)
from diag.formats.wire.serving_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    GetModelStatusRequest,
    GetModelStatusResponse,
    ModelSpec,
    ModelVersionStatus,
)
from diag.model.serving import MODES, Mode

pytestmark = pytest.mark.tensorflow

FREE_PORTS = ("--port", "0", "--http-port", "0")
METRICS = "/monitoring/prometheus/metrics"
PROFILE = "/tensorflow.ProfilerService/Profile"


@pytest.fixture(scope="module", name="server")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerAddress]:
    """Small dense requests, batches of up to 64 with a timeout of 40 ms."""
    log = tmp_path_factory.mktemp("server") / "server.log"
    with DemoServer.start(SCENARIOS["batch-timeout"], log, *FREE_PORTS) as server:
        yield server.address


def call(server: ServerAddress, method: str, request: bytes, timeout_s: float | None = 20) -> bytes:
    options = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(server.grpc, options) as channel:
        answer: bytes = channel.unary_unary(method)(request, timeout=timeout_s)
        return answer


def refusal(server: ServerAddress, method: str, request: bytes) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call(server, method, request)
    return caught.value.code(), caught.value.details()


def get(server: ServerAddress, path: str, body: Any = None) -> tuple[int, str]:
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(server.http + path, data, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def predict_message(server: ServerAddress) -> bytes:
    return Path(server.payloads[0][0]).read_bytes()


def inline_profile(duration_ms: int = 100) -> ProfileRequest:
    options = ProfileOptions(version=1, host_tracer_level=2, duration_ms=duration_ms)
    return ProfileRequest(opts=options, session_id="test", emit_xspace=True)


# -- prediction and model service


def test_predict_answers_with_scores(server: ServerAddress) -> None:
    assert b"scores" in call(server, PREDICT, predict_message(server))


def test_an_unknown_model_is_not_found(server: ServerAddress) -> None:
    request = predict_message(server).replace(b"dense", b"dents")
    code, text = refusal(server, PREDICT, request)
    assert code == grpc.StatusCode.NOT_FOUND
    assert "Latest(dents)" in text


def test_an_unknown_input_is_refused(server: ServerAddress) -> None:
    request = predict_message(server).replace(b"inputs", b"inputz")
    assert refusal(server, PREDICT, request)[0] == grpc.StatusCode.INVALID_ARGUMENT


def test_the_model_is_available(server: ServerAddress) -> None:
    request = GetModelStatusRequest(model_spec=ModelSpec(name="dense"))
    raw = call(
        server, "/tensorflow.serving.ModelService/GetModelStatus", request.SerializeToString()
    )
    (status,) = GetModelStatusResponse.FromString(raw).model_version_status
    assert (status.version, status.state) == (1, ModelVersionStatus.AVAILABLE)


def test_the_status_of_an_unknown_model_is_not_found(server: ServerAddress) -> None:
    request = GetModelStatusRequest(model_spec=ModelSpec(name="dents")).SerializeToString()
    code, _ = refusal(server, "/tensorflow.serving.ModelService/GetModelStatus", request)
    assert code == grpc.StatusCode.NOT_FOUND


def test_metadata_shows_the_signature_clients_see_and_not_the_clock(server: ServerAddress) -> None:
    request = GetModelMetadataRequest(
        model_spec=ModelSpec(name="dense"), metadata_field=["signature_def"]
    )
    raw = call(
        server,
        "/tensorflow.serving.PredictionService/GetModelMetadata",
        request.SerializeToString(),
    )
    metadata = GetModelMetadataResponse.FromString(raw).metadata["signature_def"].value
    assert b"serving_default" in metadata
    assert b"demo_clock" not in metadata


# -- HTTP


def test_rest_status_is_that_of_tensorflow_serving(server: ServerAddress) -> None:
    status, text = get(server, "/v1/models/dense")
    assert status == 200
    (version,) = json.loads(text)["model_version_status"]
    assert version["version"] == "1"
    assert version["state"] == "AVAILABLE"


@pytest.mark.parametrize("style", ["instances", "inputs"])
def test_rest_predict_takes_rows_and_columns(server: ServerAddress, style: str) -> None:
    status, text = get(server, "/v1/models/dense:predict", {style: [[0.5] * 1024] * 2})
    assert status == 200
    answer = json.loads(text)["predictions" if style == "instances" else "outputs"]
    assert [len(row) for row in answer] == [8, 8]


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/v1/models/dents", None, 404),
        ("/elsewhere", None, 404),
        ("/v1/models/dents:predict", {"instances": [[1.0]]}, 404),
        ("/v1/models/dense:predict", {"instances": []}, 400),
        ("/v1/models/dense:predict", {"instances": [["x"]]}, 400),
        ("/v1/models/dense:predict", {}, 400),
        ("/v1/models/dense:predict", [], 400),
    ],
)
def test_rest_errors_have_a_status_and_a_text(
    server: ServerAddress, path: str, body: Any, expected: int
) -> None:
    status, text = get(server, path, body)
    assert status == expected
    assert json.loads(text)["error"]


def test_metrics_count_what_was_asked(server: ServerAddress) -> None:
    def counted() -> float:
        samples = parse_metrics(get(server, METRICS)[1])
        wanted = (("model_name", "dense"), ("status", "OK"))
        return sum(
            sample.value
            for sample in samples
            if sample.name == ":tensorflow:serving:request_count" and sample.labels == wanted
        )

    before = counted()
    for _ in range(3):
        call(server, PREDICT, predict_message(server))
    assert counted() == before + 3
    names = {sample.name for sample in parse_metrics(get(server, METRICS)[1])}
    assert ":tensorflow:serving:runtime_latency_bucket" in names
    assert ":tensorflow:serving:batching:batch_timeout_micros" in names


# -- profiler


@pytest.mark.parametrize("root", ["", "/tmp/somewhere"])
def test_a_request_that_would_write_on_the_server_is_refused(
    server: ServerAddress, root: str
) -> None:
    request = inline_profile()
    request.repository_root = root
    request.emit_xspace = bool(root)
    code, text = refusal(server, PROFILE, request.SerializeToString())
    assert code == grpc.StatusCode.PERMISSION_DENIED
    assert "--allow-server-writes" in text


def test_bytes_that_are_no_request_are_refused(server: ServerAddress) -> None:
    assert refusal(server, PROFILE, b"\xff\xff")[0] == grpc.StatusCode.INVALID_ARGUMENT


def test_a_profile_without_a_deadline_is_passed_on(server: ServerAddress) -> None:
    raw = call(server, PROFILE, inline_profile().SerializeToString(), timeout_s=None)
    assert ProfileResponse.FromString(raw).xspace


def test_snapshots_are_known_as_on_tensorflow_2_21(server: ServerAddress) -> None:
    request = GetSnapshotRequest().SerializeToString()
    code, _ = refusal(server, "/tensorflow.ProfilerService/GetSnapshot", request)
    assert code == grpc.StatusCode.NOT_FOUND


def test_a_capture_under_load_holds_batched_requests(server: ServerAddress, tmp_path: Path) -> None:
    stream = StreamOrder("dense", server.payloads[0], Arrivals("closed", concurrency=3))
    load = LoadGenerator(LoadOrder(server.grpc, (stream,), deadline_s=20))
    load.start()
    plan = CapturePlan(
        server=server.grpc, duration_ns=10**9, metrics=server.http + METRICS, models=("dense",)
    )
    path = capture_bundle(plan, tmp_path / "bundle").path
    calls = load.stop()
    assert len(calls) >= 20
    assert {each.status_code for each in calls} == {0}
    table = analyze(open_bundle(path)).requests
    assert len(table) >= 10
    assert {MODES[i] for i in table.mode_index.tolist()} == {Mode.BATCH_FUNCTION}
    assert (table.stage_ns.sum(axis=1) == table.duration_ns).all()


# -- life and death


def test_an_old_server_writes_to_its_own_disk_and_truth_is_left_behind(tmp_path: Path) -> None:
    truth, root = tmp_path / "truth.json", tmp_path / "traces"
    options = ("--emulate-2-20", "--allow-server-writes", "--truth", str(truth), *FREE_PORTS)
    log = tmp_path / "server.log"
    with DemoServer.start(SCENARIOS["slow-preprocess"], log, *options) as server:
        request = GetSnapshotRequest().SerializeToString()
        snapshot = "/tensorflow.ProfilerService/GetSnapshot"
        assert refusal(server.address, snapshot, request)[0] == grpc.StatusCode.UNIMPLEMENTED
        call(server.address, PREDICT, predict_message(server.address))
        image = base64.b64encode(jpeg_in(predict_message(server.address))).decode()
        body = {"instances": [{"b64": image}, {"inputs": {"b64": image}}]}
        assert get(server.address, "/v1/models/image:predict", body)[0] == 200
        profile = inline_profile()
        profile.repository_root, profile.host_name = str(root), "here"
        raw = call(server.address, PROFILE, profile.SerializeToString())
        assert not ProfileResponse.FromString(raw).HasField("xspace")
        assert (root / "test" / "here.xplane.pb").stat().st_size > 0
        pid = server.address.pid
        server.stop()
    assert not Path(f"/proc/{pid}").exists()
    facts, requests = read_truth(truth)
    assert facts["scenario"] == "slow-preprocess"
    assert [each.rows for each in requests] == [1, 2]
    assert all(is_in_order(each) for each in requests)


def test_a_killed_server_leaves_no_folder_behind(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    with DemoServer.start(SCENARIOS["no-demand"], log, *FREE_PORTS) as server:
        work = Path(server.address.payloads[0][0]).parent
        assert work.is_dir()
        os.kill(server.address.pid, signal.SIGKILL)
    assert not work.exists()


def jpeg_in(message: bytes) -> bytes:
    """From the start marker of the one image to its end marker (ITU-T T.81, annex B)."""
    return message[message.index(b"\xff\xd8") : message.rindex(b"\xff\xd9") + 2]


def is_in_order(truth: RequestTruth) -> bool:
    (part,) = truth.parts
    # tf.timestamp() gives whole microseconds.
    moments = [
        truth.arrival_unix_ns,
        truth.run_start_unix_ns,
        truth.request_unix_ns + 1000,
        truth.ready_unix_ns + 1000,
        part.start_unix_ns + 1000,
        part.end_unix_ns + 1000,
        truth.done_unix_ns + 1000,
        truth.run_end_unix_ns + 2000,
    ]
    return moments == sorted(moments)


def run_server(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "diag.demo.serve", *FREE_PORTS, *options],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


def test_a_batching_file_with_a_misspelt_field_names_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "batching.txt"
    file.write_text("max_batch_sise { value: 4 }\n")
    result = run_server("--batching-parameters-file", str(file))
    assert result.returncode == 3
    assert result.stdout == ""
    assert "max_batch_size" in result.stderr


def test_a_taken_port_is_named(server: ServerAddress, tmp_path: Path) -> None:
    taken = server.http.rpartition(":")[2]
    log = tmp_path / "server.log"
    with pytest.raises(ServerUnreachableError) as caught:
        DemoServer.start(SCENARIOS["no-demand"], log, "--port", "0", "--http-port", taken)
    assert f"cannot listen on 127.0.0.1:{taken}" in caught.value.cause
    assert "--http-port 0" in log.read_text()
