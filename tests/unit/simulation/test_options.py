from __future__ import annotations

from diag.formats.text.batching_parameters import parse_batching_parameters
from diag.simulation.options import QueueOptions


def options(text: str) -> QueueOptions:
    return QueueOptions.from_parameters(parse_batching_parameters(text))


def test_an_empty_file_gives_the_defaults_of_tensorflow_serving() -> None:
    assert options("") == QueueOptions(
        max_batch_size=1000,
        batch_timeout_ns=0,
        max_enqueued_batches=10,
        allowed_batch_sizes=(),
        enable_large_batch_splitting=False,
        max_execution_batch_size=0,
    )


def test_every_field_of_a_queue_is_taken_from_the_file() -> None:
    assert options("""
        max_batch_size { value: 64 }
        batch_timeout_micros { value: 2000 }
        max_enqueued_batches { value: 7 }
        allowed_batch_sizes: 8
        allowed_batch_sizes: 64
        enable_large_batch_splitting { value: true }
        max_execution_batch_size { value: 16 }
    """) == QueueOptions(64, 2_000_000, 7, (8, 64), True, 16)


def test_a_batch_is_full_at_max_execution_batch_size_only_with_splitting() -> None:
    assert QueueOptions(64, max_execution_batch_size=16).full_rows == 64
    assert QueueOptions(64, enable_large_batch_splitting=True).full_rows == 64
    split = QueueOptions(64, enable_large_batch_splitting=True, max_execution_batch_size=16)
    assert split.full_rows == 16


def test_a_limit_of_0_batches_counts_as_1_unless_tasks_are_split() -> None:
    assert QueueOptions(max_enqueued_batches=0).enqueued_batches_limit == 1
    split = QueueOptions(max_enqueued_batches=0, enable_large_batch_splitting=True)
    assert split.enqueued_batches_limit == 0
