"""What is promised and checked: latency, batch size, throughput and refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.model.events import Int64s
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
        most_open: Requests open at once, at most.
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
    most_open: float


EXTREMES = ("most_rows", "most_open")
METRICS = tuple(name for name in Metrics.__dataclass_fields__ if name not in EXTREMES)


def measured(analysis: Analysis, batch_work_ns: float) -> Metrics:
    """As recorded, over complete batched requests.

    Args:
        analysis: With at least one such request and one batch.
        batch_work_ns: Time of all recorded batches, each as if it ran alone.
    """
    requests, batches = analysis.requests, analysis.batches
    mine = requests.complete & (np.diff(requests.batch_offsets) > 0)
    return metrics_of(
        requests.start_ns[mine],
        requests.end_ns[mine],
        batches.rows[~batches.is_failed],
        analysis.failures.refused,
        analysis.capture.window.duration_ns,
        batch_work_ns,
        batches.executed_rows,
    )


def simulated(run: SimulatedRun, from_ns: int, until_ns: int) -> Metrics:
    """Of the requests that began and ended in a part of a run; NaN where there are none."""
    start, end = np.array(run.start_ns, np.int64), np.array(run.end_ns, np.int64)
    inside = (start >= from_ns) & (end < until_ns)
    batches = np.array(run.batch_start_ns, np.int64) >= from_ns
    return metrics_of(
        start[inside],
        end[inside],
        np.array(run.batch_rows, np.int64)[batches],
        int((np.array(run.refused_ns, np.int64) >= from_ns).sum()),
        until_ns - from_ns,
        float(np.array(run.work_ns)[batches].sum()),
        np.array(run.batch_padded, np.int64),
    )


def metrics_of(
    start_ns: Int64s,
    end_ns: Int64s,
    rows: Int64s,
    refused: int,
    window_ns: int,
    work_ns: float,
    executed_rows: Int64s,
) -> Metrics:
    """Metrics of a run; NaN where nothing was answered.

    Args:
        start_ns: (answered requests,).
        end_ns: (answered requests,).
        rows: (batches,) before padding.
        refused: Number of refused requests.
        window_ns: Length of the run.
        work_ns: Time of all batches, each as if it ran alone.
        executed_rows: (batches,) with padding.
    """
    latency_ms = (end_ns - start_ns) / MILLISECOND_NS
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
        most_rows=float(executed_rows.max(initial=0)),
        most_open=_most_open(start_ns, end_ns),
    )


def _most_open(start_ns: Int64s, end_ns: Int64s) -> float:
    ended = np.searchsorted(np.sort(end_ns), np.sort(start_ns), side="right")
    return float((np.arange(1, len(start_ns) + 1) - ended).max(initial=0))
