"""Latency of the capture's own status calls over the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.distribution import Distribution, describe
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.model.capture import Capture

# As the sampler names its field and its source (docs/bundle-format.md).
_LATENCY = "latency_ns"
_SOURCE = "probe"
_NO_CALL = Unavailable("no status call of the capture was answered within the window")


@dataclass(frozen=True, slots=True)
class ProbeLatency:
    """Status calls that were answered.

    Attributes:
        time: Latencies, ns, as the capturing machine measured them.
        least_ns: The shortest: the network, and a server that has a thread at once.
        most_ns: The longest.
        ended: Why the calls ended before the recording did; "" if they did not.
    """

    time: Distribution
    least_ns: int
    most_ns: int
    ended: str


def probe_latency(capture: Capture) -> ProbeLatency | Unavailable:
    """Of the calls in the window; of all where the clocks are not related."""
    series = capture.probe_samples
    if isinstance(series, Unavailable):
        return series
    latency = np.array(
        [
            (sample["unix_ns"], min(value, np.iinfo(np.int64).max))
            for sample in series.samples
            if isinstance(value := sample.get(_LATENCY), int) and value >= 0
        ],
        np.int64,
    ).reshape(-1, 2)
    clock = next((each for each in capture.clocks if each.source == _SOURCE), None)
    origin = capture.origin_unix_ns
    if clock is not None and not isinstance(origin, Unavailable):
        at = latency[:, 0] - origin + clock.offset_ns
        latency = latency[(at >= capture.window.start_ns) & (at < capture.window.end_ns)]
    if not len(latency):
        return _NO_CALL
    times = latency[:, 1]
    ended = series.missing.get("samples", "")
    return ProbeLatency(describe(times), int(times.min()), int(times.max()), ended)
