"""What a shorter wait in a queue brings beyond the wait itself, and what keeps it from counting.

A batch that waits less holds fewer rows and runs for less time. A request that is in batches of
several queues at once goes on when the last of them ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from diag.analysis.result import Analysis
    from diag.model.events import Int64s
    from diag.model.finding import Setting


def most_saved_ns(analysis: Analysis, setting: Setting) -> NDArray[np.float64]:
    """(complete requests,) how much earlier a request can end before another queue decides.

    That is from the end of its last batch in another queue, which was open at the same time, to the
    end of its last batch in the queues of the setting; infinite where no other queue has one.
    """
    mine = _last_batches(analysis, setting, is_mine=True)
    others = _last_batches(analysis, setting, is_mine=False)
    batches = analysis.batches
    both = (mine >= 0) & (others >= 0)
    if not both.any():
        return np.full(len(mine), np.inf)
    both &= batches.first_enqueue_ns[others] < batches.end_ns[mine]
    earlier = np.maximum(batches.end_ns[mine] - batches.end_ns[others], 0)
    return np.where(both, earlier, np.inf)


def most_run_saved_ns(analysis: Analysis, setting: Setting) -> NDArray[np.float64]:
    """(complete requests,) how much less a batch can take that holds the request alone.

    A row costs at most the upper bound of the fitted line, and the time of a batch shrinks at most
    as its rows do. 0 where the rows or the line are not known.
    """
    batches, requests = analysis.batches, analysis.requests
    batch = _last_batches(analysis, setting, is_mine=True)
    rows = requests.rows[requests.complete]
    known = (batch >= 0) & (rows > 0)
    executed = np.where(batches.padded_rows > 0, batches.padded_rows, batches.rows)
    of_row = np.zeros(len(batches.queues), np.float64)
    for summary in analysis.queues:
        most = summary.line.row_most_ns
        if not isinstance(most, Unavailable):
            of_row[batches.queues.index(summary.queue)] = most
    saved = np.zeros(len(batch), np.float64)
    b = batch[known]
    alone = _padded(rows[known], executed, is_padded=bool((executed > batches.rows).any()))
    fewer = np.maximum(executed[b] - alone, 0)
    run_ns = batches.run_end_ns[b] - batches.run_start_ns[b]
    in_proportion = run_ns * fewer / np.maximum(executed[b], 1)
    saved[known] = np.minimum(of_row[batches.queue_index[b]] * fewer, in_proportion)
    return saved


def _padded(rows: Int64s, executed: Int64s, *, is_padded: bool) -> Int64s:
    """The smallest recorded size that holds them, where batches are padded."""
    sizes = np.unique(executed[executed > 0])
    if not is_padded or not len(sizes):
        return rows
    return sizes[np.minimum(np.searchsorted(sizes, rows), len(sizes) - 1)]


def _last_batches(analysis: Analysis, setting: Setting, *, is_mine: bool) -> Int64s:
    """(complete requests,) the batch of each that ends last, in the setting's queues or in others.

    -1 where it has none. A setting without a scope is that of all queues.
    """
    requests, batches = analysis.requests, analysis.batches
    owner = requests.batch_owner
    batch = requests.batch_index.astype(np.int64)
    chosen = np.full(len(batch), is_mine)
    if setting.scope:
        in_scope = batches.model_index[batch] == requests.models.index(setting.scope)
        chosen = in_scope == is_mine
    owner, batch = owner[chosen], batch[chosen]
    order = np.argsort(batches.end_ns[batch], kind="stable")
    last = np.full(len(requests), -1, np.int64)
    last[owner[order]] = batch[order]
    return last[requests.complete]
