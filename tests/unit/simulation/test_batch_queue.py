from __future__ import annotations

import pytest

from diag.model.serving import CloseReason
from diag.simulation.batch_queue import BatchQueue, QueueRefusesTaskError, TakenBatch
from diag.simulation.options import QueueOptions

PAIRS = QueueOptions(max_batch_size=2, batch_timeout_ns=100, allowed_batch_sizes=(2,))


def queue(options: QueueOptions, *tasks: tuple[str, int, int]) -> BatchQueue[str]:
    """A queue with tasks (name, rows, ns) in it."""
    made = BatchQueue[str](3, options)
    for name, rows, at in tasks:
        made.schedule(name, rows, at)
    return made


def taken(made: BatchQueue[str], now_ns: int) -> TakenBatch[str]:
    found = made.take(now_ns)
    assert found is not None
    return found


def names(found: TakenBatch[str]) -> list[str]:
    return [task.item for task in found.batch.tasks]


def test_a_batch_with_room_waits_for_its_timeout() -> None:
    made = queue(PAIRS, ("a", 1, 10))
    assert made.take(109) is None
    found = taken(made, 110)
    assert (found.queue, names(found), found.ready_ns, found.taken_ns) == (3, ["a"], 110, 110)
    assert found.closed_by is CloseReason.TIMEOUT
    assert found.padded_rows == 2


def test_a_full_batch_can_be_taken_from_its_last_task_on() -> None:
    found = taken(queue(PAIRS, ("a", 1, 10), ("b", 1, 40)), 55)
    assert (names(found), found.ready_ns, found.closed_by) == (["a", "b"], 40, CloseReason.SIZE)


def test_a_task_that_does_not_fit_closes_the_batch() -> None:
    made = queue(QueueOptions(3, 100), ("a", 2, 10), ("b", 2, 30))
    assert made.enqueued_batches == 2
    found = taken(made, 30)
    assert (names(found), found.ready_ns, found.closed_by) == (["a"], 30, CloseReason.SIZE)
    assert made.take(129) is None
    assert names(taken(made, 130)) == ["b"]


def test_rows_that_come_after_the_timeout_join_a_batch_that_no_thread_has_taken() -> None:
    found = taken(queue(PAIRS, ("a", 1, 10), ("b", 1, 150)), 160)
    assert names(found) == ["a", "b"]
    assert (found.ready_ns, found.closed_by) == (110, CloseReason.TIMEOUT)


def test_a_batch_that_expired_while_all_threads_were_busy_was_closed_by_the_thread() -> None:
    made = queue(PAIRS, ("a", 1, 10))
    found = made.take(200, last_all_busy_ns=190)
    assert found is not None
    assert found.closed_by is CloseReason.THREAD
    earlier = queue(PAIRS, ("a", 1, 10)).take(200, last_all_busy_ns=110)
    assert earlier is not None
    assert earlier.closed_by is CloseReason.TIMEOUT


def test_without_a_timeout_a_batch_ends_when_a_thread_takes_it() -> None:
    found = taken(queue(QueueOptions(8), ("a", 1, 10)), 10)
    assert (found.ready_ns, found.closed_by) == (10, CloseReason.THREAD)


def test_a_cut_task_stands_in_several_batches() -> None:
    options = QueueOptions(16, 100, enable_large_batch_splitting=True, max_execution_batch_size=4)
    made = queue(options, ("a", 3, 10))
    batches = made.schedule("b", 6, 20)
    assert [batch.number for batch in batches] == [0, 1, 2]
    found = [taken(made, 20), taken(made, 20)]
    assert [[(t.item, t.rows) for t in f.batch.tasks] for f in found] == [
        [("a", 3), ("b", 1)],
        [("b", 4)],
    ]
    assert made.take(20) is None
    assert taken(made, 120).batch.rows == 1


def test_a_full_queue_refuses_and_stays_as_it_was() -> None:
    made = queue(QueueOptions(2, 100, max_enqueued_batches=1), ("a", 2, 10))
    with pytest.raises(QueueRefusesTaskError) as refusal:
        made.schedule("b", 1, 20)
    assert refusal.value.status == "UNAVAILABLE"
    assert names(taken(made, 20)) == ["a"]
    made.schedule("b", 1, 30)
    with pytest.raises(QueueRefusesTaskError) as refusal:
        made.schedule("c", 3, 30)
    assert refusal.value.status == "INVALID_ARGUMENT"


def test_one_signal_is_raised_until_a_thread_finds_nothing() -> None:
    made = queue(PAIRS, ("a", 1, 10))
    assert not made.raise_signal(10)  # not ready
    made.schedule("b", 1, 20)
    assert made.raise_signal(20)  # full
    made.schedule("c", 2, 30)
    assert not made.raise_signal(30)  # the first signal is pending
    assert [names(taken(made, 30)), names(taken(made, 30))] == [["a", "b"], ["c"]]
    made.schedule("d", 2, 40)
    assert not made.raise_signal(40)
    taken(made, 40)
    assert made.take(50) is None
    made.schedule("e", 2, 60)
    assert made.raise_signal(60)


def test_a_batch_without_a_timeout_is_signalled_at_once() -> None:
    assert queue(QueueOptions(8, 0), ("a", 1, 10)).raise_signal(10)


def test_a_batch_that_holds_nothing_is_no_batch() -> None:
    with pytest.raises(ValueError, match="at least 1 row, not 0"):
        BatchQueue[str](0, QueueOptions(max_batch_size=0))
