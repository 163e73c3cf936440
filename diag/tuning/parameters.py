"""The settings of a simulated server as the fields of a batching_parameters_file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.prediction.changes import HANDLERS
from diag.prediction.thresholds import NO_LIMIT

if TYPE_CHECKING:
    from diag.simulation.options import ServerSettings


NOT_BATCHED = "not batched"
NOT_KNOWN = "not known"


def before_and_after(
    settings: ServerSettings, proposed: ServerSettings, queue: int
) -> dict[str, tuple[int | str, int | str]]:
    """The fields of one queue and its pool, and a limit on handlers; today and as proposed."""
    now, to = parameters_of(settings, queue), parameters_of(proposed, queue)
    names = dict.fromkeys((*now, *to))
    found = {name: (now.get(name, NOT_BATCHED), to.get(name, NOT_BATCHED)) for name in names}
    if proposed.handlers:
        found[HANDLERS] = (NOT_KNOWN, proposed.handlers)
    return found


def parameters_of(settings: ServerSettings, queue: int) -> dict[str, int | str]:
    """The fields of one queue and its pool; a list as ``8/16/32``, "" for none.

    Nothing where requests are not batched; NOT_KNOWN where nothing tells a value.
    """
    options = settings.queues[queue]
    if options is None:
        return {}
    found: dict[str, int | str] = {
        "max_batch_size": _known(options.max_batch_size),
        "batch_timeout_micros": options.batch_timeout_ns // 1000,
        "max_enqueued_batches": _known(options.max_enqueued_batches),
        "num_batch_threads": settings.threads[settings.pools[queue]],
        "allowed_batch_sizes": "/".join(map(str, options.allowed_batch_sizes)),
    }
    if options.enable_large_batch_splitting:
        found["enable_large_batch_splitting"] = 1
        found["max_execution_batch_size"] = _known(options.full_rows)
    return found


def _known(value: int) -> int | str:
    return NOT_KNOWN if value == NO_LIMIT else value
