"""The fast event loop and the SimPy scheduler do the same."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from diag.simulation.batch_queue import QueueRefusesTaskError
from diag.simulation.clock import Clock
from diag.simulation.load import Arrivals
from diag.simulation.options import QueueOptions, ServerSettings
from diag.simulation.scheduler import BatchScheduler
from diag.simulation.server import simulate

if TYPE_CHECKING:
    from diag.simulation.batch_queue import TakenBatch
    from diag.simulation.clock import Process

MS = 1_000_000


class ByRows:
    def work_ns(self, queue: int, padded_rows: int, now_ns: int, random: Random) -> float:
        return 3 * MS + 500_003 * padded_rows

    def slowdown(self, running: int) -> float:
        return 1.0


@settings(deadline=None, max_examples=60)
@given(
    gaps_us=st.lists(st.integers(1, 9000), min_size=1, max_size=60),
    rows=st.integers(1, 3),
    size=st.integers(3, 8),
    threads=st.integers(1, 3),
    limit=st.integers(1, 5),
)
def test_without_a_timeout_both_take_the_same_batches(
    gaps_us: list[int], rows: int, size: int, threads: int, limit: int
) -> None:
    queue = QueueOptions(size, 0, limit)
    at_ns = np.cumsum(gaps_us).astype(np.int64) * 1000 + 7
    service, until_ns = ByRows(), 10_000 * MS
    clock, taken, refused = Clock(), list[int](), list[int]()

    def serve(thread: int, batch: TakenBatch[int]) -> Process[None]:
        taken.append(batch.batch.rows)
        yield clock.sleep(round(service.work_ns(0, batch.padded_rows, 0, Random(0))))

    scheduler = BatchScheduler[int](clock, [queue], threads, serve)

    def arrive(item: int) -> None:
        try:
            scheduler.schedule(0, item, rows)
        except QueueRefusesTaskError:
            refused.append(item)

    for item, at in enumerate(at_ns.tolist()):
        clock.call_at(at, lambda item=item: arrive(item))
    clock.run(until=until_ns)

    nothing = np.zeros(len(at_ns), np.int64)
    load = Arrivals(at_ns, nothing, nothing, nothing + rows, nothing)
    run = simulate(ServerSettings((queue,), (0,), (threads,)), service, load, until_ns, Random(0))
    assert len(run.end_ns) + len(run.refused_ns) == len(at_ns)
    assert sum(run.batch_rows) == rows * len(run.end_ns)
    # Polls of idle threads have other phases, which can move a batch only while one is signalled.
    if threads == 1:
        assert (run.batch_rows, len(run.refused_ns)) == (taken, len(refused))
