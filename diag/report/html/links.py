"""Which span of the timeline a row of a table is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diag.report.model import Cell

# Begin and length of what a row is about, and whether the begin counts from the window's start
# (docs/report-schema.md): of idle stretches, slices of the window, and requests.
_SPANS = (
    ("offset_ns", "idle_ns", True),
    ("slice_ns", "length_ns", True),
    ("start_ns", "duration_ns", False),
)


def span_of(row: dict[str, Cell], start_ns: int) -> str:
    """``<from>-<to>`` in ms from the window's start; "" where a row has no place in time.

    Args:
        row: Of any table.
        start_ns: Start of the window, from which the tables of requests do not count.
    """
    for begin_key, length_key, is_of_window in _SPANS:
        begin, length = row.get(begin_key), row.get(length_key)
        if isinstance(begin, int | float) and isinstance(length, int | float):
            begin -= 0 if is_of_window else start_ns
            return f"{begin / 1e6:.4f}-{(begin + length) / 1e6:.4f}" if begin >= 0 else ""
    return ""
