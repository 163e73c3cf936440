"""The event-driven scheduler and the rules on columns agree on random arrivals."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from diag.analysis.intervals.sets import at_least, covered_between
from diag.model.forever import FOREVER_NS
from diag.model.serving import CLOSE_REASONS
from diag.simulation.batch_queue import Batch, QueueRefusesTaskError, TakenBatch
from diag.simulation.clock import Clock, Process
from diag.simulation.columns import (
    close_reason_index,
    filled_ns,
    is_closed_by_size,
    overflow_ns,
    ready_ns,
)
from diag.simulation.options import QueueOptions
from diag.simulation.scheduler import BatchScheduler

US = 1_000
END_NS = 1_000_000_000


@st.composite
def queue_options(draw: st.DrawFn) -> QueueOptions:
    """A queue with small limits, so that all of them are met."""
    full = draw(st.integers(1, 6))
    is_split = draw(st.booleans())
    return QueueOptions(
        max_batch_size=full * draw(st.integers(1, 3)) if is_split else full,
        batch_timeout_ns=min(
            draw(st.sampled_from([0, 1, 300, 1_000, 2_500, FOREVER_NS])) * US, FOREVER_NS
        ),
        max_enqueued_batches=draw(st.integers(1, 5)),
        allowed_batch_sizes=draw(st.sampled_from([(), (2, full), (4, 2, full)])),
        enable_large_batch_splitting=is_split,
        max_execution_batch_size=full if is_split else 0,
    )


@dataclass(frozen=True)
class Load:
    """Options, and tasks as (queue, gap before it, rows, service time)."""

    queues: list[QueueOptions]
    threads: int
    tasks: list[tuple[int, int, int, int]]
    first_look_ns: list[int]


@st.composite
def loads(draw: st.DrawFn) -> Load:
    """A few queues and a burst of tasks at distinct times."""
    queues = draw(st.lists(queue_options(), min_size=1, max_size=3))
    threads = draw(st.integers(1, 3))
    task = st.tuples(
        st.integers(0, len(queues) - 1),
        st.integers(1, 1_500).map(lambda us: us * US),
        st.integers(1, 8),
        st.integers(1, 4_000).map(lambda us: us * US),
    )
    # Off the grid of arrivals, so that no thread looks at the instant of an enqueue.
    looks = st.integers(0, 999).map(lambda us: us * US + 37)
    return Load(
        queues,
        threads,
        draw(st.lists(task, min_size=1, max_size=40)),
        draw(st.lists(looks, min_size=threads, max_size=threads)),
    )


@dataclass
class Recorded:
    """What a run of the scheduler leaves behind, as a trace would have it.

    Attributes:
        load: What was run.
        opened: Every batch that has a task, with its queue, by its queue and number.
        taken: The batches that a thread took.
        ended_ns: End of each of them.
        refused: Tasks that a queue refused.
    """

    load: Load
    opened: dict[tuple[int, int], Batch[int]] = field(default_factory=dict)
    taken: list[TakenBatch[int]] = field(default_factory=list)
    ended_ns: list[int] = field(default_factory=list)
    refused: int = 0

    def run(self) -> Recorded:
        """Let all tasks arrive and all batches end."""
        clock = Clock()

        def serve(_: int, taken: TakenBatch[int]) -> Process[None]:
            number = len(self.taken)
            self.taken.append(taken)
            self.ended_ns.append(0)
            yield clock.sleep(max(task.item for task in taken.batch.tasks))
            self.ended_ns[number] = clock.now_ns

        scheduler = BatchScheduler[int](
            clock,
            self.load.queues,
            self.load.threads,
            serve,
            first_look_ns=self.load.first_look_ns,
        )

        def arrive(queue: int, rows: int, service_ns: int) -> None:
            try:
                batches = scheduler.schedule(queue, service_ns, rows)
            except QueueRefusesTaskError:
                self.refused += 1
            else:
                self.opened.update({(queue, batch.number): batch for batch in batches})

        at_ns = 0
        for queue, gap_ns, rows, service_ns in self.load.tasks:
            at_ns += gap_ns
            clock.call_at(at_ns, lambda q=queue, r=rows, s=service_ns: arrive(q, r, s))
        clock.run(until=END_NS)
        return self

    def left(self) -> list[tuple[int, Batch[int]]]:
        """The batches that no thread took, with their queues. A trace has their enqueues."""
        taken = {(each.queue, each.batch.number) for each in self.taken}
        return [(key[0], batch) for key, batch in self.opened.items() if key not in taken]


# The last task does not fit into the first batch. Its own batch never fills, and nobody takes it.
NEVER_TAKEN = Load(
    queues=[QueueOptions(4, FOREVER_NS, 2)],
    threads=1,
    tasks=[(0, 1_000, 1, 1_000), (0, 1_000, 2, 1_000), (0, 1_000, 2, 1_000)],
    first_look_ns=[3_037],
)


@example(NEVER_TAKEN)
@given(loads())
def test_both_forms_agree_on_when_and_why_each_batch_could_be_taken(load: Load) -> None:
    run = Recorded(load).run()
    left, count = run.left(), len(run.taken)
    batches = [(each.queue, each.batch) for each in run.taken] + left
    group = [g for g, (_, batch) in enumerate(batches) for _ in batch.tasks]
    tasks = [task for _, batch in batches for task in batch.tasks]
    queue = np.array([queue for queue, _ in batches], np.int64)
    first = np.array([batch.first_ns for _, batch in batches], np.int64)
    taken = np.array([each.taken_ns for each in run.taken] + [END_NS] * len(left), np.int64)
    timeout = np.array([load.queues[q].batch_timeout_ns for q in queue], np.int64)
    filled = filled_ns(
        np.array(group, np.int64),
        np.array([task.enqueued_ns for task in tasks], np.int64),
        np.array([task.rows for task in tasks], np.int64),
        np.array([load.queues[q].full_rows for q in queue], np.int64),
    )
    number = np.array([batch.number for _, batch in batches], np.int64)
    closed = np.minimum(filled, overflow_ns(queue, number, first))
    ready = ready_ns(closed, first, timeout, taken)
    assert ready[:count].tolist() == [each.ready_ns for each in run.taken]

    busy = at_least(taken[:count], np.array(run.ended_ns, np.int64), load.threads)
    reason = close_reason_index(
        is_closed_by_size(closed, first, timeout, taken),
        np.ones(len(batches), np.bool_),
        timeout,
        covered_between(busy, ready, taken) > 0,
    )
    assert [CLOSE_REASONS[i] for i in reason[:count]] == [each.closed_by for each in run.taken]


@given(loads())
def test_every_task_is_served_once_or_refused_and_no_limit_is_exceeded(load: Load) -> None:
    run = Recorded(load).run()
    served = sum(task.rows for each in run.taken for task in each.batch.tasks)
    arrived = sum(rows for _, _, rows, _ in load.tasks)
    if any(options.batch_timeout_ns == FOREVER_NS for options in load.queues):
        assert served <= arrived  # what never fills a batch stays in the queue
    else:
        assert served == arrived if run.refused == 0 else served < arrived
    for each in run.taken:
        options = load.queues[each.queue]
        assert 1 <= each.batch.rows <= options.full_rows
        assert each.batch.rows <= each.padded_rows
        assert each.batch.first_ns <= each.ready_ns <= each.taken_ns
