"""Which call of a client a request was: the client's interval contains the server's."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import NamedTuple

import numpy as np

from diag.analysis.thresholds import CLIENT_CALLS_MORE_MAX, CLIENT_CALLS_PER_REQUEST_MAX
from diag.model.events import Int64s

NONE = -1


class Spans(NamedTuple):
    """Intervals as columns, (n,) int64 each, half-open, in any order."""

    start_ns: Int64s
    end_ns: Int64s

    def __len__(self) -> int:  # of a tuple it would be the number of columns
        return len(self.start_ns)

    def moved(self, by_ns: int) -> Spans:
        """The same, later by so much."""
        return Spans(self.start_ns + by_ns, self.end_ns + by_ns)

    def taken(self, rows: Int64s) -> Spans:
        """Some of them."""
        return Spans(self.start_ns[rows], self.end_ns[rows])

    def between(self, first_ns: int, last_ns: int) -> Int64s:
        """Rows of those that overlap an interval."""
        return np.flatnonzero((self.end_ns >= first_ns) & (self.start_ns <= last_ns))

    @property
    def duration_ns(self) -> Int64s:
        """(n,) lengths."""
        return self.end_ns - self.start_ns


def match_inside(inner: Spans, outer: Spans) -> Int64s:
    """For each inner interval the row of an outer one that contains it, each used once; NONE.

    As many as possible are matched: inner intervals are taken by begin, and each gets the outer
    one that has begun and ends first after it. Every outer interval that had begun for one is there
    for all later ones, so that a later end is of more use to them.

    Of far more outer intervals than inner ones none is matched: that bounds the time.
    """
    found = np.full(len(inner), NONE, np.int64)
    if len(outer) > CLIENT_CALLS_PER_REQUEST_MAX * len(inner) + CLIENT_CALLS_MORE_MAX:
        return found
    begins, ends = outer.start_ns.tolist(), outer.end_ns.tolist()
    by_begin = np.argsort(outer.start_ns, kind="stable").tolist()
    inner_begins, inner_ends = inner.start_ns.tolist(), inner.end_ns.tolist()
    open_: list[tuple[int, int]] = []
    following = 0
    for row in np.argsort(inner.start_ns, kind="stable").tolist():
        while following < len(by_begin) and begins[by_begin[following]] <= inner_begins[row]:
            insort(open_, (ends[by_begin[following]], by_begin[following]))
            following += 1
        del open_[: bisect_left(open_, (inner_begins[row], NONE))]  # ended before: of no use
        at = bisect_left(open_, (inner_ends[row], NONE))
        if at < len(open_):
            found[row] = open_.pop(at)[1]
    return found
