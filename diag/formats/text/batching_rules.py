"""The rules that TensorFlow Serving checks batching parameters against when it starts.

Source: shared_batch_scheduler.h (Create, AddQueueAfterRewritingOptions; TensorFlow 2.21),
bundle_factory_util.cc (WrapSessionForBatching) and batching_session.cc (tensorflow/serving
9d981c5c).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diag.model.capture import BatchingParameters

# QueueOptions.input_batch_size_limit.
SERVER_DEFAULT_MAX_BATCH_SIZE = 1000


def find_broken_rule(parameters: BatchingParameters) -> tuple[str, str] | None:
    """The first field whose value the server would refuse, with the reason; None if all hold."""
    lowest = {
        "max_batch_size": 1,
        "batch_timeout_micros": 0,
        # Without splitting, the server itself changes 0 to 1.
        "max_enqueued_batches": 1 if parameters.enable_large_batch_splitting else 0,
        "num_batch_threads": 1,
        "max_execution_batch_size": 1,
    }
    for name, minimum in lowest.items():
        value = getattr(parameters, name)
        if value is not None and value < minimum:
            return name, f"must be at least {minimum}, is {value}"
    return _broken_split(parameters) or _broken_sizes(parameters)


def _broken_split(parameters: BatchingParameters) -> tuple[str, str] | None:
    executed = parameters.max_execution_batch_size
    largest = _max_batch_size(parameters)
    if parameters.enable_large_batch_splitting and executed is not None and executed > largest:
        return (
            "max_execution_batch_size",
            f"must not exceed max_batch_size ({_described(parameters)}), is {executed}",
        )
    return None


def _broken_sizes(parameters: BatchingParameters) -> tuple[str, str] | None:
    sizes = parameters.allowed_batch_sizes
    name = "allowed_batch_sizes"
    if not sizes:
        return None
    if sizes[0] < 1:
        return name, f"must be positive, begins with {sizes[0]}"
    for before, size in pairwise(sizes):
        if size <= before:
            return name, f"must increase, {size} comes after {before}"
    accepted = {_max_batch_size(parameters)}
    wanted = f"max_batch_size ({_described(parameters)})"
    executed = parameters.max_execution_batch_size
    if parameters.enable_large_batch_splitting and executed is not None:
        # The model server requires the former, the batching library and BatchFunction the latter.
        accepted.add(executed)
        wanted += f" or max_execution_batch_size ({executed})"
    if sizes[-1] not in accepted:
        return name, f"must end in {wanted}, ends in {sizes[-1]}"
    return None


def _max_batch_size(parameters: BatchingParameters) -> int:
    given = parameters.max_batch_size
    return SERVER_DEFAULT_MAX_BATCH_SIZE if given is None else given


def _described(parameters: BatchingParameters) -> str:
    default = parameters.max_batch_size is None
    return f"{_max_batch_size(parameters)}{', the default' if default else ''}"
