"""max_enqueued_batches where nothing tells it: the limit that refuses as many as were refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from diag.prediction import thresholds
from diag.prediction.replicates import value_of

if TYPE_CHECKING:
    from diag.prediction.batch_times import BatchTimes
    from diag.prediction.workload import Workload
    from diag.simulation.options import ServerSettings


def with_enqueued_limit(workload: Workload, times: BatchTimes, refused: float) -> Workload:
    """The workload with a limit in each queue that has none.

    Args:
        workload: As recorded.
        times: Of batches.
        refused: Part of the requests that were refused, 0 to 1.
    """
    limits = [each.max_enqueued_batches for each in workload.settings.queues if each is not None]
    if thresholds.NO_LIMIT not in limits:
        return workload
    text = "max_enqueued_batches is not known; no request was refused, so no limit is assumed."
    if refused > 0:
        tried = {
            limit: value_of(workload, times, _limited(workload.settings, limit)).refused_ratio
            for limit in thresholds.ENQUEUED_TRIED
        }
        limit = min(tried, key=lambda each: abs(tried[each] - refused))
        limited = _limited(workload.settings, limit)
        workload = replace(workload, settings=limited, changeable=limited)
        text = (
            f"max_enqueued_batches is not known; with {limit}, as many requests are refused as "
            "were recorded."
        )
    return replace(workload, assumed=(*workload.assumed, text))


def _limited(settings: ServerSettings, limit: int) -> ServerSettings:
    queues = tuple(
        options
        if options is None
        else replace(options, max_enqueued_batches=min(limit, options.max_enqueued_batches))
        for options in settings.queues
    )
    return replace(settings, queues=queues)
