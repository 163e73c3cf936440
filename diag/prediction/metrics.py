"""What is promised and checked: latency, batch size, throughput and refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.simulation.server import SimulatedRun

MILLISECOND_NS = 1e6


@dataclass(frozen=True, slots=True)
class Metrics:
    """Numbers of one run, measured or simulated.

    Attributes:
        mean_ms: Mean latency of answered requests, ms.
        p50_ms: Median of it.
        p90_ms: 90th percentile.
        p99_ms: 99th percentile.
        rows_mean: Mean rows of a batch, before padding.
        throughput_per_s: Answered requests per second.
        refused_ratio: Refused requests over all, 0 to 1.
        batch_ms_per_request: Time of batches, each as if it ran alone, over answered requests, ms.
        most_rows: Rows of the largest batch, as executed.
    """

    mean_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    rows_mean: float
    throughput_per_s: float
    refused_ratio: float
    batch_ms_per_request: float
    most_rows: float


METRICS = tuple(name for name in Metrics.__dataclass_fields__ if name != "most_rows")


def measured(analysis: Analysis, batch_work_ns: float) -> Metrics:
    """As recorded, over complete batched requests.

    Args:
        analysis: With at least one such request and one batch.
        batch_work_ns: Time of all recorded batches, each as if it ran alone.
    """
    requests, batches = analysis.requests, analysis.batches
    mine = requests.complete & (np.diff(requests.batch_offsets) > 0)
    latency = requests.duration_ns[mine]
    return _metrics(
        latency / MILLISECOND_NS,
        batches.rows[~batches.is_failed],
        analysis.failures.refused,
        analysis.capture.window.duration_ns,
        batch_work_ns,
        float(batches.executed_rows.max(initial=0)),
    )


def simulated(run: SimulatedRun, from_ns: int, until_ns: int) -> Metrics:
    """Of the requests that began and ended in a part of a run; NaN where there are none."""
    start, end = np.array(run.start_ns, np.int64), np.array(run.end_ns, np.int64)
    inside = (start >= from_ns) & (end < until_ns)
    batches = np.array(run.batch_start_ns, np.int64) >= from_ns
    return _metrics(
        (end - start)[inside] / MILLISECOND_NS,
        np.array(run.batch_rows, np.int64)[batches],
        int((np.array(run.refused_ns, np.int64) >= from_ns).sum()),
        until_ns - from_ns,
        float(np.array(run.work_ns)[batches].sum()),
        float(max(run.batch_padded, default=0)),
    )


def _metrics(
    latency_ms: np.ndarray[tuple[int], np.dtype[np.float64]],
    rows: np.ndarray[tuple[int], np.dtype[np.int64]],
    refused: int,
    window_ns: int,
    work_ns: float,
    most_rows: float,
) -> Metrics:
    answered = len(latency_ms)
    nothing = float("nan")
    p50, p90, p99 = np.percentile(latency_ms, (50, 90, 99)) if answered else [nothing] * 3
    return Metrics(
        mean_ms=float(latency_ms.mean()) if answered else nothing,
        p50_ms=float(p50),
        p90_ms=float(p90),
        p99_ms=float(p99),
        rows_mean=float(rows.mean()) if len(rows) else nothing,
        throughput_per_s=answered / (window_ns / 1e9),
        refused_ratio=refused / max(1, refused + answered),
        batch_ms_per_request=work_ns / MILLISECOND_NS / answered if answered else nothing,
        most_rows=most_rows,
    )
