"""The latency of requests as a histogram, with the slowest request of each bucket as exemplar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from prometheus_client.core import Exemplar, HistogramMetricFamily

from diag.analysis.result import Analysis
from diag.model.availability import Unavailable
from diag.model.events import Int64s
from diag.telemetry.series import Moment, seconds, timestamp
from diag.telemetry.span_keys import SpanKeys

# Upper bounds in s, the same in every capture, so that captures can be compared: 1, 2.5, 5 of each
# decade from the fastest models to the usual deadlines of clients.
BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def latency_family(
    analysis: Analysis, models: Sequence[str], moment: Moment
) -> HistogramMetricFamily:
    """Complete requests by model.

    Args:
        analysis: Where the requests are.
        models: Label of each of ``analysis.models``.
        moment: Of the numbers.
    """
    family = HistogramMetricFamily(
        "diag_request_duration_seconds",
        "Duration of the complete requests of the capture, from begin to end of the handler.",
        labels=("model",),
        unit="seconds",
    )
    requests, keys = analysis.requests, SpanKeys.of(analysis)
    bounds_ns = (np.array(BOUNDS_S) * 1e9).round().astype(np.int64)
    bounds = [*map(str, BOUNDS_S), "+Inf"]
    for summary, label in zip(analysis.models, models, strict=True):
        mine = np.flatnonzero(analysis.requests.complete_of(summary.model))
        bucket = np.searchsorted(bounds_ns, requests.duration_ns[mine], side="left")
        counts = np.cumsum(np.bincount(bucket, minlength=len(bounds))).tolist()
        buckets = [
            (bound, count, *_exemplar(analysis, keys, mine[bucket == index]))
            for index, (bound, count) in enumerate(zip(bounds, counts, strict=True))
        ]
        total_s = seconds(int(requests.duration_ns[mine].sum()))
        family.add_metric((label,), buckets, total_s, timestamp=moment.end)
        if moment.begin_s is not None:
            labels = {"model": label}
            family.add_sample(f"{family.name}_created", labels, moment.begin_s, moment.end)
    return family


def _exemplar(
    analysis: Analysis, keys: SpanKeys | Unavailable, rows: Int64s
) -> tuple[Exemplar, ...]:
    """The slowest of some requests, under the ids of its span; none without requests or clock."""
    origin_unix_ns = analysis.capture.origin_unix_ns
    if not len(rows) or isinstance(keys, Unavailable) or isinstance(origin_unix_ns, Unavailable):
        return ()
    requests = analysis.requests
    row = int(rows[requests.duration_ns[rows].argmax()])
    key = keys.root("request", row)
    labels = {"trace_id": key.trace_id.hex(), "span_id": key.span_id.hex()}
    duration_s = seconds(int(requests.duration_ns[row]))
    end = timestamp(origin_unix_ns + int(requests.end_ns[row]))
    return (Exemplar(labels, duration_s, end),)
