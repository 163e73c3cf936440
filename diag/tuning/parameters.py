"""The settings of a simulated server as the fields of a batching_parameters_file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diag.simulation.server import ServerSettings


def parameters_of(settings: ServerSettings, queue: int) -> dict[str, int | str]:
    """The fields of one queue and its pool; a list as ``8/16/32``, "" for none."""
    options = settings.queues[queue]
    found: dict[str, int | str] = {
        "max_batch_size": options.max_batch_size,
        "batch_timeout_micros": options.batch_timeout_ns // 1000,
        "max_enqueued_batches": options.max_enqueued_batches,
        "num_batch_threads": settings.threads[settings.pools[queue]],
        "allowed_batch_sizes": "/".join(map(str, options.allowed_batch_sizes)),
    }
    if options.enable_large_batch_splitting:
        found["enable_large_batch_splitting"] = 1
        found["max_execution_batch_size"] = options.full_rows
    return found
