"""A dynamic batcher with the rules of TensorFlow's SharedBatchScheduler, for one queue.

tensorflow/core/kernels/batching_util/shared_batch_scheduler.h, TensorFlow 2.21: rows are appended
to the open batch; one that would overflow closes it and opens the next; a batch is taken when it is
closed, full, or ``batch_timeout_micros`` older than its first row; idle threads look again at least
every millisecond, which is also how a timeout is noticed. Around it stand the events of
tensorflow_serving/batching/batching_session.cc, tensorflow/serving 9d981c5c.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.gpu.annotate import ann, consumes_batch, name_this_thread, produces_batch
from tests.gpu.clocked_log import BatchLog, ClockedLog, RequestLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.model.capture import BatchingParameters

POLL_S = 0.001


class QueueFullError(Exception):
    """As TensorFlow's UNAVAILABLE."""


@dataclass(slots=True, eq=False)
class Task:
    """One request in the batcher.

    Attributes:
        inputs: Its rows, in whatever form the model merges.
        rows: How many.
        scores: The answer, once ``done``.
        error: Instead of it.
    """

    inputs: Any
    rows: int
    done: threading.Event = field(default_factory=threading.Event)
    scores: Any = None
    error: BaseException | None = None
    enqueue_unix_ns: int = 0
    batch: int = -1


@dataclass(slots=True, eq=False)
class Batch:
    """Tasks that run together."""

    number: int
    id: int
    tasks: list[Task] = field(default_factory=list)
    closed_unix_ns: int = 0

    @property
    def rows(self) -> int:
        """Rows of all tasks."""
        return sum(task.rows for task in self.tasks)


@dataclass(frozen=True, slots=True)
class RunTimes:
    """When a batch's run reached which edge; as in :class:`BatchLog`."""

    run_start_unix_ns: int
    launch_unix_ns: int
    copied_unix_ns: int
    launched_unix_ns: int
    ready_unix_ns: int


@dataclass(frozen=True, slots=True)
class Work:
    """What the batcher does with a batch.

    Attributes:
        merge: Makes one input of the tasks' inputs, padded to a number of rows.
        run: Computes on it: scores and the edges of the run.
        split: Cuts the scores of one task out: from a row, that many rows.
    """

    merge: Callable[[list[Any], int], Any]
    run: Callable[[Any], tuple[Any, RunTimes]]
    split: Callable[[Any, int, int], Any]


class DynamicBatcher:
    """One queue and its threads; ``run`` is called from the handlers' threads."""

    def __init__(self, parameters: BatchingParameters, work: Work, log: ClockedLog) -> None:
        self._max_rows = parameters.max_batch_size or 1000
        self._timeout_ns = (parameters.batch_timeout_micros or 0) * 1000
        self._max_batches = parameters.max_enqueued_batches or 10
        self._allowed = parameters.allowed_batch_sizes
        self._work, self._log = work, log
        # The queue's part of a batch id; the very first batch has id 0.
        self._high = (time.time_ns() & 0xFFFFFFFF) << 32
        self._batches: deque[Batch] = deque([Batch(0, 0)])
        self._changed = threading.Condition()
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._loop, daemon=True)
            for _ in range(parameters.num_batch_threads or 1)
        ]
        for thread in self._threads:
            thread.start()

    def run(self, inputs: Any, rows: int, arrival_unix_ns: int) -> Any:
        """Waits for the scores of these rows.

        Raises:
            QueueFullError: There is no room; nothing ever waits for some.
            Exception: Whatever the model raised.
        """
        task = Task(inputs, rows)
        start = time.time_ns()
        with ann("BatchingSessionRun", _r=1):
            with ann("ScheduleWithoutSplit", batching_input_task_size=rows):
                self._schedule(task)
            task.done.wait()
        if task.error is not None:
            raise task.error
        self._log.add_request(
            RequestLog(
                arrival_unix_ns, start, task.enqueue_unix_ns, time.time_ns(), rows, task.batch
            )
        )
        return task.scores

    def close(self) -> None:
        """Ends the threads once every batch is done."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _schedule(self, task: Task) -> None:
        with self._changed:
            batch = self._batches[-1]
            if batch.tasks and batch.rows + task.rows > self._max_rows:
                if len(self._batches) >= self._max_batches:
                    raise QueueFullError(f"currently {len(self._batches)} batches enqueued")
                batch = self._open_next(batch)
            with produces_batch("ScheduleOutputTask", size=task.rows, _p=batch.id):
                task.enqueue_unix_ns = time.time_ns()
                task.batch = batch.number
                batch.tasks.append(task)
            if batch.rows >= self._max_rows:
                batch.closed_unix_ns = batch.closed_unix_ns or task.enqueue_unix_ns
            if len(self._batches) > 1 or batch.closed_unix_ns:
                self._changed.notify()

    def _open_next(self, last: Batch) -> Batch:
        last.closed_unix_ns = last.closed_unix_ns or time.time_ns()
        number = last.number + 1
        self._batches.append(Batch(number, self._high + number))
        return self._batches[-1]

    def _take(self) -> Batch | None:
        first = self._batches[0]
        if len(self._batches) == 1:
            if not first.tasks:
                return None
            due_unix_ns = first.tasks[0].enqueue_unix_ns + self._timeout_ns
            if not (first.closed_unix_ns or self._stopping or time.time_ns() >= due_unix_ns):
                return None
            self._open_next(first)
        return self._batches.popleft()

    def _loop(self) -> None:
        name_this_thread("batch_threads_/")
        while True:
            with self._changed:
                while (batch := self._take()) is None:
                    if self._stopping:
                        return
                    self._changed.wait(POLL_S)
            try:
                self._process(batch)
            except Exception as error:
                for task in batch.tasks:
                    task.error = error
                    task.done.set()

    def _process(self, batch: Batch) -> None:
        taken = time.time_ns()
        rows = batch.rows
        padded = next((size for size in self._allowed if size >= rows), rows)
        with consumes_batch("ProcessBatch", batch_size_before_padding=rows, _c=batch.id):
            with ann(
                "MergeInputTensors", batch_size_after_padding=padded, padding_amount=padded - rows
            ):
                merged = self._work.merge([task.inputs for task in batch.tasks], padded)
            merged_at = time.time_ns()
            scores, times = self._work.run(merged)
            at = 0
            for task in batch.tasks:
                task.scores = self._work.split(scores, at, task.rows)
                at += task.rows
                task.done.set()
            # Freed by the callback, as merged tensors are: unmapping large ones takes its time.
            del merged, scores
            end = time.time_ns()
        self._log.add_batch(
            BatchLog(
                number=batch.number,
                id=str(batch.id),
                rows=rows,
                padded_rows=padded,
                first_enqueue_unix_ns=batch.tasks[0].enqueue_unix_ns,
                closed_unix_ns=min(batch.closed_unix_ns or taken, taken),
                taken_unix_ns=taken,
                merged_unix_ns=merged_at,
                run_start_unix_ns=times.run_start_unix_ns,
                launch_unix_ns=times.launch_unix_ns,
                copied_unix_ns=times.copied_unix_ns,
                launched_unix_ns=times.launched_unix_ns,
                ready_unix_ns=times.ready_unix_ns,
                end_unix_ns=end,
            )
        )
