from __future__ import annotations

import numpy as np

from diag.model.intervals import NEVER_NS
from diag.model.serving import CLOSE_REASONS, CloseReason
from diag.simulation.columns import (
    close_reason_index,
    filled_ns,
    is_closed_by_size,
    overflow_ns,
    ready_ns,
)


def column(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


def test_the_enqueue_that_reaches_the_limit_fills_the_batch() -> None:
    filled = filled_ns(
        group=column(1, 0, 0, 1, 0),
        enqueue_ns=column(50, 10, 30, 60, 20),
        rows=column(1, 1, 1, 2, 2),
        full_rows=column(3, 4),
    )
    assert filled.tolist() == [20, NEVER_NS]


def test_unknown_rows_fill_nothing() -> None:
    assert filled_ns(column(0), column(5), column(-1), column(1)).tolist() == [NEVER_NS]


def test_a_batch_without_tasks_or_limit_is_never_full() -> None:
    filled = filled_ns(column(1), column(5), column(9), column(1, NEVER_NS))
    assert filled.tolist() == [NEVER_NS, NEVER_NS]


def test_a_batch_overflows_with_the_first_task_of_its_queues_next() -> None:
    overflow = overflow_ns(
        queue=column(0, 1, 0, 0), batch_id=column(0, 0, 2, 1), first_ns=column(10, 15, 40, 20)
    )
    assert overflow.tolist() == [20, NEVER_NS, NEVER_NS, 40]


def test_two_batches_of_one_id_do_not_follow_each_other() -> None:
    assert overflow_ns(column(0, 0), column(0, 0), column(10, 20)).tolist() == [NEVER_NS] * 2


def test_a_batch_is_ready_when_closed_or_expired_and_never_after_it_is_taken() -> None:
    closed, first = column(30, NEVER_NS, NEVER_NS, 70), column(10, 10, 10, 10)
    timeout, taken = column(50, 50, NEVER_NS, 50), column(90, 90, 90, 90)
    assert ready_ns(closed, first, timeout, taken).tolist() == [30, 60, 90, 60]
    assert is_closed_by_size(closed, first, timeout, taken).tolist() == [True, False, False, False]


def test_reasons_are_size_then_thread_then_timeout() -> None:
    index = close_reason_index(
        by_size=np.array([True, False, False, False, False]),
        is_known=np.array([True, True, True, True, False]),
        timeout_ns=column(5, 5, 0, 5, NEVER_NS),
        waited_for_thread=np.array([True, True, False, False, True]),
    )
    assert [CLOSE_REASONS[i] for i in index] == [
        CloseReason.SIZE,
        CloseReason.THREAD,
        CloseReason.THREAD,
        CloseReason.TIMEOUT,
        CloseReason.UNKNOWN,
    ]
