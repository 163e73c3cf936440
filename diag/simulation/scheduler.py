"""The batch scheduler in simulated time: queues, and threads that take batches from them.

The caller brings the arrivals, by calling ``schedule``, and a process that serves each batch:

>>> clock = Clock()
>>> def serve(thread: int, taken: TakenBatch[str]) -> Process[None]:
...     names = [task.item for task in taken.batch.tasks]
...     print(f"thread {thread} takes {names} at {taken.taken_ns} ns: {taken.closed_by.value}")
...     yield clock.sleep(5_000_000)
>>> queue = QueueOptions(max_batch_size=2, batch_timeout_ns=2_000_000)
>>> scheduler = BatchScheduler[str](clock, [queue], threads=1, serve=serve)
>>> for at_ns, name in ((100, "a"), (200, "b"), (300, "c")):
...     clock.call_at(at_ns, lambda name=name: scheduler.schedule(0, name, rows=1))
>>> clock.run(until=1_000_000_000)
thread 0 takes ['a', 'b'] at 200 ns: size
thread 0 takes ['c'] at 5000200 ns: thread
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic

from simpy import Event

from diag.simulation.batch_queue import Batch, BatchQueue, Item, TakenBatch
from diag.simulation.clock import Clock, Process
from diag.simulation.options import POLL_PERIOD_NS, QueueOptions


class BatchScheduler(Generic[Item]):
    """SharedBatchScheduler: queues that share a pool of threads.

    A free thread takes the next batch round-robin, one batch of a queue and then on to the next
    queue. A thread that finds none waits for a signal, or looks again after one poll period.

    Args:
        clock: The simulated clock.
        queues: Options of each queue; ``schedule`` refers to a queue by its index.
        threads: num_batch_threads.
        serve: Process of one batch on one thread; the thread is busy until it ends.
        first_look_ns: By thread, the time of its first look at the queues; default: 0.
        wake_ns: Time from a signal to the thread's look at the queues.
        turn_ns: Time from the end of a batch to the thread's next look.

    Raises:
        ValueError: There is no thread, or ``first_look_ns`` is not one time per thread.

    Attributes:
        all_busy: Spans (start, end) in which every thread had a batch, ascending.
    """

    def __init__(
        self,
        clock: Clock,
        queues: Sequence[QueueOptions],
        threads: int,
        serve: Callable[[int, TakenBatch[Item]], Process[None]],
        *,
        first_look_ns: Sequence[int] = (),
        wake_ns: int = 0,
        turn_ns: int = 0,
    ) -> None:
        if threads < 1 or len(first_look_ns) not in (0, threads):
            raise ValueError(f"{threads} threads with {len(first_look_ns)} first looks")
        self.all_busy: list[tuple[int, int]] = []
        self._clock = clock
        self._queues = [BatchQueue[Item](i, options) for i, options in enumerate(queues)]
        self._threads = threads
        self._serve = serve
        self._wake_ns = wake_ns
        self._turn_ns = turn_ns
        self._next_queue = 0
        self._waiting: list[Event] = []
        self._busy_threads = 0
        self._all_busy_from_ns = 0
        for number, at_ns in enumerate(first_look_ns or [0] * threads):
            clock.start(self._run_thread(number), at_ns)

    def schedule(self, queue: int, item: Item, rows: int) -> tuple[Batch[Item], ...]:
        """Enqueue a task now; returns the batches that took its parts.

        Raises:
            QueueRefusesTaskError: The task is too large, or the queue is full.
        """
        now_ns = self._clock.now_ns
        batches = self._queues[queue].schedule(item, rows, now_ns)
        if self._queues[queue].raise_signal(now_ns) and self._waiting:
            signal = self._waiting.pop(0)
            self._clock.call_at(now_ns + self._wake_ns, lambda: _happen(signal))
        return batches

    def _run_thread(self, number: int) -> Process[None]:
        while True:
            taken = self._take()
            if taken is None:
                yield from self._wait()
                continue
            self._count(1)
            yield from self._serve(number, taken)
            self._count(-1)
            if self._turn_ns:
                yield self._clock.sleep(self._turn_ns)

    def _wait(self) -> Process[None]:
        """Until a signal, or for one poll period."""
        signal = self._clock.event()
        self._waiting.append(signal)
        self._clock.call_at(self._clock.now_ns + POLL_PERIOD_NS, lambda: _happen(signal))
        yield signal
        if signal in self._waiting:
            self._waiting.remove(signal)

    def _take(self) -> TakenBatch[Item] | None:
        """The next batch that can be taken, round-robin (GetNextWorkItem_Locked)."""
        last_all_busy_ns = self.all_busy[-1][1] if self.all_busy else 0
        for _ in self._queues:
            queue = self._queues[self._next_queue]
            self._next_queue = (self._next_queue + 1) % len(self._queues)
            taken = queue.take(self._clock.now_ns, last_all_busy_ns)
            if taken is not None:
                return taken
        return None

    def _count(self, change: int) -> None:
        """Note that a thread became busy or free."""
        now_ns = self._clock.now_ns
        if self._busy_threads == self._threads and self._all_busy_from_ns < now_ns:
            self.all_busy.append((self._all_busy_from_ns, now_ns))
        self._busy_threads += change
        if self._busy_threads == self._threads:
            self._all_busy_from_ns = now_ns


def _happen(signal: Event) -> None:
    """Make the event happen unless it has."""
    if not signal.triggered:
        signal.succeed()
