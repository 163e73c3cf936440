"""Whose work each device event is, and when each task waited in a queue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.batching.batch_table import order_of_rows
from diag.analysis.execution.execution import Execution
from diag.analysis.requests.attribution import AttributedRequests
from diag.model.events import Int32s, Int64s, Plane


@dataclass(frozen=True, slots=True, eq=False)
class DeviceOwners:
    """The work of one GPU plane, by the batch or request that it was done for.

    Attributes:
        plane: The GPU plane.
        row: (n,) row of the plane's events; kernels, copies and memsets only.
        batch: (n,) row of the batch table, -1 for work outside of recorded batches.
        request: (n,) row of the request table that ran by itself, without a batch; else -1.
    """

    plane: Plane
    row: Int32s
    batch: Int64s
    request: Int64s


@dataclass(frozen=True, slots=True, eq=False)
class QueueWaits:
    """Tasks in batching queues, of the batches that were recorded whole.

    Attributes:
        queue_index: (n,) into ``BatchTable.queues``.
        enqueued_ns: (n,) ns since the capture's origin.
        taken_ns: (n,) a batch thread took the batch; not before ``enqueued_ns``.
    """

    queue_index: Int64s
    enqueued_ns: Int64s
    taken_ns: Int64s


def device_owners(execution: Execution, requests: AttributedRequests) -> tuple[DeviceOwners, ...]:
    """One entry for each GPU plane with work."""
    batches, steps = requests.linked.batches, len(requests.linked.steps)
    batch_of_step = np.full(steps + 1, -1, np.int64)  # the last place is that of no step
    request_of_step = np.full(steps + 1, -1, np.int64)
    position = np.empty(len(batches), np.int64)
    position[order_of_rows(batches)] = np.arange(len(batches))
    batch_of_step[batches.run_step] = position[batches.run_batch]
    alone = np.flatnonzero(requests.sources.step >= 0)
    request_of_step[requests.sources.step[alone]] = alone
    return tuple(
        DeviceOwners(
            plane=device.plane,
            row=device.events.row,
            batch=batch_of_step[device.events.step],
            request=request_of_step[device.events.step],
        )
        for device in execution.device.devices
    )


def queue_waits(requests: AttributedRequests) -> QueueWaits:
    """Of every task whose batch is known."""
    linked = requests.linked
    tasks, batches = linked.tasks, linked.batches
    known = np.flatnonzero(tasks.batch >= 0)
    batch = tasks.batch[known]
    enqueued_ns = tasks.enqueue_ns[known]
    return QueueWaits(
        queue_index=linked.queues.keys.of_batch[batch],
        enqueued_ns=enqueued_ns,
        taken_ns=np.maximum(enqueued_ns, batches.start_ns[batch]),
    )
