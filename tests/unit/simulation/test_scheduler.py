from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from diag.simulation.batch_queue import TakenBatch
from diag.simulation.clock import Clock, Process
from diag.simulation.options import POLL_PERIOD_NS, QueueOptions
from diag.simulation.scheduler import BatchScheduler

MS = 1_000_000
PAIRS = QueueOptions(max_batch_size=2, batch_timeout_ns=5 * MS)


@dataclass
class Run:
    """A scheduler with one service time, and what its threads took."""

    queues: list[QueueOptions]
    threads: int = 1
    service_ns: int = 10 * MS
    first_look_ns: tuple[int, ...] = ()
    wake_ns: int = 0
    turn_ns: int = 0
    clock: Clock = field(default_factory=Clock)
    taken: list[tuple[str, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scheduler = BatchScheduler[str](
            self.clock,
            self.queues,
            self.threads,
            self._serve,
            first_look_ns=self.first_look_ns,
            wake_ns=self.wake_ns,
            turn_ns=self.turn_ns,
        )

    def arrive(self, *tasks: tuple[int, str], queue: int = 0) -> Run:
        """Let single rows arrive."""
        for at_ns, name in tasks:
            self.clock.call_at(at_ns, lambda name=name: self._schedule(queue, name))
        return self

    def until(self, end_ns: int) -> list[tuple[str, int, int]]:
        """Names, thread and time of every batch that was taken."""
        self.clock.run(until=end_ns)
        return self.taken

    def _schedule(self, queue: int, name: str) -> None:
        self.scheduler.schedule(queue, name, rows=1)

    def _serve(self, thread: int, taken: TakenBatch[str]) -> Process[None]:
        names = "".join(task.item for task in taken.batch.tasks)
        self.taken.append((names, thread, taken.taken_ns))
        yield self.clock.sleep(self.service_ns)


def test_an_expired_batch_is_taken_by_the_next_poll() -> None:
    run = Run([PAIRS], first_look_ns=(300_000,)).arrive((1 * MS, "a"))
    assert run.until(20 * MS) == [("a", 0, 6 * MS + 300_000)]


def test_a_batch_that_fills_wakes_the_thread_that_waited_longest() -> None:
    run = Run([PAIRS], threads=2, first_look_ns=(400_000, 0), wake_ns=15_000)
    run.arrive((3 * MS + 100_000, "a"), (3 * MS + 200_000, "b"))
    # Thread 0 looked at 2.4 ms, thread 1 at 3.0 ms.
    assert run.until(10 * MS) == [("ab", 0, 3 * MS + 215_000)]


def test_without_a_timeout_a_free_thread_is_woken_by_the_first_task() -> None:
    run = Run([QueueOptions(8, 0)], wake_ns=15_000).arrive((1 * MS + 500_000, "a"))
    assert run.until(4 * MS) == [("a", 0, 1 * MS + 515_000)]


def test_a_task_after_the_timeout_wakes_a_thread_before_its_poll() -> None:
    run = Run([QueueOptions(3, 5 * MS)], first_look_ns=(900_000,))
    run.arrive((500_000, "a"), (5 * MS + 600_000, "b"))
    assert run.until(10 * MS) == [("ab", 0, 5 * MS + 600_000)]


def test_batches_wait_while_all_threads_are_busy() -> None:
    run = Run([QueueOptions(1)], turn_ns=1_000)
    assert run.arrive((0, "a"), (1 * MS, "b")).until(30 * MS) == [
        ("a", 0, 0),
        ("b", 0, 10 * MS + 1_000),
    ]
    assert run.scheduler.all_busy == [(0, 10 * MS), (10 * MS + 1_000, 20 * MS + 1_000)]


def test_batches_grow_while_threads_are_busy_and_there_is_no_timeout() -> None:
    run = Run([QueueOptions(8, 0)]).arrive((0, "a"), (1 * MS, "b"), (2 * MS, "c"))
    assert [names for names, _, _ in run.until(30 * MS)] == ["a", "bc"]


def test_a_thread_serves_the_queues_in_turn() -> None:
    run = Run([QueueOptions(1), QueueOptions(1)], first_look_ns=(1 * MS,))
    run.arrive((0, "a"), (0, "b"), (0, "c")).arrive((500_000, "x"), (600_000, "y"), queue=1)
    assert [names for names, _, _ in run.until(60 * MS)] == ["a", "x", "b", "y", "c"]


def test_an_idle_thread_looks_once_a_poll_period() -> None:
    run = Run([QueueOptions(8, 1)], first_look_ns=(200_000,)).arrive((300_000, "a"))
    assert run.until(5 * MS) == [("a", 0, 200_000 + POLL_PERIOD_NS)]


@pytest.mark.parametrize(("threads", "first_look_ns"), [(0, ()), (2, (5,))])
def test_a_scheduler_needs_threads_and_a_first_look_for_each(
    threads: int, first_look_ns: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="threads"):
        Run([QueueOptions()], threads=threads, first_look_ns=first_look_ns)
