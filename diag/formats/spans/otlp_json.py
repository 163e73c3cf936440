"""Spans as lines of OTLP/JSON, one ``ExportTraceServiceRequest`` each.

The encoding is protobuf's JSON mapping with two exceptions: ids are hexadecimal, enums are numbers
(docs/specification.md, "JSON Protobuf Encoding", of opentelemetry-proto). Integers of 64 bits are
decimal strings. A file has one message a line ("OpenTelemetry Protocol File Exporter", "JSON lines
file", of the OpenTelemetry specification).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from diag.formats.spans.otlp_messages import shown
from diag.formats.wire import otlp_pb2 as wire
from diag.model.spans import Attributes, Span, SpanSet

# The Collector's otlpjsonfile receiver cuts lines at 1 MiB (max_log_size,
# pkg/stanza/fileconsumer/config.go of opentelemetry-collector-contrib).
LINE_MAX_BYTES = 1 << 19

_encode = msgspec.json.Encoder().encode


def span_lines(spans: SpanSet, max_bytes: int = LINE_MAX_BYTES) -> Iterator[bytes]:
    """The lines of a file, made while they are iterated; none for no spans.

    Args:
        spans: Iterated once.
        max_bytes: Of the spans in one line; a single larger span has a line of its own.
    """
    name, version = spans.scope
    resource = _encode({"attributes": _attributes(spans.resource)})
    scope = _encode({"name": name, "version": version})
    begin = b'{"resourceSpans":[{"resource":%b,"scopeSpans":[{"scope":%b,"spans":[' % (
        resource,
        scope,
    )
    encoded: list[bytes] = []
    size = 0
    for span in spans.spans:
        data = _encode(_span(span))
        if size and size + len(data) > max_bytes:
            yield begin + b",".join(encoded) + b"]}]}]}\n"
            encoded, size = [], 0
        encoded.append(data)
        size += len(data)
    if encoded:
        yield begin + b",".join(encoded) + b"]}]}]}\n"


def _span(span: Span) -> dict[str, Any]:
    """Fields without a value are left out, as protobuf's mapping does."""
    kind = wire.Span.SPAN_KIND_SERVER if span.is_server else wire.Span.SPAN_KIND_INTERNAL
    made: dict[str, Any] = {
        "traceId": span.key.trace_id.hex(),
        "spanId": span.key.span_id.hex(),
        "name": shown(span.name),
        "kind": int(kind),
        "startTimeUnixNano": str(span.start_unix_ns),
        "endTimeUnixNano": str(span.end_unix_ns),
    }
    if span.parent_id:
        made["parentSpanId"] = span.parent_id.hex()
    if span.attributes:
        made["attributes"] = _attributes(span.attributes)
    if span.links:
        made["links"] = [
            {"traceId": key.trace_id.hex(), "spanId": key.span_id.hex()} for key in span.links
        ]
    if span.links_left_out:
        made["droppedLinksCount"] = span.links_left_out
    if span.error:
        made["status"] = {
            "message": shown(span.error),
            "code": int(wire.Status.STATUS_CODE_ERROR),
        }
    return made


def _attributes(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in attributes]


def _value(value: bool | int | float | str) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": shown(value)}
