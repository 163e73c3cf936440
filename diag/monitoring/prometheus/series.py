"""All recorded series, in the order in which they are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.monitoring.prometheus.batching_series import batching_series
from diag.monitoring.prometheus.machine_series import machine_series
from diag.monitoring.prometheus.server_series import latency_series, request_series

if TYPE_CHECKING:
    from diag.monitoring.prometheus.promql import Series
    from diag.monitoring.prometheus.timing import Timing


def recorded_series(timing: Timing) -> tuple[Series, ...]:
    """All series, each after those that it uses."""
    parts = (request_series, latency_series, batching_series, machine_series)
    return tuple(each for part in parts for each in part(timing))
