"""The rules that TensorFlow Serving checks batching parameters against when it starts.

Source: shared_batch_scheduler.h (Create, AddQueueAfterRewritingOptions; TensorFlow 2.21),
bundle_factory_util.{h,cc} (GetQueueOptions, WrapSessionForBatching) and batching_util.cc
(RoundToLowestAllowedBatchSize; tensorflow/serving 9d981c5c).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diag.model.batching import BatchingParameters

# QueueOptions.input_batch_size_limit.
SERVER_DEFAULT_MAX_BATCH_SIZE = 1000


def find_broken_rule(
    parameters: BatchingParameters, *, for_function: bool = False
) -> tuple[str, str] | None:
    """The first field whose value the server would refuse, with the reason; None if all hold.

    Args:
        parameters: The fields of a file.
        for_function: Whether they become attributes of a BatchFunction op, whose
            allowed_batch_sizes end in the size of the largest executed batch. The model server
            wants its list to end in max_batch_size, also with splitting.
    """
    splitting = bool(parameters.enable_large_batch_splitting)
    lowest = {
        "max_batch_size": 1,
        "batch_timeout_micros": 0,
        # Without splitting, the server itself changes 0 to 1.
        "max_enqueued_batches": 1 if splitting else 0,
        "num_batch_threads": 1,
    }
    if splitting:  # without it the server does not read the field
        lowest["max_execution_batch_size"] = 1
    for name, minimum in lowest.items():
        value = getattr(parameters, name)
        if value is not None and value < minimum:
            return name, f"must be at least {minimum}, is {value}"
    return _broken_split(parameters) or _broken_sizes(parameters, for_function=for_function)


def _broken_split(parameters: BatchingParameters) -> tuple[str, str] | None:
    if not parameters.enable_large_batch_splitting:
        return None
    executed = parameters.max_execution_batch_size
    if executed is None and parameters.max_batch_size is None:
        # GetQueueOptions takes the value of max_batch_size, and that of a field not set is 0.
        return (
            "enable_large_batch_splitting",
            "needs max_batch_size or max_execution_batch_size: without both, batches hold 0 rows",
        )
    if executed is not None and executed > _max_batch_size(parameters):
        return (
            "max_execution_batch_size",
            f"must not exceed max_batch_size ({_described(parameters)}), is {executed}",
        )
    return None


def _broken_sizes(parameters: BatchingParameters, *, for_function: bool) -> tuple[str, str] | None:
    """The server checks the last size alone: the list may have any order."""
    sizes = parameters.allowed_batch_sizes
    if not sizes:
        return None
    executed = parameters.max_execution_batch_size
    if for_function and parameters.enable_large_batch_splitting and executed is not None:
        last, wanted = executed, f"max_execution_batch_size ({executed})"
    else:
        last, wanted = _max_batch_size(parameters), f"max_batch_size ({_described(parameters)})"
    if sizes[-1] != last:
        return "allowed_batch_sizes", f"must end in {wanted}, ends in {sizes[-1]}"
    return None


def _max_batch_size(parameters: BatchingParameters) -> int:
    given = parameters.max_batch_size
    return SERVER_DEFAULT_MAX_BATCH_SIZE if given is None else given


def _described(parameters: BatchingParameters) -> str:
    default = parameters.max_batch_size is None
    return f"{_max_batch_size(parameters)}{', the default' if default else ''}"
