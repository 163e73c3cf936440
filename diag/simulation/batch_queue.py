"""One batch queue, driven event by event; the caller says what time it is."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from diag.model.intervals import NEVER_NS
from diag.model.serving import CloseReason
from diag.simulation.options import QueueOptions
from diag.simulation.rules import (
    expiry_ns,
    find_refusal,
    has_room,
    is_full,
    padded_rows,
    split_rows,
)

Item = TypeVar("Item")


class QueueRefusesTaskError(Exception):
    """The queue does not take a task.

    Attributes:
        status: gRPC's name: ``INVALID_ARGUMENT`` or ``UNAVAILABLE``.
    """

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


@dataclass(slots=True)  # frozen ones take twice as long to make, and simulations make millions
class Task(Generic[Item]):
    """A request, or the part of one that goes into one batch."""

    item: Item
    rows: int
    enqueued_ns: int


@dataclass(slots=True, eq=False)
class Batch(Generic[Item]):
    """Tasks that run together.

    Attributes:
        number: Order in which the queue opened it, from 0.
        tasks: In the order in which they were enqueued; empty for the newest batch of a queue that
            waits for its first task.
        closed_ns: When it was full, or when a task came that did not fit; NEVER_NS if neither
            happened.
    """

    number: int
    tasks: list[Task[Item]] = field(default_factory=list)
    closed_ns: int = NEVER_NS
    rows: int = 0

    @property
    def first_ns(self) -> int:
        """Enqueue of its first task; NEVER_NS if it has none."""
        return self.tasks[0].enqueued_ns if self.tasks else NEVER_NS


@dataclass(frozen=True, slots=True)
class TakenBatch(Generic[Item]):
    """A batch that a thread has taken.

    Attributes:
        queue: Index of its queue.
        batch: The tasks.
        padded_rows: Rows that it is executed with.
        ready_ns: First time at which a thread could take it.
        taken_ns: Time at which a thread took it.
        closed_by: Why it stopped accepting rows.
    """

    queue: int
    batch: Batch[Item]
    padded_rows: int
    ready_ns: int
    taken_ns: int
    closed_by: CloseReason


class BatchQueue(Generic[Item]):
    """A deque of batches: the last one is open, the others are closed and wait for a thread.

    Args:
        index: Number of the queue, for ``TakenBatch.queue``.
        options: Its parameters.

    Raises:
        ValueError: The options allow no rows in a batch.
    """

    def __init__(self, index: int, options: QueueOptions) -> None:
        if options.full_rows < 1:
            raise ValueError(f"a batch must hold at least 1 row, not {options.full_rows}")
        self.index = index
        self.options = options
        self._full_rows, self._max_rows = options.full_rows, options.max_batch_size
        self._timeout_ns = options.batch_timeout_ns
        self._batches: deque[Batch[Item]] = deque([Batch(0)])
        self._is_signalled = False

    @property
    def enqueued_batches(self) -> int:
        """Batches in the queue, the open one included even if it is empty."""
        return len(self._batches)

    @property
    def takeable_ns(self) -> int:
        """When a thread that looks can take a batch, by what is enqueued now.

        0 where one is closed or full, else the expiry of the open batch; NEVER_NS if it is empty.
        """
        open_batch = self._batches[-1]
        if len(self._batches) > 1 or is_full(open_batch.rows, self._full_rows):
            return 0
        if not open_batch.tasks:
            return NEVER_NS
        return expiry_ns(open_batch.first_ns, self._timeout_ns)

    def schedule(self, item: Item, rows: int, now_ns: int) -> tuple[Batch[Item], ...]:
        """Enqueue a task.

        Args:
            item: The caller's object; the parts of a task that is cut share it.
            rows: Rows of the task, at least 1.
            now_ns: The time; calls must be in the order of time.

        Returns:
            The batches that took the task's parts, in order.

        Raises:
            QueueRefusesTaskError: The task is too large, or the queue is full.
        """
        open_rows = self._batches[-1].rows
        if rows <= self._max_rows and has_room(open_rows, rows, self._full_rows):
            return (self._append(Task(item, rows, now_ns)),)
        status = find_refusal(rows, open_rows, len(self._batches), self.options)
        if status is not None:
            raise QueueRefusesTaskError(status)
        parts = split_rows(rows, open_rows, self.options)
        return tuple(self._append(Task(item, part, now_ns)) for part in parts)

    def raise_signal(self, now_ns: int) -> bool:
        """Signal one waiting thread at the end of ``schedule`` if necessary; returns whether it is.

        It is if a thread can take a batch and no signal is pending. A signal stays pending until a
        thread looks at the queue and finds nothing.
        """
        if self._is_signalled or not (len(self._batches) > 1 or self._is_open_ready(now_ns)):
            return False
        self._is_signalled = True
        return True

    def take(self, now_ns: int, last_all_busy_ns: int = 0) -> TakenBatch[Item] | None:
        """Give a thread the oldest batch that it can take; None if there is none.

        Args:
            now_ns: The time.
            last_all_busy_ns: End of the last interval in which all threads of the pool were busy.
        """
        if len(self._batches) == 1 and self._is_open_ready(now_ns):
            self._open_next()
        if len(self._batches) == 1:
            self._is_signalled = False
            return None
        batch, timeout_ns = self._batches.popleft(), self._timeout_ns
        due_ns = expiry_ns(batch.first_ns, timeout_ns)
        ready_ns = min(batch.closed_ns, due_ns)
        if batch.closed_ns <= due_ns:
            closed_by = CloseReason.SIZE
        elif timeout_ns == 0 or last_all_busy_ns > ready_ns:
            closed_by = CloseReason.THREAD
        else:
            closed_by = CloseReason.TIMEOUT
        padded = padded_rows(batch.rows, self.options.allowed_batch_sizes)
        return TakenBatch(self.index, batch, padded, ready_ns, now_ns, closed_by)

    def _append(self, task: Task[Item]) -> Batch[Item]:
        if not has_room(self._batches[-1].rows, task.rows, self._full_rows):
            self._batches[-1].closed_ns = min(self._batches[-1].closed_ns, task.enqueued_ns)
            self._open_next()
        batch = self._batches[-1]
        batch.tasks.append(task)
        batch.rows += task.rows
        if is_full(batch.rows, self._full_rows):
            batch.closed_ns = task.enqueued_ns
        return batch

    def _open_next(self) -> None:
        self._batches.append(Batch(self._batches[-1].number + 1))

    def _is_open_ready(self, now_ns: int) -> bool:
        batch = self._batches[-1]
        if not batch.tasks:
            return False
        due_ns = expiry_ns(batch.first_ns, self._timeout_ns)
        return is_full(batch.rows, self._full_rows) or now_ns >= due_ns
