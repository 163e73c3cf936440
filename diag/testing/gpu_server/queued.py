"""A request in the batcher's queue, and the trace ids of batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simpy import Event

    from diag.simulation.batch_queue import Batch
    from diag.testing.gpu_server.truth import RequestTruth


@dataclass(frozen=True, slots=True, eq=False)
class QueuedRequest:
    """A request of one row in a batch queue.

    Attributes:
        request: What the simulation records about it.
        enqueued_ns: Its enqueue.
        done: Happens when its part of the batch's output is there.
        link: With an in-graph batcher, the id that ``ProcessAsync::Start`` handed over; else 0.
    """

    request: RequestTruth
    enqueued_ns: int
    done: Event
    link: int = 0


def batch_id(queue: int, batch: Batch[QueuedRequest]) -> int:
    """The id that ties a batch's events together.

    The high half is the queue's, the low half counts batches, and the first batch of every queue
    has id 0 (traceme_context_id_counter_, shared_batch_scheduler.h, TensorFlow 2.21).
    """
    high = (0xA0000000 + queue * 0x01000000) << 32
    return high + batch.number if batch.number else 0
