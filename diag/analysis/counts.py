"""How much was recorded, and how much of it is left out."""

from __future__ import annotations

import numpy as np

from diag.analysis.execution.device_lines import count_recorded
from diag.analysis.requests.attribution import AttributedRequests
from diag.analysis.result import Counts
from diag.model.availability import Unavailable
from diag.model.events import Plane


def count(
    hidden: Unavailable | None, planes: tuple[Plane, ...], attributed: AttributedRequests
) -> Counts:
    """Count requests, batches and losses.

    Args:
        hidden: Why the trace hides requests, or None. Their number is then Unavailable, not 0.
        planes: All of the capture.
        attributed: Requests, batches and tasks.
    """
    requests, failures = attributed.table, attributed.failures
    batches, tasks = attributed.linked.batches, attributed.linked.tasks
    enqueued = np.zeros(len(batches), np.int64)
    linked = tasks.batch >= 0
    np.add.at(enqueued, tasks.batch[linked], np.maximum(tasks.size[linked], 0))
    missing = np.where(batches.rows >= 0, np.maximum(batches.rows - enqueued, 0), 0)
    cut_off = np.stack((tasks.kind[~linked], tasks.id[~linked]), axis=1)
    return Counts(
        requests=hidden or len(requests),
        complete=hidden or int(requests.complete.sum()),
        censored=attributed.censored,
        refused=failures.refused,
        failed_in_batch=failures.with_batch,
        batches=len(batches),
        censored_batches=len(np.unique(cut_off, axis=0)),
        ambiguous_links=int(tasks.is_ambiguous.sum()),
        split_requests=int((np.diff(requests.batch_offsets) > 1).sum()),
        batch_rows_missing=int(missing.sum()),
        events=sum(map(count_recorded, planes)),
    )
