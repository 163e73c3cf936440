"""BatchFunction's attributes from a TensorFlow Serving batching_parameters_file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.errors import BatchingParametersError
from diag.simulation.options import QueueOptions

if TYPE_CHECKING:
    from diag.model.capture import BatchingParameters


@dataclass(frozen=True, slots=True)
class BatchFunctionAttributes:
    """The attributes of TensorFlow's BatchFunction op that batching parameters set.

    Attributes:
        num_batch_threads: Threads of the op's own pool.
        max_batch_size: Largest request in rows.
        batch_timeout_micros: As in the file.
        max_enqueued_batches: As in the file.
        allowed_batch_sizes: Ascending sizes that batches are padded to; empty: no padding.
        enable_large_batch_splitting: Whether requests may be cut.
    """

    num_batch_threads: int
    max_batch_size: int
    batch_timeout_micros: int
    max_enqueued_batches: int
    allowed_batch_sizes: tuple[int, ...]
    enable_large_batch_splitting: bool

    @property
    def max_execution_batch_size(self) -> int:
        """Rows at which a batch is full; with splitting the last of ``allowed_batch_sizes``."""
        if self.enable_large_batch_splitting and self.allowed_batch_sizes:
            return self.allowed_batch_sizes[-1]
        return self.max_batch_size


def attributes_from_parameters(parameters: BatchingParameters) -> BatchFunctionAttributes:
    """Turn a file for TensorFlow Serving's BatchingSession into attributes of BatchFunction.

    Raises:
        BatchingParametersError: A field that BatchFunction does not support, by its name.
    """
    _refuse_unsupported(parameters)
    options = QueueOptions.from_parameters(parameters)
    allowed = options.allowed_batch_sizes
    splitting, full_rows = options.enable_large_batch_splitting, options.full_rows
    if list(allowed) != sorted(set(allowed)) or (allowed and allowed[0] < 1):
        raise BatchingParametersError("allowed_batch_sizes must be positive and ascend")
    if allowed and allowed[-1] != full_rows:
        raise BatchingParametersError(
            f"the last of allowed_batch_sizes is {allowed[-1]}, but must equal "
            f"{'max_execution_batch_size' if splitting else 'max_batch_size'}"
        )
    if splitting and not allowed and full_rows != options.max_batch_size:
        raise BatchingParametersError(
            "max_execution_batch_size is not supported here without allowed_batch_sizes",
            cause="BatchFunction cuts large requests at the last of its allowed_batch_sizes",
            hint=f"add allowed_batch_sizes: {full_rows}",
        )
    return BatchFunctionAttributes(
        num_batch_threads=os.cpu_count() or 1
        if parameters.num_batch_threads is None
        else parameters.num_batch_threads,
        max_batch_size=options.max_batch_size,
        batch_timeout_micros=options.batch_timeout_ns // 1000,
        max_enqueued_batches=options.max_enqueued_batches,
        allowed_batch_sizes=allowed,
        enable_large_batch_splitting=splitting,
    )


def _refuse_unsupported(parameters: BatchingParameters) -> None:
    if parameters.pad_variable_length_inputs:
        _refuse("pad_variable_length_inputs", "BatchFunction concatenates rows of one shape only")
    if parameters.thread_pool_name is not None:
        _refuse("thread_pool_name", "BatchFunction always names its threads batch_threads")
    if (
        parameters.max_execution_batch_size is not None
        and not parameters.enable_large_batch_splitting
    ):
        _refuse("max_execution_batch_size", "it has no effect without enable_large_batch_splitting")


def _refuse(field: str, reason: str) -> None:
    raise BatchingParametersError(
        f"the demo server does not support {field}",
        cause=reason,
        hint=f"remove {field} from the file",
    )
