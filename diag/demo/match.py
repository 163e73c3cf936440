"""Which recorded request is which request of the truth: by time, on one host's clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.demo.truth import RequestTruth

# The profiler's and Python's clock readings around one call are in order up to this: both read
# CLOCK_REALTIME, the profiler in nanoseconds, tf.timestamp() in whole microseconds.
ORDER_SLACK_NS = 50_000
# Python may be kept from running for so long before or after a session's call.
LATE_MAX_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """A recorded request, wall clock."""

    start_unix_ns: int
    end_unix_ns: int


def match_requests(spans: Sequence[Span], truths: Sequence[RequestTruth]) -> list[int]:
    """For each span the index of its truth, or -1; no truth is used twice.

    A request's span lies inside what Python saw of the call, and holds the graph's own times. Of
    the truths for which that is so the nearest is taken, the surest pairs first; a span left
    without one gets its best candidate if that one's owner can go elsewhere.

    Args:
        spans: Recorded requests, any order.
        truths: Any order; those that failed are passed over.
    """
    candidates = _candidates(spans, truths)
    owner: dict[int, int] = {}
    matched = [-1] * len(spans)
    pairs = [(far, i, truth) for i, near in enumerate(candidates) for far, truth in near]
    for _, index, truth in sorted(pairs):
        if matched[index] < 0 and truth not in owner:
            matched[index], owner[truth] = truth, index
    for index in range(len(spans)):
        if matched[index] < 0:
            _make_room(index, candidates, owner, matched, set())
    return matched


def _candidates(
    spans: Sequence[Span], truths: Sequence[RequestTruth]
) -> list[list[tuple[int, int]]]:
    """For each span its possible truths as (distance in ns, index), nearest first."""
    order = sorted(range(len(truths)), key=lambda i: truths[i].run_start_unix_ns)
    candidates: list[list[tuple[int, int]]] = [[] for _ in spans]
    first = 0
    for index in sorted(range(len(spans)), key=lambda i: spans[i].start_unix_ns):
        span = spans[index]
        earliest = span.start_unix_ns - LATE_MAX_NS
        while first < len(order) and truths[order[first]].run_start_unix_ns < earliest:
            first += 1
        for position in order[first:]:
            truth = truths[position]
            if truth.run_start_unix_ns > span.start_unix_ns + ORDER_SLACK_NS:
                break
            if _fits(span, truth):
                candidates[index].append((_distance_ns(span, truth), position))
        candidates[index].sort()
    return candidates


def _make_room(
    index: int,
    candidates: list[list[tuple[int, int]]],
    owner: dict[int, int],
    matched: list[int],
    tried: set[int],
) -> bool:
    """Finds a truth for a span, moving others to their next one where need be."""
    for _, truth in candidates[index]:
        if truth in tried:
            continue
        tried.add(truth)
        if truth not in owner or _make_room(owner[truth], candidates, owner, matched, tried):
            matched[index], owner[truth] = truth, index
            return True
    return False


def _distance_ns(span: Span, truth: RequestTruth) -> int:
    """How much of what Python saw lies outside the span."""
    before = abs(span.start_unix_ns - truth.run_start_unix_ns)
    after = abs(truth.run_end_unix_ns - span.end_unix_ns)
    return before + after


def _fits(span: Span, truth: RequestTruth) -> bool:
    if truth.status != "OK":
        return False
    return (
        span.start_unix_ns <= truth.request_unix_ns + ORDER_SLACK_NS
        and truth.done_unix_ns <= span.end_unix_ns + ORDER_SLACK_NS
        and span.end_unix_ns <= truth.run_end_unix_ns + ORDER_SLACK_NS
        and truth.run_end_unix_ns - span.end_unix_ns <= LATE_MAX_NS
    )
