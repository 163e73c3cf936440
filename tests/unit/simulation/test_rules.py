from __future__ import annotations

import pytest

from diag.simulation.options import QueueOptions
from diag.simulation.rules import find_refusal, has_room, padded_rows, split_rows

SPLIT = QueueOptions(16, enable_large_batch_splitting=True, max_execution_batch_size=4)
WHOLE = QueueOptions(4, max_enqueued_batches=2)


@pytest.mark.parametrize(("rows", "padded"), [(1, 4), (4, 4), (5, 8), (8, 8), (9, 9)])
def test_a_batch_is_padded_to_the_first_allowed_size_that_holds_it(rows: int, padded: int) -> None:
    assert padded_rows(rows, (4, 8)) == padded


def test_without_allowed_sizes_a_batch_is_not_padded() -> None:
    assert padded_rows(3, ()) == 3


def test_a_task_that_exactly_fills_the_batch_fits() -> None:
    assert has_room(3, 1, full_rows=4)
    assert not has_room(3, 2, full_rows=4)


@pytest.mark.parametrize(
    ("task", "in_batch", "parts"),
    [
        (1, 3, (1,)),  # fits
        (2, 3, (1, 1)),  # fills the open batch, the rest opens the next
        (10, 3, (1, 4, 4, 1)),
        (9, 3, (1, 4, 4)),  # nothing is left over
        (10, 4, (4, 4, 2)),  # the open batch is full
        (10, 0, (4, 4, 2)),
    ],
)
def test_a_task_is_cut_to_fill_the_open_batch_and_then_whole_ones(
    task: int, in_batch: int, parts: tuple[int, ...]
) -> None:
    assert split_rows(task, in_batch, SPLIT) == parts


def test_without_splitting_a_task_stays_whole() -> None:
    assert split_rows(3, 3, WHOLE) == (3,)


def test_a_task_above_max_batch_size_is_an_invalid_argument() -> None:
    assert find_refusal(5, 0, 1, WHOLE) == "INVALID_ARGUMENT"
    assert find_refusal(17, 0, 1, SPLIT) == "INVALID_ARGUMENT"


def test_a_queue_refuses_the_task_that_needs_a_batch_too_many() -> None:
    assert find_refusal(1, 3, 2, WHOLE) is None  # fits into the open batch
    assert find_refusal(2, 3, 1, WHOLE) is None  # opens the second of two
    assert find_refusal(2, 3, 2, WHOLE) == "UNAVAILABLE"


def test_a_queue_that_splits_refuses_by_rows() -> None:
    two = QueueOptions(
        16, max_enqueued_batches=2, enable_large_batch_splitting=True, max_execution_batch_size=4
    )
    assert find_refusal(5, 3, 1, two) is None  # 1 row in the open batch, 4 in the next
    assert find_refusal(6, 3, 1, two) == "UNAVAILABLE"
