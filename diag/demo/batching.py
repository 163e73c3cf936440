"""BatchFunction's attributes from a TensorFlow Serving batching_parameters_file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.errors import BatchingParametersError

if TYPE_CHECKING:
    from diag.model.capture import BatchingParameters

# What TensorFlow Serving uses where the file is silent (shared_batch_scheduler.h Options and
# QueueOptions, TensorFlow 2.21; servables/tensorflow/bundle_factory_util.h, serving 9d981c5c).
DEFAULT_MAX_BATCH_SIZE = 1000
DEFAULT_BATCH_TIMEOUT_MICROS = 0
DEFAULT_MAX_ENQUEUED_BATCHES = 10


@dataclass(frozen=True, slots=True)
class BatchFunctionAttributes:
    """The attributes of TensorFlow's BatchFunction op that batching parameters decide.

    Attributes:
        allowed_batch_sizes: Ascending; empty: batches run as large as they are.
    """

    num_batch_threads: int
    max_batch_size: int
    batch_timeout_micros: int
    max_enqueued_batches: int
    allowed_batch_sizes: tuple[int, ...]
    enable_large_batch_splitting: bool

    @property
    def max_execution_batch_size(self) -> int:
        """Rows at which a batch is full; with splitting BatchFunction takes the last allowed."""
        if self.enable_large_batch_splitting and self.allowed_batch_sizes:
            return self.allowed_batch_sizes[-1]
        return self.max_batch_size


def attributes_from_parameters(parameters: BatchingParameters) -> BatchFunctionAttributes:
    """Turns a file for TensorFlow Serving's BatchingSession into attributes of BatchFunction.

    Raises:
        BatchingParametersError: A field that BatchFunction cannot honour, by its name.
    """
    splitting = bool(parameters.enable_large_batch_splitting)
    max_batch_size = _or(parameters.max_batch_size, DEFAULT_MAX_BATCH_SIZE)
    allowed = parameters.allowed_batch_sizes
    _refuse_unsupported(parameters)
    limit = _or(parameters.max_execution_batch_size, max_batch_size)
    if list(allowed) != sorted(set(allowed)) or (allowed and allowed[0] < 1):
        raise BatchingParametersError("allowed_batch_sizes must be positive and ascend")
    if allowed and allowed[-1] != (limit if splitting else max_batch_size):
        raise BatchingParametersError(
            f"the last of allowed_batch_sizes is {allowed[-1]}, but must equal "
            f"{'max_execution_batch_size' if splitting else 'max_batch_size'}"
        )
    if splitting and not allowed and limit != max_batch_size:
        raise BatchingParametersError(
            "max_execution_batch_size cannot be honoured here without allowed_batch_sizes",
            cause="BatchFunction cuts large requests at the last of its allowed_batch_sizes",
            hint=f"add allowed_batch_sizes: {limit}",
        )
    return BatchFunctionAttributes(
        num_batch_threads=_or(parameters.num_batch_threads, os.cpu_count() or 1),
        max_batch_size=max_batch_size,
        batch_timeout_micros=_or(parameters.batch_timeout_micros, DEFAULT_BATCH_TIMEOUT_MICROS),
        max_enqueued_batches=_or(parameters.max_enqueued_batches, DEFAULT_MAX_ENQUEUED_BATCHES),
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
        f"the demo server cannot honour {field}", cause=reason, hint=f"remove {field} from the file"
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
