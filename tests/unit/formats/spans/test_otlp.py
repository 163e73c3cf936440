"""Spans as OTLP, judged by OpenTelemetry's own definitions."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from diag.formats.spans.otlp_json import LINE_MAX_BYTES, span_lines
from diag.formats.spans.otlp_messages import span_count, span_messages
from diag.model.spans import Span, SpanKey, SpanSet

BEGIN = 1_795_000_000_123_456_789
ROOT = SpanKey(bytes(range(16)), bytes(range(8)))


def make_span(number: int = 0, **fields: Any) -> Span:
    key = SpanKey(bytes(range(16)), bytes([number + 1] * 8))
    return Span(**{"key": key, "parent_id": ROOT.span_id, "name": "compute"} | times() | fields)


def times() -> dict[str, int]:
    return {"start_unix_ns": BEGIN, "end_unix_ns": BEGIN + 5}


def make_set(*spans: Span) -> SpanSet:
    return SpanSet((("service.name", "tensorflow-serving"),), ("diag", "1.2"), iter(spans))


def theirs(line: bytes) -> ExportTraceServiceRequest:
    """A line, read by protobuf's JSON mapping once its ids are base64 as that mapping wants."""

    def convert(node: Any) -> Any:
        if isinstance(node, list):
            return [convert(each) for each in node]
        if not isinstance(node, dict):
            return node
        ids = {"traceId", "spanId", "parentSpanId"}
        return {
            key: base64.b64encode(bytes.fromhex(value)).decode() if key in ids else convert(value)
            for key, value in node.items()
        }

    return json_format.ParseDict(convert(json.loads(line)), ExportTraceServiceRequest())


SPANS = {
    "root": make_span(parent_id=b"", is_server=True),
    "child": make_span(),
    "attributes": make_span(
        attributes=(("s", "x"), ("i", -(2**63)), ("b", False), ("f", 0.5), ("empty", ""))
    ),
    "links": make_span(links=(ROOT, SpanKey(b"\xff" * 16, b"\xfe" * 8)), links_left_out=7),
    "error": make_span(error="its batch did not run"),
    "hostile": make_span(name='"\n\x1b\udc80', attributes=(("s", "\u202e" + "y" * 5_000),)),
}


@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
def test_lines_and_messages_are_the_same_to_opentelemetry(span: Span) -> None:
    (message,) = span_messages(make_set(span))
    (line,) = span_lines(make_set(span))
    assert theirs(line) == ExportTraceServiceRequest.FromString(message.SerializeToString())
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1


def test_a_message_has_the_fields_of_its_span() -> None:
    span = make_span(parent_id=ROOT.span_id, links=(ROOT,), error="no", is_server=True)
    (message,) = span_messages(make_set(span))
    (group,) = ExportTraceServiceRequest.FromString(message.SerializeToString()).resource_spans
    assert group.resource.attributes[0].value.string_value == "tensorflow-serving"
    (scope,) = group.scope_spans
    assert (scope.scope.name, scope.scope.version) == ("diag", "1.2")
    (found,) = scope.spans
    assert found.trace_id == span.key.trace_id
    assert found.span_id == span.key.span_id
    assert found.parent_span_id == ROOT.span_id
    assert (found.start_time_unix_nano, found.end_time_unix_nano) == (BEGIN, BEGIN + 5)
    assert found.kind == found.SPAN_KIND_SERVER
    assert (found.status.code, found.status.message) == (found.status.STATUS_CODE_ERROR, "no")
    assert [(each.trace_id, each.span_id) for each in found.links] == [
        (ROOT.trace_id, ROOT.span_id)
    ]


def test_json_has_hexadecimal_ids_numbers_for_enums_and_strings_for_int64() -> None:
    span = make_span(attributes=(("rows", 2),), error="no", links=(ROOT,))
    (line,) = span_lines(make_set(span))
    (found,) = json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert found == {
        "traceId": "000102030405060708090a0b0c0d0e0f",
        "spanId": "0101010101010101",
        "parentSpanId": "0001020304050607",
        "name": "compute",
        "kind": 1,
        "startTimeUnixNano": "1795000000123456789",
        "endTimeUnixNano": "1795000000123456794",
        "attributes": [{"key": "rows", "value": {"intValue": "2"}}],
        "links": [{"traceId": "000102030405060708090a0b0c0d0e0f", "spanId": "0001020304050607"}],
        "status": {"message": "no", "code": 2},
    }


@pytest.mark.parametrize(("max_bytes", "sizes"), [(1, [1] * 5), (150, [2, 2, 1]), (10**6, [5])])
def test_messages_are_of_limited_size(max_bytes: int, sizes: list[int]) -> None:
    spans = [make_span(number) for number in range(5)]
    messages = list(span_messages(make_set(*spans), max_bytes))
    assert [span_count(message) for message in messages] == sizes
    found = [s.span_id for m in messages for s in m.resource_spans[0].scope_spans[0].spans]
    assert found == [span.key.span_id for span in spans]


@pytest.mark.parametrize(("max_bytes", "sizes"), [(1, [1] * 5), (500, [2, 2, 1]), (10**6, [5])])
def test_lines_are_of_limited_size(max_bytes: int, sizes: list[int]) -> None:
    lines = list(span_lines(make_set(*map(make_span, range(5))), max_bytes))
    assert [line.count(b'"spanId"') for line in lines] == sizes


def test_the_largest_line_is_below_what_the_collector_reads_as_one() -> None:
    name = "\N{GRINNING FACE}" * 5_000
    resource = tuple((f"attribute {number}", name) for number in range(6))
    spans = [make_span(number % 200, name=name, links=(ROOT,) * 128) for number in range(300)]
    lines = list(span_lines(SpanSet(resource, ("diag", "1.2"), iter(spans))))
    assert len(lines) > 1
    assert LINE_MAX_BYTES < max(map(len, lines)) < 1 << 20


def test_without_spans_there_is_no_message() -> None:
    assert list(span_messages(make_set())) == list(span_lines(make_set())) == []
