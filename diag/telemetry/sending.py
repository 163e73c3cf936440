"""send_spans(): spans to a collector by OTLP over gRPC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc

from diag.capture.interrupts import Interrupts
from diag.capture.plan import SECOND
from diag.capture.server.backoff import Backoff
from diag.capture.server.connection import Connection, ConnectionOptions
from diag.capture.server.target import find_server
from diag.capture.server.transport_check import check_transport
from diag.errors import OutputError, ServerUnreachableError, UsageError, WrongProtocolError
from diag.formats.spans.otlp_messages import span_count, span_messages
from diag.formats.wire.otlp_pb2 import ExportTraceServiceResponse
from diag.model.printable import TEXT_MAX_CHARS, printable
from diag.telemetry.spans import MAX_REQUESTS, make_spans

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.capture.plan import TlsOptions
    from diag.formats.wire.otlp_pb2 import ExportTraceServiceRequest

# Source: opentelemetry/proto/collector/trace/v1/trace_service.proto of opentelemetry-proto.
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_ANSWER_MAX_BYTES = 1 << 20
_START_ONE = (
    "start a collector with an OTLP receiver for gRPC (port 4317 by default), or write a file: "
    "leave out --endpoint"
)

_UNANSWERED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
_LOG_IN = "pass credentials (`headers`), in lines like 'authorization: Bearer TOKEN'"
_HINTS = {
    grpc.StatusCode.UNAVAILABLE: "read the collector's log, and send again later",
    grpc.StatusCode.DEADLINE_EXCEEDED: "send again, or allow more time (`timeout_ns`)",
    grpc.StatusCode.UNIMPLEMENTED: "give the collector an OTLP receiver and a pipeline for traces",
    grpc.StatusCode.UNAUTHENTICATED: _LOG_IN,
    grpc.StatusCode.PERMISSION_DENIED: _LOG_IN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """A receiver of OTLP over gRPC, such as the OpenTelemetry Collector, Jaeger or Tempo.

    Attributes:
        endpoint: ``HOST:PORT``, ``[IPv6]:PORT`` or ``unix:/path``.
        tls: Certificates; None for plaintext.
        authority: Name to expect in the certificate and to send; "" for the host's name.
        headers: gRPC metadata that is sent with every message; its values are never shown.
        timeout_ns: Time allowed for each message, ns; and for its repetitions.
    """

    endpoint: str
    tls: TlsOptions | None = None
    authority: str = ""
    headers: tuple[tuple[str, str | bytes], ...] = ()
    timeout_ns: int = 10 * SECOND


@dataclass(frozen=True, slots=True)
class SentSpans:
    """What a collector answered.

    Attributes:
        spans: Number of spans that it took.
        warnings: What it remarked about spans that it took, each text once.
        left_out: What was not sent, one sentence each.
    """

    spans: int
    warnings: tuple[str, ...]
    left_out: tuple[str, ...]


def send_spans(
    analysis: Analysis, collector: Collector, max_requests: int = MAX_REQUESTS
) -> SentSpans:
    """Send requests, batches and idle time in messages of at most 1 MiB.

    A message is sent again, with growing pauses, while the collector is UNAVAILABLE. Spans have the
    same ids each time, so that a store can tell those that come again.

    Args:
        analysis: What ``analyze`` returned.
        collector: Where to.
        max_requests: The most requests; of more, the slowest.

    Raises:
        UsageError: A value is not valid, or a certificate cannot be read.
        InputError: The source does not tell the time of day at which it was recorded.
        OutputError: The collector is not reached, refuses a message, or rejects spans.
    """
    if collector.timeout_ns <= 0:
        raise UsageError("`timeout_ns` must be above 0", parameter="timeout_ns")
    if collector.tls is not None:
        collector.tls.check("tls")
    spans = make_spans(analysis, max_requests)
    options = ConnectionOptions(
        tls=collector.tls,
        authority=collector.authority,
        headers=collector.headers,
        receive_max_bytes=_ANSWER_MAX_BYTES,
    )
    sent = rejected = 0
    remarks: dict[str, None] = {}
    with (
        Interrupts() as interrupts,
        _connected(collector, options, interrupts) as connection,
    ):
        for message in span_messages(spans):
            try:
                answer = _send(connection, message, collector.timeout_ns / SECOND)
            except grpc.RpcError as exc:
                raise _explained(exc, collector.endpoint, sent) from exc
            count = span_count(message)
            refused = min(count, max(0, answer.partial_success.rejected_spans))
            sent += count - refused
            rejected += refused
            if text := answer.partial_success.error_message:
                remarks.setdefault(printable(text, TEXT_MAX_CHARS))
    if rejected:
        raise OutputError(
            f"{collector.endpoint} rejected {rejected:,} of {sent + rejected:,} spans",
            cause="; ".join(remarks) or "the collector gave no reason",
            hint="read the collector's log, then send again: spans keep their ids",
        )
    return SentSpans(sent, tuple(remarks), spans.left_out)


def _connected(
    collector: Collector, options: ConnectionOptions, interrupts: Interrupts
) -> Connection:
    try:
        target = find_server(collector.endpoint, collector.timeout_ns / SECOND, "endpoint")
    except ServerUnreachableError as exc:
        raise OutputError(exc.message, cause=exc.cause, hint=_START_ONE) from exc
    return Connection(target, options, interrupts)


def _send(
    connection: Connection, message: ExportTraceServiceRequest, timeout_s: float
) -> ExportTraceServiceResponse:
    """Send a message; again while the collector is unavailable.

    Raises:
        grpc.RpcError: It failed.
        OutputError: The port is none of a collector: then it is not tried again.
    """
    backoff = Backoff(timeout_s, connection.interrupts)
    is_known = connection.reached
    while True:
        try:
            return connection.call(EXPORT, message, ExportTraceServiceResponse, timeout_s)
        except grpc.RpcError as exc:  # noqa: PERF203 - a call takes far longer
            if exc.code() in _UNANSWERED and not is_known:
                _check_transport(connection)
                is_known = True
            if exc.code() != grpc.StatusCode.UNAVAILABLE or not backoff.pause():
                raise


def _check_transport(connection: Connection) -> None:
    """Look whether the port speaks gRPC.

    Raises:
        OutputError: It does not, with the next step for a collector.
    """
    found = check_transport(connection.target, connection.options)
    if found is None:
        return
    hint = found.hint
    if isinstance(found, ServerUnreachableError):
        hint = _START_ONE
    elif isinstance(found, WrongProtocolError) and found.parameter == "server":
        raise OutputError(
            found.message, hint="4318 is the port of OTLP over HTTP; use that of gRPC, usually 4317"
        )
    raise OutputError(found.message, cause=found.cause, hint=hint, parameter=found.parameter)


def _explained(error: grpc.RpcError, where: str, sent: int) -> OutputError:
    code, details = error.code(), printable(error.details() or "", TEXT_MAX_CHARS)
    return OutputError(
        f"{where} refused the spans; {sent:,} were accepted before",
        cause=f"{code.name}: {details}" if details else str(code.name),
        hint=_HINTS.get(code, "read the collector's log, then send again: spans keep their ids"),
    )
