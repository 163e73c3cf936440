"""Spans of traces as OpenTelemetry defines them: intervals with a parent, attributes and links."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Value = bool | int | float | str
Attributes = tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class SpanKey:
    """What identifies a span.

    Attributes:
        trace_id: 16 bytes, not all of them 0.
        span_id: 8 bytes, not all of them 0.
    """

    trace_id: bytes
    span_id: bytes


@dataclass(frozen=True, slots=True)
class Span:
    """An interval of one trace.

    Attributes:
        key: Its own; the same in every export of the capture.
        parent_id: Span id of the parent, which has the same trace id; b"" for the root of a trace.
        name: Of the kind of work, so that viewers can group by it.
        start_unix_ns: ns since 1970-01-01T00:00:00Z, on the server's clock.
        end_unix_ns: The same clock; half-open.
        attributes: Name and value; integers fit 64 bits with sign.
        links: Spans of other traces that it waited for or ran in.
        links_left_out: Further ones.
        error: Why the work failed; "" where nothing says so.
        is_server: Whether it is the server's side of a call.
    """

    key: SpanKey
    parent_id: bytes
    name: str
    start_unix_ns: int
    end_unix_ns: int
    attributes: Attributes = ()
    links: tuple[SpanKey, ...] = ()
    links_left_out: int = 0
    error: str = ""
    is_server: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class SpanSet:
    """All spans of one capture.

    Attributes:
        resource: Attributes of the server that was recorded.
        scope: Name and version of the program that made the spans.
        spans: Made while they are iterated; once only.
        left_out: What is not in the spans, one sentence each.
    """

    resource: Attributes
    scope: tuple[str, str]
    spans: Iterator[Span]
    left_out: tuple[str, ...] = ()
