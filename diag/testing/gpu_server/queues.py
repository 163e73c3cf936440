"""The simulated batcher's queues, by the rules of shared_batch_scheduler.h (TensorFlow 2.21)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from diag.testing.gpu_server.clockwork import Signal

if TYPE_CHECKING:
    from diag.testing.gpu_server.plan import Batching
    from diag.testing.gpu_server.truth import RequestTruth


@dataclass
class Task:
    """A request's row in a batch."""

    request: RequestTruth
    enqueued_ns: int
    done: Signal = field(default_factory=Signal)
    # Of an in-graph batcher: the id that its ProcessAsync::Start handed over.
    link: int = 0


@dataclass
class Batch:
    """Tasks on their way; ``full_ns`` is -1 as long as there is room."""

    id: int
    first_ns: int
    tasks: list[Task] = field(default_factory=list)
    full_ns: int = -1

    def ready_ns(self, timeout_ns: int) -> int:
        """When a thread could take it."""
        expiry = self.first_ns + timeout_ns
        return expiry if self.full_ns < 0 else min(expiry, self.full_ns)


class Queue:
    """Batches of one model: the open one takes tasks until it is full or taken."""

    def __init__(self, index: int, batching: Batching) -> None:
        self.index = index
        self.batching = batching
        self._key = (0xA0000000 + index * 0x01000000) << 32
        self._opened = 0
        self._batches: deque[Batch] = deque()

    def put(self, task: Task) -> tuple[Batch, bool]:
        """The batch the task went into, and whether that made it full."""
        if not self._batches or self._batches[-1].full_ns >= 0:
            # The first batch of every queue has id 0.
            batch_id = self._key + self._opened if self._opened else 0
            self._opened += 1
            self._batches.append(Batch(batch_id, task.enqueued_ns))
        batch = self._batches[-1]
        batch.tasks.append(task)
        if len(batch.tasks) >= self.batching.max_batch_size:
            batch.full_ns = task.enqueued_ns
            return batch, True
        return batch, False

    def take(self, now_ns: int) -> Batch | None:
        """The oldest batch, if it is ready."""
        if self._batches and self._batches[0].ready_ns(self.batching.timeout_ns) <= now_ns:
            return self._batches.popleft()
        return None

    @property
    def oldest_ns(self) -> int:
        """When the batch that is next was opened; 0 if there is none."""
        return self._batches[0].first_ns if self._batches else 0

    def padded(self, rows: int) -> int:
        """Rows as executed."""
        return next((size for size in self.batching.allowed_batch_sizes if size >= rows), rows)
