"""Tasks of ids that several queues share go to the batches whose rows they make up."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diag.analysis.batching.batches import Batches, Tasks, find_batches, find_tasks
from diag.analysis.batching.shared_ids import link_shared_ids
from diag.analysis.execution.execution import find_execution
from diag.formats.trace.event_names import CONTEXT_BATCH_SCHEDULER
from tests.unit.analysis.traces import capture_of


def of_one_id(
    taken_ns: list[int], rows: list[int], enqueue_ns: list[int], size: list[int]
) -> tuple[Tasks, Batches]:
    """Batches of id 0, and tasks for them."""
    execution = find_execution(capture_of("line b\n ProcessBatch 0..1us _c=0").planes)
    batches = find_batches(execution.events, execution.steps)
    tasks = find_tasks(execution.events, batches)
    n, m = len(taken_ns), len(enqueue_ns)
    return (
        replace(
            tasks,
            row=np.arange(m),
            enqueue_ns=np.array(enqueue_ns, np.int64),
            size=np.array(size, np.int64),
            id=np.zeros(m, np.int64),
            kind=np.full(m, CONTEXT_BATCH_SCHEDULER),
            batch=np.full(m, -1, np.int64),
            is_split=np.zeros(m, np.bool_),
            is_ambiguous=np.zeros(m, np.bool_),
        ),
        replace(
            batches,
            row=np.arange(n),
            id=np.zeros(n, np.int64),
            kind=np.full(n, CONTEXT_BATCH_SCHEDULER),
            start_ns=np.array(taken_ns, np.int64),
            rows=np.array(rows, np.int64),
        ),
    )


def linked(tasks: Tasks, batches: Batches) -> list[tuple[int, bool]]:
    found = link_shared_ids(tasks, batches)
    return list(zip(found.batch.tolist(), found.is_ambiguous.tolist(), strict=True))


@pytest.mark.parametrize(
    ("taken", "rows", "enqueued", "expected"),
    [
        ([10, 20], [1, 2], [5, 12, 15], [(0, False), (1, False), (1, False)]),
        ([10, 20], [2, 3], [5, 12, 15], [(1, False)] * 3),  # the first fits none
        ([10, 20], [2, 2], [5, 12, 15], [(-1, True)] * 3),
        ([10, 20], [1, 9], [5, 12, 25], [(0, False), (-1, True), (-1, False)]),
        ([20], [3], [5, 12], [(0, False)] * 2),  # others came before the window
        ([20], [1], [5, 12], [(-1, True)] * 2),
        ([20], [-1], [5, 12], [(0, False)] * 2),
    ],
)
def test_a_batch_takes_the_tasks_before_it_that_make_up_its_rows(
    taken: list[int], rows: list[int], enqueued: list[int], expected: list[tuple[int, bool]]
) -> None:
    assert linked(*of_one_id(taken, rows, enqueued, [1] * len(enqueued))) == expected


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(-1, 6)), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 30), st.integers(-1, 4)), max_size=8),
)
def test_it_is_the_same_as_one_batch_after_the_other(
    taken: list[tuple[int, int]], enqueued: list[tuple[int, int]]
) -> None:
    pending = list(range(len(enqueued)))
    expected = [(-1, False)] * len(enqueued)
    for b in sorted(range(len(taken)), key=lambda b: taken[b][0]):
        before = [t for t in pending if enqueued[t][0] <= taken[b][0]]
        total, rows = sum(max(0, enqueued[t][1]) for t in before), taken[b][1]
        fits = rows < 0 or total == rows or (len(taken) == 1 and total < rows)
        for t in before:
            expected[t] = (b, False) if fits else (-1, True)
        pending = [t for t in pending if not (fits and t in before)]
    args = [list(column) for column in zip(*taken, strict=True)]
    args += [list(column) for column in zip(*enqueued, strict=True)] or [[], []]
    assert linked(*of_one_id(*args)) == expected


def test_many_batches_that_fit_no_task_take_no_long_time() -> None:
    tasks, batches = of_one_id(
        list(range(3_000_000, 3_001_500)),
        [7] * 1_500,
        list(range(3_000_000)),
        [1] * 3_000_000,
    )
    began = time.process_time()
    assert link_shared_ids(tasks, batches).is_ambiguous.all()
    assert time.process_time() - began < 5.0  # 15 s and more if every batch looks at every task
