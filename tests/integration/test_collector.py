"""Spans sent to a collector: what arrives, and what is said when it does not."""

from __future__ import annotations

import http.server
import socket
import threading
from concurrent import futures
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from diag.analysis.pipeline import analyze
from diag.analysis.result import Analysis
from diag.capture.plan import TlsOptions
from diag.errors import OutputError, UsageError
from diag.formats.source import open_bundle
from diag.telemetry.sending import Collector, send_spans
from diag.telemetry.spans import make_spans
from tests.conftest import sample_path
from tests.support.certificates import make_certificates
from tests.support.collector import CollectorStandIn, collecting

SHORT_NS = 300_000_000


@pytest.fixture(name="sample", scope="module")
def _sample() -> Analysis:
    return analyze(open_bundle(sample_path("demo-batch-timeout") / "bundle.zip"))


def partial(rejected: int, text: str) -> ExportTraceServiceResponse:
    found = ExportTracePartialSuccess(rejected_spans=rejected, error_message=text)
    return ExportTraceServiceResponse(partial_success=found)


def test_every_span_arrives_once(sample: Analysis) -> None:
    with collecting() as collector:
        sent = send_spans(sample, Collector(endpoint=collector.address))
    expected = [(span.key.trace_id, span.key.span_id) for span in make_spans(sample).spans]
    assert [(span.trace_id, span.span_id) for span in collector.spans] == expected
    assert sent.spans == len(expected)
    assert (sent.warnings, sent.left_out) == ((), ())
    assert all(message.ByteSize() < 4 << 20 for message in collector.messages)
    resources = [m.resource_spans[0].resource.attributes[0] for m in collector.messages]
    assert {each.value.string_value for each in resources} == {"tensorflow-serving"}


def test_a_message_is_sent_again_while_the_collector_is_unavailable(sample: Analysis) -> None:
    unavailable = grpc.StatusCode.UNAVAILABLE
    with collecting(CollectorStandIn([unavailable, unavailable])) as collector:
        sent = send_spans(sample, Collector(endpoint=collector.address), 1)
    first, second, third = collector.messages
    assert first == second == third
    assert sent.spans == len(collector.spans) // 3


def test_it_gives_up_after_the_time_allowed(sample: Analysis) -> None:
    stand_in = CollectorStandIn([grpc.StatusCode.UNAVAILABLE], repeats=True)
    with collecting(stand_in) as collector, pytest.raises(OutputError) as caught:
        send_spans(sample, Collector(endpoint=collector.address, timeout_ns=SHORT_NS), 1)
    assert 1 < len(collector.messages) < 10
    assert caught.value.message == f"{collector.address} refused the spans; 0 were accepted before"
    assert caught.value.cause == "UNAVAILABLE: as the test wants"


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, "read the collector's log"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "read the collector's log"),
        (grpc.StatusCode.UNAUTHENTICATED, "pass credentials (`headers`)"),
        (grpc.StatusCode.PERMISSION_DENIED, "pass credentials (`headers`)"),
    ],
    ids=str,
)
def test_nothing_else_is_sent_again(sample: Analysis, status: grpc.StatusCode, hint: str) -> None:
    with collecting(CollectorStandIn([status])) as collector, pytest.raises(OutputError) as caught:
        send_spans(sample, Collector(endpoint=collector.address), 1)
    assert len(collector.messages) == 1
    assert caught.value.cause == f"{status.name}: as the test wants"
    assert hint in caught.value.hint


def test_rejected_spans_are_an_error_with_the_collectors_reason(sample: Analysis) -> None:
    with (
        collecting(CollectorStandIn([partial(3, "too \x1bold")])) as collector,
        pytest.raises(OutputError) as caught,
    ):
        send_spans(sample, Collector(endpoint=collector.address), 1)
    total = len(collector.spans)
    assert caught.value.message == f"{collector.address} rejected 3 of {total:,} spans"
    assert caught.value.cause == "too \\x1bold"
    assert len(collector.messages) == 1


def test_a_remark_without_rejected_spans_is_a_warning(sample: Analysis) -> None:
    with collecting(CollectorStandIn([partial(0, "old schema")])) as collector:
        sent = send_spans(sample, Collector(endpoint=collector.address), 1)
    assert sent.warnings == ("old schema",)
    assert sent.spans == len(collector.spans)


def test_where_nothing_listens_the_next_step_is_said(sample: Analysis) -> None:
    with collecting() as collector:
        pass
    with pytest.raises(OutputError, match="nothing answers at") as caught:
        send_spans(sample, Collector(endpoint=collector.address, timeout_ns=SHORT_NS))
    assert "start a collector with an OTLP receiver for gRPC (port 4317" in caught.value.hint


def test_a_port_that_speaks_http_is_told(sample: Analysis) -> None:
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Quiet", (http.server.BaseHTTPRequestHandler,), {"log_message": _no})
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with pytest.raises(OutputError, match="speaks HTTP, not gRPC") as caught:
            send_spans(sample, Collector(endpoint=f"localhost:{server.server_port}"), 1)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert "4318 is the port of OTLP over HTTP" in caught.value.hint


def _no(*_: object) -> None:
    pass


def test_a_port_that_never_answers_ends_the_attempt_in_time(sample: Analysis) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(OutputError) as caught:
            send_spans(sample, Collector(endpoint=endpoint, timeout_ns=SHORT_NS), 1)
    assert caught.value.cause.startswith("DEADLINE_EXCEEDED")
    assert "allow more time (`timeout_ns`)" in caught.value.hint


def test_a_server_without_the_service_is_told(sample: Analysis) -> None:
    server = grpc.server(futures.ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with pytest.raises(OutputError) as caught:
        send_spans(sample, Collector(endpoint=f"localhost:{port}"), 1)
    server.stop(None).wait()
    assert caught.value.cause.startswith("UNIMPLEMENTED")
    assert "OTLP receiver" in caught.value.hint


def test_tls_and_headers(sample: Analysis, tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    with collecting(credentials=made.server(mutual=True)) as collector:
        tls = TlsOptions(made.ca_file, made.client_cert, made.client_key)
        headers = (("authorization", "Bearer x"),)
        send_spans(sample, Collector(endpoint=collector.address, tls=tls, headers=headers), 1)
        assert ("authorization", "Bearer x") in collector.metadata
        with pytest.raises(OutputError, match="speaks TLS, but was called in plaintext") as caught:
            send_spans(sample, Collector(endpoint=collector.address), 1)
        assert caught.value.parameter == "tls"
        stranger = TlsOptions(made.other_ca_file)
        with pytest.raises(OutputError, match="not trusted"):
            send_spans(sample, Collector(endpoint=collector.address, tls=stranger), 1)


@pytest.mark.parametrize(
    ("collector", "parameter"),
    [
        (Collector(endpoint="nowhere"), "endpoint"),
        (Collector(endpoint="localhost:4317", timeout_ns=0), "timeout_ns"),
        (Collector(endpoint="localhost:4317", tls=TlsOptions(None, Path("c"))), "tls.client_key"),
    ],
    ids=["endpoint", "timeout", "key"],
)
def test_wrong_values_are_named(sample: Analysis, collector: Collector, parameter: str) -> None:
    with pytest.raises(UsageError) as caught:
        send_spans(sample, collector)
    assert caught.value.parameter == parameter
