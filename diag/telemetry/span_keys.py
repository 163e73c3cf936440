"""Ids of spans that are the same in every export of a capture."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from diag.analysis.result import Analysis
from diag.model.availability import Unavailable
from diag.model.spans import SpanKey

_TRACE_BYTES, _SPAN_BYTES = 16, 8


@dataclass(frozen=True, slots=True)
class SpanKeys:
    """Hashes of a capture and a row of one of its tables.

    A capture is told from others by its wall clock, its window and its number of events, which
    redaction keeps: the ids hold no name.

    Attributes:
        capture: What tells the capture from others.
    """

    capture: str

    @classmethod
    def of(cls, analysis: Analysis) -> SpanKeys | Unavailable:
        """The keys of a capture; Unavailable where it does not tell the time of day."""
        origin, window = analysis.capture.origin_unix_ns, analysis.capture.window
        if isinstance(origin, Unavailable):
            return origin
        return cls(f"{origin}|{window.start_ns}|{window.end_ns}|{analysis.counts.events}")

    def root(self, table: str, row: int) -> SpanKey:
        """The first span of the trace of a table's row."""
        text = f"{self.capture}|{table}|{row}"
        found = hashlib.blake2b(text.encode(), digest_size=_TRACE_BYTES + _SPAN_BYTES).digest()
        return SpanKey(found[:_TRACE_BYTES], found[_TRACE_BYTES:])


def child(root: SpanKey, place: int) -> SpanKey:
    """A further span of the trace of ``root``; ``place`` counts its children from 0."""
    text = root.span_id + place.to_bytes(_SPAN_BYTES, "big")
    key = hashlib.blake2b(text, digest_size=_SPAN_BYTES, key=root.trace_id).digest()
    return SpanKey(root.trace_id, key)
