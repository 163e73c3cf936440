"""Spans as protobuf messages of OTLP, which collectors take over gRPC."""

from __future__ import annotations

from collections.abc import Iterator

from diag.formats.wire import otlp_pb2 as wire
from diag.model.printable import TEXT_MAX_CHARS, printable
from diag.model.spans import Attributes, Span, SpanSet

# A gRPC server accepts 4 MiB in one message unless it is told otherwise
# (GRPC_DEFAULT_MAX_RECV_MESSAGE_LENGTH, gRPC include/grpc/impl/grpc_types.h).
MESSAGE_MAX_BYTES = 1 << 20


def span_messages(
    spans: SpanSet, max_bytes: int = MESSAGE_MAX_BYTES
) -> Iterator[wire.ExportTraceServiceRequest]:
    """Requests of ``TraceService/Export``, made while they are iterated.

    Args:
        spans: Iterated once.
        max_bytes: Of the spans in one message; a single larger span has a message of its own.
    """
    message, size = _empty(spans), 0
    for span in spans.spans:
        made = _span(span)
        length = made.ByteSize()
        if size and size + length > max_bytes:
            yield message
            message, size = _empty(spans), 0
        message.resource_spans[0].scope_spans[0].spans.append(made)
        size += length
    if size:
        yield message


def span_count(message: wire.ExportTraceServiceRequest) -> int:
    """Number of spans in a message."""
    return sum(len(s.spans) for r in message.resource_spans for s in r.scope_spans)


def _empty(spans: SpanSet) -> wire.ExportTraceServiceRequest:
    name, version = spans.scope
    scope = wire.InstrumentationScope(name=name, version=version)
    resource = wire.Resource(attributes=_attributes(spans.resource))
    group = wire.ResourceSpans(resource=resource, scope_spans=[wire.ScopeSpans(scope=scope)])
    return wire.ExportTraceServiceRequest(resource_spans=[group])


def _span(span: Span) -> wire.Span:
    kind = wire.Span.SPAN_KIND_SERVER if span.is_server else wire.Span.SPAN_KIND_INTERNAL
    made = wire.Span(
        trace_id=span.key.trace_id,
        span_id=span.key.span_id,
        parent_span_id=span.parent_id,
        name=shown(span.name),
        kind=kind,
        start_time_unix_nano=span.start_unix_ns,
        end_time_unix_nano=span.end_unix_ns,
        attributes=_attributes(span.attributes),
        links=[wire.Span.Link(trace_id=k.trace_id, span_id=k.span_id) for k in span.links],
        dropped_links_count=span.links_left_out,
    )
    if span.error:
        made.status.code = wire.Status.STATUS_CODE_ERROR
        made.status.message = shown(span.error)
    return made


def _attributes(attributes: Attributes) -> list[wire.KeyValue]:
    return [wire.KeyValue(key=name, value=_value(value)) for name, value in attributes]


def _value(value: bool | int | float | str) -> wire.AnyValue:
    if isinstance(value, bool):
        return wire.AnyValue(bool_value=value)
    if isinstance(value, int):
        return wire.AnyValue(int_value=value)
    if isinstance(value, float):
        return wire.AnyValue(double_value=value)
    return wire.AnyValue(string_value=shown(value))


def shown(text: str) -> str:
    """Valid UTF-8 without characters that hide or turn others; long text keeps head and tail."""
    return printable(text, TEXT_MAX_CHARS)
