"""Match recorded requests with requests of the truth by their times on one host's clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.demo.truth import RequestTruth

# Readings of the profiler and of Python around one call may be out of order by this much: both read
# CLOCK_REALTIME, the profiler in nanoseconds, tf.timestamp() in whole microseconds.
ORDER_SLACK_NS = 50_000
# Longest delay of Python before or after a session's call.
LATE_MAX_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """A recorded request by the wall clock, in ns since the Unix epoch."""

    start_unix_ns: int
    end_unix_ns: int


def match_requests(spans: Sequence[Span], truths: Sequence[RequestTruth]) -> list[int]:
    """For each span the index of its truth, or -1; no truth is used twice.

    A truth fits a span if the span lies inside Python's times around the call and contains the
    times taken in the graph. The nearest pairs are matched first. A span left without a match takes
    its best candidate if the owner of that one can move to another.

    Args:
        spans: Recorded requests in any order.
        truths: Truths in any order; failed requests are ignored.
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
            _reassign(index, candidates, owner, matched, set())
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


def _reassign(
    index: int,
    candidates: list[list[tuple[int, int]]],
    owner: dict[int, int],
    matched: list[int],
    tried: set[int],
) -> bool:
    """Find a truth for a span, moving other spans to their next candidate if necessary."""
    for _, truth in candidates[index]:
        if truth in tried:
            continue
        tried.add(truth)
        if truth not in owner or _reassign(owner[truth], candidates, owner, matched, tried):
            matched[index], owner[truth] = truth, index
            return True
    return False


def _distance_ns(span: Span, truth: RequestTruth) -> int:
    """How much of the time by Python lies outside the span."""
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
