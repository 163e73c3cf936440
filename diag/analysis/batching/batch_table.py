"""The batch table, from what was found of each batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diag.analysis.batching.batches import Batches
from diag.analysis.batching.queue_keys import queue_name
from diag.analysis.batching.queues import QueueState
from diag.model.events import Int64s
from diag.model.intervals import NEVER_NS
from diag.model.serving import BatchTable, Queue, RequestTable


def tabulate(
    batches: Batches, queues: QueueState, requests: RequestTable, preprocess_ns: Int64s
) -> tuple[BatchTable, RequestTable]:
    """Build the table, ordered by start, and the request table with ``batch_index`` into it."""
    n = len(batches)
    of_batch = queues.keys.of_batch
    owner = requests.batch_owner
    model = np.full(n, -1, np.int64)
    model[requests.batch_index] = requests.model_index[owner]
    # A request that goes through several queues bears the name of one of them.
    index = {name: i for i, name in enumerate(requests.models)}
    model_of_queue = np.array([index.get(queue_name(k), -1) for k in queues.keys.label], np.int64)
    model = np.where(model_of_queue[of_batch] >= 0, model_of_queue[of_batch], model)
    np.maximum.at(model_of_queue, of_batch, model)
    first, ready = queues.arrivals.first_ns[:n], queues.readiness.ready_ns[:n]
    tasks = np.bincount(queues.arrivals.group, minlength=n)[:n]

    order = order_of_rows(batches)
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    table = BatchTable(
        id=batches.id.view(np.uint64)[order],
        queue_index=of_batch[order].astype(np.int32),
        model_index=np.where(model >= 0, model, model_of_queue[of_batch])[order].astype(np.int32),
        start_ns=batches.start_ns[order],
        end_ns=batches.end_ns[order],
        run_start_ns=batches.run_start_ns[order],
        run_end_ns=batches.run_end_ns[order],
        rows=batches.rows[order],
        padded_rows=batches.padded_rows[order],
        tasks=tasks[order].astype(np.int64),
        first_enqueue_ns=np.where(first < NEVER_NS, first, -1)[order],
        preprocess_ns=preprocess_ns[order],
        ready_ns=np.where(queues.readiness.is_known[:n], ready, -1)[order],
        close_reason_index=queues.readiness.reason_index[:n][order].astype(np.int32),
        is_failed=batches.is_failed[order],
        queues=tuple(
            Queue(
                key=label,
                model_index=int(model_of_queue[q]),
                max_batch_size=queues.max_rows[q],
                batch_timeout_ns=queues.timeout[q],
                num_batch_threads=queues.pools[queues.pool_of_queue[q]].threads,
                contradictions=queues.contradictions[q],
                is_function=bool(queues.keys.is_function[q]),
            )
            for q, label in enumerate(queues.keys.label)
        ),
    )
    linked = replace(requests, batch_index=rank[requests.batch_index].astype(np.int32))
    return table, linked


def order_of_rows(batches: Batches) -> Int64s:
    """(n,) position in ``Batches`` of each row of the batch table."""
    return np.lexsort((batches.end_ns, batches.start_ns))
