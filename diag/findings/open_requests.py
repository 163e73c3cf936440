"""How many requests and rows are in the server at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diag.analysis.intervals.sets import union
from diag.findings import thresholds
from diag.model.availability import Unavailable
from diag.model.serving import MODES, Mode

if TYPE_CHECKING:
    from diag.analysis.result import Analysis

_UNBATCHED = MODES.index(Mode.UNBATCHED)


class OpenRequests(NamedTuple):
    """Requests of one model that are open at a time.

    Attributes:
        model: Its name.
        mean: Over the window: the time of its recorded requests divided by that of the window.
    """

    model: str
    mean: float


def open_requests(analysis: Analysis) -> float:
    """Mean number of recorded requests in the server over the window, of all models."""
    total_ns = int(analysis.requests.duration_ns.sum())
    return total_ns / max(1, analysis.capture.window.duration_ns)


def open_rows(analysis: Analysis, queue_index: int) -> float:
    """Mean number of rows in the server for one queue, over the time in which there are any.

    That is what a batch can hold: between bursts the server is empty, and no batch waits.

    Args:
        analysis: With batches.
        queue_index: Into ``BatchTable.queues``.
    """
    requests, batches = analysis.requests, analysis.batches
    linked = np.flatnonzero(np.diff(requests.batch_offsets) > 0)
    batch = requests.batch_index[requests.batch_offsets[linked]]
    mine = linked[batches.queue_index[batch] == queue_index]
    row_ns = requests.duration_ns[mine] * np.maximum(requests.rows[mine], 1)
    occupied = union(requests.start_ns[mine], requests.end_ns[mine])
    return float(row_ns.sum()) / max(1, occupied.total_ns)


def most_unbatched(analysis: Analysis) -> OpenRequests | None:
    """The model with most unbatched requests open at a time; None where all are batched."""
    requests = analysis.requests
    unbatched = requests.mode_index == _UNBATCHED
    if not unbatched.any():
        return None
    time_ns = np.bincount(
        requests.model_index[unbatched],
        weights=requests.duration_ns[unbatched],
        minlength=len(requests.models),
    )
    most = int(time_ns.argmax())
    window_ns = max(1, analysis.capture.window.duration_ns)
    return OpenRequests(requests.models[most], float(time_ns[most]) / window_ns)


def arrival_dispersion(analysis: Analysis) -> float | Unavailable:
    """Index of dispersion of the arrivals of recorded requests: variance over mean of their counts.

    Counted in intervals of ``DISPERSION_INTERVAL_NS``, over the whole ones of the window.
    """
    window, step = analysis.capture.window, thresholds.DISPERSION_INTERVAL_NS
    whole = window.duration_ns // step
    if whole < thresholds.DISPERSION_MIN_INTERVALS:
        return Unavailable("the window is too short to count arrivals in intervals")
    index = (analysis.requests.start_ns - window.start_ns) // step
    counts = np.bincount(index[(index >= 0) & (index < whole)], minlength=whole)
    mean = float(counts.mean())
    return float(counts.var()) / mean if mean else Unavailable("no request was recorded")
