from __future__ import annotations

from random import Random

import numpy as np
import pytest

from diag.simulation.load import Arrivals, Clients
from diag.simulation.options import QueueOptions, ServerSettings
from diag.simulation.server import SimulatedRun, simulate

MS = 1_000_000


class Fixed:
    """Every batch takes the same time, or the more the more others run."""

    def __init__(self, time_ns: int = 10 * MS, mutual: float = 0.0) -> None:
        self.time_ns, self.mutual = time_ns, mutual

    def work_ns(self, queue: int, padded_rows: int, now_ns: int, random: Random) -> float:
        return self.time_ns

    def slowdown(self, running: int) -> float:
        return 1 + self.mutual * (running - 1)


def arrivals(
    *start_ms: float, rows: int = 1, before_ms: float = 0, after_ms: float = 0
) -> Arrivals:
    n = len(start_ms)
    return Arrivals(
        start_ns=(np.array(start_ms) * MS).astype(np.int64),
        before_ns=np.full(n, round(before_ms * MS)),
        after_ns=np.full(n, round(after_ms * MS)),
        rows=np.full(n, rows),
        queue=np.zeros(n, np.int64),
    )


def served(
    load: Arrivals | Clients,
    queue: QueueOptions,
    *,
    threads: int = 1,
    service: Fixed | None = None,
    until_ms: int = 1000,
    handlers: int = 0,
) -> SimulatedRun:
    settings = ServerSettings((queue,), (0,), (threads,), handlers=handlers)
    return simulate(settings, service or Fixed(), load, until_ms * MS, Random(1))


def latencies_ms(run: SimulatedRun) -> list[float]:
    return [(end - start) / MS for start, end in zip(run.start_ns, run.end_ns, strict=True)]


def test_without_a_timeout_requests_gather_only_while_the_thread_is_busy() -> None:
    run = served(arrivals(0, 1, 2), QueueOptions(max_batch_size=8))
    assert (run.batch_rows, latencies_ms(run)) == ([1, 2], [10, 19, 18])


def test_a_full_batch_does_not_wait_for_its_timeout() -> None:
    run = served(arrivals(0, 1), QueueOptions(max_batch_size=2, batch_timeout_ns=50 * MS))
    assert latencies_ms(run) == [11, 10]


def test_an_expired_timeout_is_noticed_by_a_poll() -> None:
    run = served(arrivals(0), QueueOptions(max_batch_size=2, batch_timeout_ns=5 * MS))
    assert 15 <= latencies_ms(run)[0] <= 16


def test_time_before_the_queue_and_after_the_batch_belongs_to_the_request() -> None:
    run = served(arrivals(0, before_ms=2, after_ms=3), QueueOptions(max_batch_size=8))
    assert latencies_ms(run) == [15]


def test_batches_that_run_at_once_slow_each_other_down() -> None:
    queue = QueueOptions(max_batch_size=1)
    run = served(arrivals(0, 0), queue, threads=2, service=Fixed(mutual=0.5))
    assert sum(latencies_ms(run)) == pytest.approx(30, abs=1.1)  # one is found by a poll
    # The second one runs alone for the last 5 ms of its work.
    run = served(arrivals(0, 7.5), queue, threads=2, service=Fixed(mutual=1.0))
    assert latencies_ms(run) == pytest.approx([12.5, 12.5], abs=1.1)


def test_a_full_queue_refuses_and_a_cut_task_waits_for_all_its_parts() -> None:
    one = QueueOptions(max_batch_size=1, max_enqueued_batches=1)
    run = served(arrivals(0, 1, 2, 3), one)
    assert (len(run.refused_ns), len(run.end_ns)) == (2, 2)
    split = QueueOptions(8, enable_large_batch_splitting=True, max_execution_batch_size=4)
    run = served(arrivals(0, rows=8), split)
    assert (run.batch_rows, latencies_ms(run)) == ([4, 4], [20])


def test_clients_send_the_next_request_after_the_answer() -> None:
    load = Clients(4, arrivals(0), np.array([0]), np.array([0]), np.array([0]))
    run = served(load, QueueOptions(max_batch_size=4), until_ms=1000)
    assert 380 <= len(run.end_ns) <= 400  # batches of four, one each 10 ms


def test_the_clients_of_a_batch_ask_again_as_those_of_a_recorded_one_did() -> None:
    # Recorded: two batches of two; after the second, both clients took 50 ms longer.
    kinds = arrivals(0)
    think = np.array([1, 2, 51, 52]) * MS
    load = Clients(2, kinds, np.zeros(4, np.int64), think, np.array([0, 2]))
    run = served(load, QueueOptions(max_batch_size=2, batch_timeout_ns=5 * MS), until_ms=5000)
    assert set(run.batch_rows) == {2}
    gaps = {round(gap / MS) for gap in np.diff(run.batch_start_ns).tolist()}
    assert gaps == {12, 62}


def test_without_a_queue_every_request_runs_at_once() -> None:
    settings = ServerSettings((None,), (0,), (1,))
    run = simulate(settings, Fixed(mutual=1.0), arrivals(0, 5), 1000 * MS, Random(1))
    # Alone for 5 ms, then half as fast each.
    assert run.batch_rows == [1, 1]
    assert latencies_ms(run) == pytest.approx([15, 15])


def test_requests_beyond_the_handlers_wait_for_an_answer_to_leave() -> None:
    load = arrivals(0, 1, 2, before_ms=2, after_ms=3)
    full = QueueOptions(max_batch_size=1, max_enqueued_batches=10)
    # Each holds a handler for 2 + 10 + 3 ms, and the second and third wait for it.
    for handlers, expected in ((1, [15, 29, 43]), (2, [15, 15, 28]), (3, [15, 15, 15])):
        run = served(load, full, threads=4, handlers=handlers)
        assert latencies_ms(run) == pytest.approx(expected, abs=1)  # an idle thread polls


def test_a_refused_request_leaves_its_handler() -> None:
    one = QueueOptions(max_batch_size=1, max_enqueued_batches=1)
    run = served(arrivals(0, 1, 2, 3), one, handlers=3)
    # Two are open, the third is refused and leaves its handler to the fourth.
    assert (run.refused_ns, len(run.end_ns)) == ([2 * MS, 3 * MS], 2)


def test_clients_beyond_the_handlers_share_them() -> None:
    load = Clients(4, arrivals(0), np.array([0]), np.array([0]), np.array([0]))
    queue = QueueOptions(max_batch_size=4)
    run = served(load, queue, threads=4, handlers=2)
    assert len(run.end_ns) == pytest.approx(200, abs=4)  # two at once, each 10 ms
    assert float(np.mean(latencies_ms(run)[4:])) == pytest.approx(20, abs=1)


def test_a_run_ends_in_time_even_under_overload() -> None:
    run = served(arrivals(*range(500)), QueueOptions(max_batch_size=1), until_ms=100)
    assert len(run.end_ns) in (9, 10)
