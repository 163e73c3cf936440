"""Spans of clients in OpenTelemetry's JSON: one document, or one a line.

Names are those of opentelemetry/proto/trace/v1/trace.proto (1.3) in its JSON form, as the
collector's file exporter writes them: ``ExportTraceServiceRequest`` objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from diag.errors import InputError
from diag.formats.text.client_times import status_name, unix_ns

_CLIENT = (3, "SPAN_KIND_CLIENT")
_ERROR = (2, "STATUS_CODE_ERROR")
# Attributes of the semantic conventions for RPC and HTTP (1.2x, and the names before them).
_CODE = ("rpc.grpc.status_code", "rpc.response.status_code", "http.response.status_code")
_OLD_CODE = "http.status_code"
_SERVICE = "rpc.service"
# tensorflow_serving/apis/prediction_service.proto
_SERVING = "tensorflow.serving.PredictionService"


class _Attribute(msgspec.Struct):
    key: str = ""
    value: dict[str, Any] = {}


class _Status(msgspec.Struct):
    code: int | str = 0


class _Span(msgspec.Struct):
    startTimeUnixNano: int | str = 0  # noqa: N815
    endTimeUnixNano: int | str = 0  # noqa: N815
    kind: int | str = 0
    status: _Status = msgspec.field(default_factory=_Status)
    attributes: list[_Attribute] = []


class _Scope(msgspec.Struct):
    spans: list[_Span] = []


class _Resource(msgspec.Struct):
    scopeSpans: list[_Scope] = []  # noqa: N815


class _Document(msgspec.Struct):
    resourceSpans: list[_Resource] = []  # noqa: N815


@dataclass(frozen=True, slots=True)
class Spans:
    """Calls of clients as begin, end and status; and how many other spans were skipped."""

    calls: list[tuple[int, int, str]]
    skipped: int


def read_spans(data: bytes, where: str) -> Spans:
    """The spans of kind CLIENT; only those to TensorFlow Serving if any names that service.

    Args:
        data: One JSON document, or one a line.
        where: Path of the file, for messages.

    Raises:
        InputError: Not such a document, or a span without times.
    """
    spans = [
        span
        for document in _documents(data, where)
        for resource in document.resourceSpans
        for scope in resource.scopeSpans
        for span in scope.spans
    ]
    clients = [span for span in spans if span.kind in _CLIENT and span.endTimeUnixNano]
    serving = [span for span in clients if _attribute(span, _SERVICE) == _SERVING]
    chosen = serving or clients
    try:
        calls = [_call(span) for span in chosen]
    except ValueError as exc:
        raise InputError(f"{where}: a span without valid times", cause=str(exc)) from exc
    return Spans(calls, len(spans) - len(chosen))


def _documents(data: bytes, where: str) -> list[_Document]:
    decoder = msgspec.json.Decoder(_Document)
    try:
        return [decoder.decode(data)]
    except (msgspec.DecodeError, RecursionError):
        pass  # one document a line, or no such file
    try:
        return [decoder.decode(line) for line in data.splitlines() if line.strip()]
    except (msgspec.DecodeError, RecursionError) as exc:
        raise InputError(
            f"{where}: not spans of OpenTelemetry as JSON",
            cause=str(exc),
            hint="export them with the collector's file exporter, format json",
        ) from exc


def _call(span: _Span) -> tuple[int, int, str]:
    start, end = unix_ns(span.startTimeUnixNano), unix_ns(span.endTimeUnixNano)
    if end < start:
        raise ValueError("a span ends before it begins")
    for name in (*_CODE, _OLD_CODE):
        code = _attribute(span, name)
        if code is not None:
            return start, end, status_name(code)
    return start, end, "UNKNOWN" if span.status.code in _ERROR else "OK"


def _attribute(span: _Span, key: str) -> str | None:
    """The value of an attribute, whatever its type (``stringValue``, ``intValue``)."""
    for attribute in span.attributes:
        if attribute.key == key:
            value = next(iter(attribute.value.values()), None)
            return None if value is None or isinstance(value, dict | list) else str(value)
    return None
