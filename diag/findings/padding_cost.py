"""What padding rows cost: the time of a row by t(b), times the padding rows of each batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from diag.analysis.result import Analysis, BatchSummary
    from diag.model.device import ModelDeviceCost


class PaddingCost(NamedTuple):
    """Time of padding rows.

    Attributes:
        row_ns: Mean time of a padding row; Unavailable where t(b) does not give it for all queues.
        of_batches: Share of the time of batches, 0 to 1; on a GPU of the device time of the model
            with most. An upper bound where ``row_ns`` is Unavailable.
        of_requests: Share of request time, 0 to 1; bounded likewise.
    """

    row_ns: float | Unavailable
    of_batches: float
    of_requests: float


def padding_cost(analysis: Analysis, device: ModelDeviceCost | None) -> PaddingCost:
    """The cost over all queues.

    Args:
        analysis: With batches.
        device: Cost of the model with most device time; None where batches run on the CPU.
    """
    batches = analysis.batches
    rows, executed = batches.rows, batches.executed_rows
    padding = np.where(rows >= 0, np.maximum(executed - rows, 0), 0)
    cost_ns, missing = np.zeros(len(batches)), None
    for summary in analysis.queues:
        mine = batches.of_queue(summary.queue)
        row_ns = _row_ns(summary, device)
        if isinstance(row_ns, Unavailable):
            missing = row_ns
            cost_ns[mine] = _bound_ns(analysis, summary, padding)[mine]
        else:
            cost_ns[mine] = row_ns * padding[mine]
    time_ns = (batches.end_ns - batches.start_ns).sum()
    of_batches = float(cost_ns.sum() / max(1, time_ns))
    if device is not None and not isinstance(device.padding_ns, Unavailable):
        of_batches = device.padding_ns / max(1.0, device.device_ns_per_request * device.requests)
    return PaddingCost(
        row_ns=missing or float(cost_ns.sum() / max(1, padding.sum())),
        of_batches=min(1.0, of_batches),
        of_requests=min(1.0, _of_requests(analysis, cost_ns)),
    )


def _row_ns(summary: BatchSummary, device: ModelDeviceCost | None) -> float | Unavailable:
    """Of device time where the model has any, else of the batch's whole time."""
    if device is not None and device.model == summary.model:
        return device.per_row_ns
    return summary.line.per_row_ns


def _bound_ns(
    analysis: Analysis, summary: BatchSummary, padding: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(batches,) the most that padding may cost: its share of the rows, or the bound on a row."""
    batches = analysis.batches
    by_share = (batches.end_ns - batches.start_ns) * (
        padding / np.maximum(batches.executed_rows, 1)
    )
    most = summary.line.row_most_ns
    return by_share if isinstance(most, Unavailable) else np.minimum(by_share, most * padding)


def _of_requests(analysis: Analysis, cost_ns: NDArray[np.float64]) -> float:
    """Each request waits for the padding of its whole batch."""
    requests = analysis.requests
    linked = np.flatnonzero(requests.complete & (np.diff(requests.batch_offsets) > 0))
    batch = requests.batch_index[requests.batch_offsets[linked]]
    total_ns = int(requests.duration_ns[requests.complete].sum())
    return float(cost_ns[batch].sum() / max(1, total_ns))
