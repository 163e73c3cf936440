"""Whether the number of requests that are open at a time has a fixed upper end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diag.findings import thresholds
from diag.findings.batching import largest_queues
from diag.model.availability import Unavailable
from diag.model.serving import CloseReason, Parameter, Stage

if TYPE_CHECKING:
    from diag.analysis.result import Analysis, BatchSummary
    from diag.findings.inputs import RuleInputs
    from diag.model.events import Bools, Int64s


class OpenLimit(NamedTuple):
    """Requests of one queue that are open at a time.

    Attributes:
        summary: The queue.
        requests: The most that were ever open.
        rows: The most rows that were.
        share: Of the time, in which exactly that many requests were open.
        batch_rows: Rows of a batch, median.
        fill_share: Of the time that all requests wait for a batch to fill, the part of these.
    """

    summary: BatchSummary
    requests: int
    rows: int
    share: float
    batch_rows: int
    fill_share: float


def find_open_limit(inputs: RuleInputs) -> OpenLimit | None:
    """The queue whose batches cannot fill, because the open requests never exceed a constant.

    With clients that wait for an answer before they send the next request, or with as many handler
    threads as requests, the constant is reached most of the time: 55 to 76 % on live servers with
    8, 32 and 48 such clients. Where requests arrive independently of answers, the largest number is
    reached for less than 2 % (the recordings of tests/recordings/README.md and sample_traces).
    Only where most batches end by their timeout, and the rows open are too few to fill one.
    """
    analysis = inputs.analysis
    largest = largest_queues(analysis)
    found = (_limit_of(analysis, summary) for summary in largest)
    limits = [each for each in found if each is not None]
    return max(limits, key=lambda each: each.fill_share, default=None)


def is_capped(inputs: RuleInputs) -> bool:
    """Whether waits for batches to fill are told as such by ``batch-capped-by-concurrency``."""
    if inputs.shares.by_stage[Stage.QUEUE_FILL] < thresholds.STAGE_MIN_SHARE:
        return False
    limit = find_open_limit(inputs)
    return limit is not None and limit.fill_share >= thresholds.HELD_MIN_SHARE


def _limit_of(analysis: Analysis, summary: BatchSummary) -> OpenLimit | None:
    batches, requests = analysis.batches, analysis.requests
    size = summary.queue.max_batch_size
    known = summary.batches - summary.closed_by.get(CloseReason.UNKNOWN, 0)
    timed_out = summary.closed_by.get(CloseReason.TIMEOUT, 0)
    if not isinstance(size, Parameter) or timed_out < thresholds.FULL_MIN_SHARE * max(1, known):
        return None
    mine = batches.of_queue(summary.queue)
    if float(batches.tasks[mine].mean()) < thresholds.OPEN_LIMIT_MIN_TASKS:
        return None
    chosen = _requests_of(analysis, mine)
    if int(chosen.sum()) < thresholds.FEW_REQUESTS:
        return None
    start, end = requests.start_ns[chosen], requests.end_ns[chosen]
    most = share_at_most(start, end, np.ones(len(start), np.int64))
    rows = share_at_most(start, end, np.maximum(requests.rows[chosen], 1))
    if isinstance(most, Unavailable) or isinstance(rows, Unavailable):
        return None
    if most.number < thresholds.OPEN_LIMIT_MIN or most.share < thresholds.OPEN_LIMIT_MIN_SHARE:
        return None
    if rows.number >= size.value:
        return None
    batch_rows = int(np.median(batches.rows[mine]))
    fill_ns = requests.stage_ns[:, Stage.QUEUE_FILL.index]
    fill_share = float(fill_ns[chosen].sum()) / max(1, int(fill_ns.sum()))
    return OpenLimit(summary, most.number, rows.number, most.share, batch_rows, fill_share)


def _requests_of(analysis: Analysis, batches: Bools) -> Bools:
    """(requests,) whether their first batch is one of these."""
    requests = analysis.requests
    linked = np.diff(requests.batch_offsets) > 0
    chosen = linked.copy()
    chosen[linked] = batches[requests.batch_index[requests.batch_offsets[:-1][linked]]]
    return np.asarray(chosen, np.bool_)


class Most(NamedTuple):
    """The largest number that was open, and for which share of the time."""

    number: int
    share: float


def share_at_most(start: Int64s, end: Int64s, weight: Int64s) -> Most | Unavailable:
    """The largest sum of open weights, and how long it holds.

    Requests that an edge of the window cut are no rows of the table, so that too few seem to be
    open near the edges: as long as the longest request takes is left out at both.

    Args:
        start: (n,) begin of each request, ns.
        end: (n,) half-open end, ns.
        weight: (n,) what counts of it.
    """
    time = np.concatenate((start, end))
    step = np.concatenate((weight, -weight))
    order = np.lexsort((step, time))  # at one time, ends before begins
    time, level = time[order], np.cumsum(step[order])
    longest = int((end - start).max())
    first, last = int(time[0]) + longest, int(time[-1]) - longest
    if last - first < longest:
        return Unavailable("the window is too short for how long requests take")
    held = np.minimum(time[1:], last) - np.maximum(time[:-1], first)
    held, level = np.maximum(held, 0), level[:-1]
    most = int(level[held > 0].max())
    return Most(most, float(held[level == most].sum()) / (last - first))
