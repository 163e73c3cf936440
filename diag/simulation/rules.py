"""The rules of a batch queue as pure functions, on single numbers or on columns of them.

Source: Queue in shared_batch_scheduler.h and GetNextAllowedBatchSize in batch_scheduler_utils.h,
both tensorflow/core/kernels/batching_util, TensorFlow 2.21.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, overload

from diag.model.events import Bools, Int64s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.simulation.options import QueueOptions

Number = TypeVar("Number", int, Int64s)


@overload
def is_full(rows: int, full_rows: int) -> bool: ...
@overload
def is_full(rows: Int64s, full_rows: Int64s) -> Bools: ...
def is_full(rows: int | Int64s, full_rows: int | Int64s) -> bool | Bools:
    """Whether a batch of this many rows is full (IsOpenBatchSchedulable)."""
    return rows >= full_rows


def expiry_ns(first_ns: Number, timeout_ns: Number) -> Number:
    """When the timeout of a batch has passed, counted from its first task."""
    return first_ns + timeout_ns


def has_room(batch_rows: int, task_rows: int, full_rows: int) -> bool:
    """Whether a task fits into the open batch; otherwise it closes that batch (overflow)."""
    return batch_rows + task_rows <= full_rows


def split_rows(task_rows: int, batch_rows: int, options: QueueOptions) -> tuple[int, ...]:
    """Rows of the parts that a task is cut into; one part where it is not cut.

    The first part fills the open batch, the next ones a batch each, the last takes the rest.

    Args:
        task_rows: Rows of the task, at least 1.
        batch_rows: Rows in the open batch.
        options: Of the queue.
    """
    full = options.full_rows
    if has_room(batch_rows, task_rows, full) or not options.enable_large_batch_splitting:
        return (task_rows,)
    first = full - batch_rows
    parts = [first] if first > 0 else []
    whole, rest = divmod(task_rows - first, full)
    return (*parts, *[full] * whole, *([rest] if rest else ()))


def find_refusal(
    task_rows: int, batch_rows: int, batches: int, options: QueueOptions
) -> str | None:
    """Why the queue refuses a task, as a gRPC status; None if it takes the task.

    Args:
        task_rows: Rows of the task.
        batch_rows: Rows in the open batch.
        batches: Batches in the queue, the open one included even if it is empty.
        options: Of the queue.

    Returns:
        ``INVALID_ARGUMENT``: the task is larger than ``max_batch_size``. ``UNAVAILABLE``: the queue
        is full; no task ever waits for a place in it.
    """
    if task_rows > options.max_batch_size:
        return "INVALID_ARGUMENT"
    limit, full = options.enqueued_batches_limit, options.full_rows
    if options.enable_large_batch_splitting:
        capacity = (limit - batches) * full + (full - batch_rows)
        return "UNAVAILABLE" if task_rows > capacity else None
    if not has_room(batch_rows, task_rows, full) and batches >= limit:
        return "UNAVAILABLE"
    return None


def padded_rows(rows: int, allowed_batch_sizes: Sequence[int]) -> int:
    """Rows that a batch is executed with: the first allowed size that holds it.

    A batch larger than all allowed sizes is executed as it is.
    """
    return next((size for size in allowed_batch_sizes if size >= rows), rows)
