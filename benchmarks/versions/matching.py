"""Which request of a trace is which call of the client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.model.events import Int64s

# The event of a request lies within its call. Alignment by one pair is off by what that pair's
# client took to enter the call: 0.02 to 0.5 ms in these recordings on two busy cores.
SLACK_NS = 1_000_000
# Every call is tried as the counterpart of this many requests; one of them is enough.
ALIGNING_REQUESTS = 5


@dataclass(frozen=True, slots=True)
class Matching:
    """Requests paired with calls.

    Attributes:
        request: Rows of paired requests.
        call: Rows of the calls they are paired with.
        shift_ns: Add it to the trace's time to get the client's.
    """

    request: Int64s
    call: Int64s
    shift_ns: int


def match(requests: Int64s, calls: Int64s) -> Matching:
    """Pair each request with a call that it lies in.

    A trace of an old release does not say its wall clock, so the shift between both clocks is the
    one that pairs most requests.

    Args:
        requests: (n, 2): begin and end on the trace's clock, ns, in the order of begin.
        calls: (m, 2): begin and end on the client's clock, ns, in the order of begin.
    """
    none = Matching(np.zeros(0, np.int64), np.zeros(0, np.int64), 0)
    if not len(requests) or not len(calls):
        return none
    middle = len(requests) // 2
    tried = requests[max(0, middle - ALIGNING_REQUESTS // 2) :][:ALIGNING_REQUESTS, 0]
    shifts = (calls[:, 0][None, :] - tried[:, None]).ravel()
    found = [_pairs(requests, calls, int(shift)) for shift in shifts]
    best = max(found, key=lambda each: (len(each.request), -_distance_ns(requests, calls, each)))
    # The client's time around a request is as long before as after it, as far as one can know.
    edges = requests[best.request] + best.shift_ns - calls[best.call]
    centred = best.shift_ns - int(np.median(edges.mean(axis=1)))
    return _pairs(requests, calls, centred)


def _pairs(requests: Int64s, calls: Int64s, shift_ns: int) -> Matching:
    """Of the calls that hold a request, the one with the nearest edges that is not taken yet."""
    taken = np.zeros(len(calls), bool)
    rows: list[tuple[int, int]] = []
    for row, (start, end) in enumerate((requests + shift_ns).tolist()):
        holds = (calls[:, 0] <= start + SLACK_NS) & (calls[:, 1] >= end - SLACK_NS) & ~taken
        if holds.any():
            distance = np.abs(calls - (start, end)).sum(axis=1)
            nearest = int(np.where(holds, distance, np.iinfo(np.int64).max).argmin())
            taken[nearest] = True
            rows.append((row, nearest))
    pairs = np.array(rows, np.int64).reshape(-1, 2)
    return Matching(pairs[:, 0], pairs[:, 1], shift_ns)


def _distance_ns(requests: Int64s, calls: Int64s, pairs: Matching) -> int:
    """How far apart the edges of all pairs are."""
    both = requests[pairs.request] + pairs.shift_ns - calls[pairs.call]
    return int(np.abs(both).sum())


def inside(calls: Int64s, window: Sequence[int]) -> Int64s:
    """Rows of the calls that lie wholly inside the window of the client's clock."""
    return np.flatnonzero((calls[:, 0] >= window[0]) & (calls[:, 1] <= window[1]))
