"""How far the clients' clock is from the server's, by the rule that a call contains its request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.clients.containment import NONE, Spans, match_inside
from diag.analysis.thresholds import (
    CLIENT_CLOCK_BIN_NS,
    CLIENT_CLOCK_MAX_NS,
    CLIENT_CLOCK_PAIRS,
    CLIENT_CLOCK_REQUESTS,
    CLIENT_FIT_MIN_RATIO,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.model.events import Int64s

_PEAKS = 5
_STEP_NS = 10_000
_AFTER_ENDS_NS = (0, 50_000, 100_000, 200_000, 400_000, 800_000, 1_600_000, 3_200_000)


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """What to add to the clients' times to get the server's.

    Attributes:
        low_ns: With less, requests would end after the answer reached the client.
        high_ns: With more, requests would begin before the client sent them.
        fits: Ratio of the requests, of those looked at, that lie inside calls of their own.
    """

    low_ns: int
    high_ns: int
    fits: float

    @property
    def ns(self) -> int:
        """0 where the clocks may agree, as those of one machine do; else the middle."""
        if self.low_ns <= 0 <= self.high_ns:
            return 0
        return (self.low_ns + self.high_ns) // 2

    @property
    def error_ns(self) -> int:
        """How far from ``ns`` it can be."""
        return max(self.high_ns - self.ns, self.ns - self.low_ns)


def find_offset(requests: Spans, calls: Spans) -> ClockOffset:
    """The offsets with which (nearly) as many requests lie inside calls as with any.

    Candidates are 0 and the offsets with which most ends of requests and of calls meet: what comes
    after the handler takes less, and varies less, than what comes before it. Of those with which
    as many requests fit, the one where most ends meet is taken, then the one nearest to 0.

    Args:
        requests: Of the trace, at least one, ns on any axis.
        calls: Of clients, at least one, ns on the same axis if the clocks agree.
    """
    looked_at = _middle(requests)
    first_ns, last_ns = int(looked_at.start_ns.min()), int(looked_at.end_ns.max())

    def fitting(offset_ns: int) -> float:
        near = calls.between(first_ns - offset_ns, last_ns - offset_ns)
        matched = match_inside(looked_at, calls.taken(near).moved(offset_ns))
        return float(np.count_nonzero(matched != NONE)) / len(looked_at)

    candidates = _candidates(looked_at.end_ns, calls.end_ns)
    scores = [(fitting(ns), meeting, ns) for ns, meeting in candidates]
    most = max(score for score, _, _ in scores)
    good = [each for each in scores if each[0] >= most * CLIENT_FIT_MIN_RATIO]
    meeting = max(each[1] for each in good)
    best = min((each for each in good if each[1] >= 0.9 * meeting), key=lambda each: abs(each[2]))
    enough = best[0] * CLIENT_FIT_MIN_RATIO

    def is_good(offset_ns: int) -> bool:
        return fitting(offset_ns) >= enough

    return ClockOffset(_edge(best[2], -1, is_good), _edge(best[2], 1, is_good), best[0])


def _middle(requests: Spans) -> Spans:
    """At most so many that follow each other, which is enough for the clock."""
    order = np.argsort(requests.end_ns, kind="stable")
    skipped = max(0, len(order) - CLIENT_CLOCK_REQUESTS) // 2
    return requests.taken(order[skipped : skipped + CLIENT_CLOCK_REQUESTS])


def _candidates(request_ends: Int64s, call_ends: Int64s) -> list[tuple[int, int]]:
    """Offsets to try, and how many ends meet near each."""
    bins = 2 * CLIENT_CLOCK_MAX_NS // CLIENT_CLOCK_BIN_NS
    histogram = np.zeros(bins + 1, np.int64)
    sorted_ends = np.sort(call_ends)
    pairs = 0
    for end_ns in request_ends.tolist():
        low, high = np.searchsorted(
            sorted_ends, (end_ns - CLIENT_CLOCK_MAX_NS, end_ns + CLIENT_CLOCK_MAX_NS)
        )
        offsets = end_ns - sorted_ends[low:high] + CLIENT_CLOCK_MAX_NS
        histogram += np.bincount(offsets // CLIENT_CLOCK_BIN_NS, minlength=bins + 1)[: bins + 1]
        pairs += len(offsets)
        if pairs > CLIENT_CLOCK_PAIRS:
            break
    meeting = np.convolve(histogram, np.ones(3, np.int64), "same")
    tried = [(0, int(meeting[CLIENT_CLOCK_MAX_NS // CLIENT_CLOCK_BIN_NS]))]
    for _ in range(_PEAKS):
        at = int(meeting.argmax())
        ns, count = at * CLIENT_CLOCK_BIN_NS - CLIENT_CLOCK_MAX_NS, int(meeting[at])
        tried += [(ns + after, count) for after in _AFTER_ENDS_NS]
        meeting[max(0, at - 1) : at + 2] = 0
    return tried


def _edge(start_ns: int, sign: int, is_good: Callable[[int], bool]) -> int:
    """The farthest offset in a direction up to which all that were tried are good."""
    good, step = start_ns, _STEP_NS
    while step < CLIENT_CLOCK_MAX_NS and is_good(start_ns + sign * step):
        good, step = start_ns + sign * step, step * 2
    bad = start_ns + sign * step
    while abs(bad - good) > _STEP_NS:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if is_good(middle) else (good, middle)
    return good
