"""Requests whose rows go into several batches, and how long the last of these waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diag.findings import thresholds

if TYPE_CHECKING:
    from diag.analysis.result import BatchSummary
    from diag.findings.inputs import RuleInputs


class Splitting(NamedTuple):
    """What splitting costs.

    Attributes:
        summary: The queue with most of these requests.
        requests: Complete requests that were split.
        share: Of all complete requests.
        batches_mean: Batches of a split request.
        rows: Rows of a split request, median; -1 where the trace does not show them.
        delay_ns: From the start of a request's first batch to that of its last one, as a mean over
            all complete requests.
        delay_share: The same as a ratio of request time.
    """

    summary: BatchSummary
    requests: int
    share: float
    batches_mean: float
    rows: int
    delay_ns: float
    delay_share: float


def find_splitting(inputs: RuleInputs) -> Splitting | None:
    """None unless the parts of requests wait for each other for ``STAGE_MIN_SHARE`` of their time.

    The parts of a request are enqueued together (``Schedule`` with splitting,
    shared_batch_scheduler.h, TensorFlow 2.21). Batches of one queue that were enqueued after
    another of them ended are calls one after the other, not parts.
    """
    analysis = inputs.analysis
    requests, batches = analysis.requests, analysis.batches
    counts = np.diff(requests.batch_offsets)
    split = np.flatnonzero(requests.complete & (counts > 1))
    if not len(split):
        return None
    begins = requests.batch_offsets[:-1][split]
    owner = np.repeat(np.arange(len(split)), counts[split])
    inside = np.arange(int(counts[split].sum())) - np.repeat(
        np.cumsum(counts[split]) - counts[split], counts[split]
    )
    batch = requests.batch_index[np.repeat(begins, counts[split]) + inside]
    at = np.cumsum(counts[split]) - counts[split]
    queue = batches.queue_index[batch]
    start, end = batches.start_ns[batch], batches.end_ns[batch]
    together = np.maximum.reduceat(batches.first_enqueue_ns[batch], at) <= np.minimum.reduceat(
        end, at
    )
    one_queue = np.maximum.reduceat(queue, at) == np.minimum.reduceat(queue, at)
    delay_ns = np.maximum.reduceat(start, at) - np.minimum.reduceat(start, at)
    parts = together & one_queue
    if not parts.any():
        return None
    total_ns = int(requests.duration_ns[requests.complete].sum())
    share = float(delay_ns[parts].sum()) / max(1, total_ns)
    if share < thresholds.STAGE_MIN_SHARE:
        return None
    index = int(np.bincount(queue[parts[owner]]).argmax())
    summary = next(s for s in analysis.queues if batches.queues.index(s.queue) == index)
    complete = int(requests.complete.sum())
    return Splitting(
        summary=summary,
        requests=int(parts.sum()),
        share=float(parts.sum()) / complete,
        batches_mean=float(counts[split][parts].mean()),
        rows=int(np.median(requests.rows[split][parts])),
        delay_ns=float(delay_ns[parts].sum()) / complete,
        delay_share=share,
    )
