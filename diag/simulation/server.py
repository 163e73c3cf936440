"""A batching server in simulated time: a plain event loop over the rules of ``BatchQueue``.

It does what ``scheduler`` does, some ten times faster: no event is spent on the polls of an idle
thread, because the next poll that finds something is computed. Batches that run at once share the
machine: each runs at the speed ``1 / slowdown(k)`` while k of them run.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Protocol

from diag.model.intervals import NEVER_NS
from diag.simulation.batch_queue import Batch, BatchQueue, QueueRefusesTaskError, Task
from diag.simulation.clients import ClientDraws
from diag.simulation.handlers import Handlers
from diag.simulation.load import Arrivals, Clients
from diag.simulation.options import POLL_PERIOD_NS

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.simulation.load import Load
    from diag.simulation.options import ServerSettings


class ServiceTimes(Protocol):
    """How long batches take."""

    def work_ns(self, queue: int, padded_rows: int, now_ns: int, random: Random) -> float:
        """Time of a batch that starts now and runs alone, ns."""

    def slowdown(self, running: int) -> float:
        """By what factor each of so many batches takes longer than alone."""


@dataclass(slots=True)
class SimulatedRun:
    """What came of the requests and batches, in the order in which they ended.

    Attributes:
        start_ns: Begin of each answered request.
        end_ns: End of it.
        refused_ns: When each refused request was refused.
        batch_start_ns: When each batch was taken.
        batch_rows: Rows of each batch, before padding.
        batch_padded: Rows that it was executed with.
        work_ns: Time that each batch takes alone.
    """

    start_ns: list[int]
    end_ns: list[int]
    refused_ns: list[int]
    batch_start_ns: list[int]
    batch_rows: list[int]
    batch_padded: list[int]
    work_ns: list[float]


def simulate(
    settings: ServerSettings, service: ServiceTimes, load: Load, until_ns: int, random: Random
) -> SimulatedRun:
    """Run the server under a load.

    Args:
        settings: Its queues and threads.
        service: Times of batches.
        load: Requests or clients.
        until_ns: When to stop; requests that are open then are not in the result.
        random: Source of chance.
    """
    return _Simulation(settings, service, load, random).run(until_ns)


class _Request:
    """One open request."""

    __slots__ = ("after_ns", "parts", "start_ns")

    def __init__(self, start_ns: int, after_ns: int) -> None:
        self.start_ns, self.after_ns, self.parts = start_ns, after_ns, 0


class _Pool:
    """The idle threads of a pool, each by the time since which it polls, longest idle first."""

    __slots__ = ("idle_since", "next_queue", "queues")

    def __init__(self, queues: list[BatchQueue[_Request]], idle_since: list[int]) -> None:
        self.queues, self.idle_since, self.next_queue = queues, idle_since, 0


class _Simulation:
    def __init__(
        self, settings: ServerSettings, service: ServiceTimes, load: Load, random: Random
    ) -> None:
        self._settings, self._service, self._random = settings, service, random
        self._load = load
        self._clients = ClientDraws(load, random) if isinstance(load, Clients) else None
        self._queues = [
            None if each is None else BatchQueue[_Request](i, each)
            for i, each in enumerate(settings.queues)
        ]
        self._pools = [
            _Pool(
                [
                    queue
                    for queue, of in zip(self._queues, settings.pools, strict=True)
                    if queue is not None and of == index
                ],
                [random.randrange(-POLL_PERIOD_NS, 0) for _ in range(threads)],
            )
            for index, threads in enumerate(settings.threads)
        ]
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._sequence = 0
        self._now_ns = 0
        self._planned_ns = [NEVER_NS] * len(self._queues)
        # Running batches by the virtual time of their end; that time goes 1 / slowdown as fast.
        self._running: list[tuple[float, int, int, Batch[_Request]]] = []
        self._virtual_ns = 0.0
        self._slowdown = 1.0
        self._result = SimulatedRun([], [], [], [], [], [], [])
        self._handlers = Handlers(settings.handlers) if settings.handlers else None

    def run(self, until_ns: int) -> SimulatedRun:
        if isinstance(self._load, Arrivals):
            self._start_arrivals(self._load)
        elif self._clients is not None:
            for number in range(self._load.count):
                self._ask(self._clients, number * 1_000_000 // self._load.count)
        while True:
            at_ns = self._events[0][0] if self._events else NEVER_NS
            ends_ns = NEVER_NS
            if self._running:
                left_ns = max(0.0, self._running[0][0] - self._virtual_ns)
                ends_ns = self._now_ns + round(left_ns * self._slowdown)
            now_ns = min(at_ns, ends_ns)
            if now_ns >= min(until_ns, NEVER_NS):
                return self._result
            self._virtual_ns += (now_ns - self._now_ns) / self._slowdown
            self._now_ns = now_ns
            if ends_ns <= at_ns:
                self._end_batch()
            else:
                heapq.heappop(self._events)[2]()

    def _at(self, at_ns: int, action: Callable[[], None]) -> None:
        self._sequence += 1
        heapq.heappush(self._events, (at_ns, self._sequence, action))

    def _start_arrivals(self, arrivals: Arrivals) -> None:
        columns = zip(
            arrivals.start_ns.tolist(),
            arrivals.after_ns.tolist(),
            arrivals.before_ns.tolist(),
            arrivals.queue.tolist(),
            arrivals.rows.tolist(),
            strict=True,
        )
        for start_ns, after_ns, *rest in columns:
            self._come(_Request(start_ns, after_ns), *rest)

    def _ask(self, clients: ClientDraws, at_ns: int) -> None:
        """A client's next request."""
        before_ns, rows, queue = clients.request()
        self._come(_Request(at_ns, 0), before_ns, queue, rows)

    def _come(self, request: _Request, before_ns: int, queue: int, rows: int) -> None:
        """Put a request's enqueue among the events, or its begin where it may have to wait."""
        handlers = self._handlers

        def enqueue() -> None:
            self._enqueue(queue, rows, request)

        if handlers is None:
            self._at(request.start_ns + before_ns, enqueue)
        else:

            def begin() -> None:
                self._at(self._now_ns + before_ns, enqueue)

            self._at(request.start_ns, lambda: handlers.come(begin))

    def _enqueue(self, index: int, rows: int, request: _Request) -> None:
        queue = self._queues[index]
        if queue is None:
            request.parts = 1
            self._begin(index, rows, Batch(0, [Task(request, rows, self._now_ns)], rows=rows))
            return
        pool = self._pools[self._settings.pools[index]]
        try:
            request.parts = len(queue.schedule(request, rows, self._now_ns))
        except QueueRefusesTaskError:
            self._result.refused_ns.append(self._now_ns)
            if self._handlers is not None:
                self._handlers.leave()
            if self._clients is not None:
                ((_, think_ns),) = self._clients.answers(1)
                self._ask(self._clients, self._now_ns + think_ns)
            return
        if queue.raise_signal(self._now_ns) and pool.idle_since:
            pool.idle_since.pop(0)
            self._at(self._now_ns + self._settings.wake_ns, lambda: self._look(pool))
        elif self._planned_ns[index] == NEVER_NS:
            self._plan(pool, queue)

    def _look(self, pool: _Pool) -> None:
        """A thread that is not idle looks at the queues; with nothing to take it becomes idle."""
        if not self._take(pool):
            pool.idle_since.append(self._now_ns)
            for queue in pool.queues:
                self._plan(pool, queue)

    def _take(self, pool: _Pool) -> bool:
        """Start the next batch that can be taken, round-robin (GetNextWorkItem_Locked)."""
        for _ in pool.queues:
            queue = pool.queues[pool.next_queue]
            pool.next_queue = (pool.next_queue + 1) % len(pool.queues)
            taken = queue.take(self._now_ns)
            if taken is not None:
                self._begin(queue.index, taken.padded_rows, taken.batch)
                return True
        return False

    def _begin(self, index: int, padded_rows: int, batch: Batch[_Request]) -> None:
        """A batch begins to run."""
        work_ns = self._service.work_ns(index, padded_rows, self._now_ns, self._random)
        self._sequence += 1
        heapq.heappush(self._running, (self._virtual_ns + work_ns, self._sequence, index, batch))
        self._slowdown = self._service.slowdown(len(self._running))
        self._result.batch_start_ns.append(self._now_ns)
        self._result.batch_rows.append(batch.rows)
        self._result.batch_padded.append(padded_rows)
        self._result.work_ns.append(work_ns)

    def _end_batch(self) -> None:
        _, _, index, batch = heapq.heappop(self._running)
        self._slowdown = self._service.slowdown(max(1, len(self._running)))
        clients, tasks = self._clients, batch.tasks
        answers = None if clients is None else clients.answers(len(tasks))
        for number, task in enumerate(tasks):
            request = task.item
            request.parts -= 1
            if request.parts == 0:
                after_ns = request.after_ns
                if clients is not None and answers is not None:
                    after_ns, think_ns = answers[number]
                    self._ask(clients, max(self._now_ns, self._now_ns + after_ns + think_ns))
                if self._handlers is not None:
                    self._at(max(self._now_ns, self._now_ns + after_ns), self._handlers.leave)
                self._result.start_ns.append(request.start_ns)
                self._result.end_ns.append(self._now_ns + after_ns)
        if self._queues[index] is not None:
            pool = self._pools[self._settings.pools[index]]
            self._at(self._now_ns + self._settings.turn_ns, lambda: self._look(pool))

    def _plan(self, pool: _Pool, queue: BatchQueue[_Request]) -> None:
        """Put the first poll of an idle thread that finds a batch of the queue among the events."""
        takeable_ns = queue.takeable_ns
        if takeable_ns == NEVER_NS or not pool.idle_since:
            return
        earliest_ns = max(takeable_ns, self._now_ns + 1)
        at_ns = min(_poll_ns(since_ns, earliest_ns) for since_ns in pool.idle_since)
        if at_ns < self._planned_ns[queue.index]:
            self._planned_ns[queue.index] = at_ns
            self._at(at_ns, lambda: self._poll(pool, queue, at_ns))

    def _poll(self, pool: _Pool, queue: BatchQueue[_Request], planned_ns: int) -> None:
        if self._planned_ns[queue.index] != planned_ns:
            return
        self._planned_ns[queue.index] = NEVER_NS
        for position, since_ns in enumerate(pool.idle_since):
            if (self._now_ns - since_ns) % POLL_PERIOD_NS == 0:
                if self._take(pool):
                    pool.idle_since.pop(position)
                break
        for each in pool.queues:
            self._plan(pool, each)


def _poll_ns(since_ns: int, earliest_ns: int) -> int:
    """The first poll at or after a time, of a thread that polls since another."""
    polls = -(-(earliest_ns - since_ns) // POLL_PERIOD_NS)
    return since_ns + max(1, polls) * POLL_PERIOD_NS
