"""The batches of a queue and its parameters, as they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.report.build_ledger import spread
from diag.report.report import ParameterPart, QueuePart
from diag.report.values import finite, readable

if TYPE_CHECKING:
    from diag.analysis.result import BatchSummary
    from diag.model.serving import Parameter


def queue_part(summary: BatchSummary) -> QueuePart:
    """Each parameter with its origin, or why it is not known."""
    queue = summary.queue
    return QueuePart(
        queue=readable(queue.key),
        model=readable(summary.model),
        batches=summary.batches,
        rows_mean=finite(summary.rows_mean),
        fill_ratio=finite(summary.fill_ratio),
        padding_ratio=finite(summary.padding_ratio),
        closed_by={reason.value: n for reason, n in summary.closed_by.items()},
        service=spread(summary.service),
        parameters=(
            _parameter_part("max_batch_size", queue.max_batch_size, "rows"),
            _parameter_part("batch_timeout", queue.batch_timeout_ns, "ns"),
            _parameter_part("num_batch_threads", queue.num_batch_threads, "threads"),
        ),
    )


def _parameter_part(name: str, parameter: Parameter | Unavailable, unit: str) -> ParameterPart:
    if isinstance(parameter, Unavailable):
        return ParameterPart(parameter=name, value=parameter, unit=unit, origin="")
    return ParameterPart(
        parameter=name, value=parameter.value, unit=unit, origin=parameter.origin.value
    )
