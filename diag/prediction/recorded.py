"""A recorded server for the simulation, and whether it gives what was measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.prediction import thresholds
from diag.prediction.enqueued_limit import with_enqueued_limit
from diag.prediction.metrics import Metrics, measured
from diag.prediction.service import fit_service, recorded_batches
from diag.prediction.unbatched import measured_unbatched, read_unbatched, unbatched_runs
from diag.prediction.workload import read_workload

if TYPE_CHECKING:
    from collections.abc import Iterable

    from diag.analysis.result import Analysis
    from diag.prediction.replicates import Estimates
    from diag.prediction.service import Service
    from diag.prediction.workload import Workload

CHECKED = ("mean_ms", "p50_ms", "p99_ms", "rows_mean")
# Unbatched runs share threads in an order that is not simulated, so only their total can fit: the
# requests that clients get answered, or the mean time where requests come on their own.
CHECKED_UNBATCHED_CLIENTS = ("throughput_per_s",)
CHECKED_UNBATCHED = ("mean_ms",)


@dataclass(frozen=True, slots=True, eq=False)
class RecordedServer:
    """What the simulation needs of one analysis.

    Attributes:
        workload: The load, and the settings in force.
        service: Times of batches.
        measured: As recorded.
    """

    workload: Workload
    service: Service
    measured: Metrics

    @property
    def checked(self) -> tuple[str, ...]:
        """Fields of Metrics that the simulation of today's settings must give."""
        if self.workload.is_batched:
            return CHECKED
        return CHECKED_UNBATCHED if self.workload.clients is None else CHECKED_UNBATCHED_CLIENTS


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """The simulation of today's settings against what was measured.

    Attributes:
        measured: As recorded.
        simulated: By the simulation, today's settings and load.
        misses: Each checked metric that does not fit, with its relative error.
    """

    measured: Metrics
    simulated: Metrics
    misses: dict[str, float] = field(hash=False)

    @property
    def ok(self) -> bool:
        """Whether a prediction may be made."""
        return not self.misses


def read_recorded(analysis: Analysis) -> RecordedServer | Unavailable:
    """The server; Unavailable where the recording does not show what a simulation needs."""
    is_batched = len(analysis.batches) > 0
    workload = read_workload(analysis) if is_batched else read_unbatched(analysis)
    if isinstance(workload, Unavailable):
        return workload
    if not is_batched:
        service = fit_service(analysis, unbatched_runs(analysis))
        real = measured_unbatched(analysis, service.best.work_ns_sum)
        return RecordedServer(workload, service, real)
    service = fit_service(analysis, recorded_batches(analysis))
    real = measured(analysis, service.best.work_ns_sum)
    workload = with_enqueued_limit(workload, service.best, real.refused_ratio)
    return RecordedServer(workload, service, real)


def check_against(real: Metrics, today: Estimates, names: Iterable[str]) -> SelfCheck:
    """Compare estimates of today's settings with what was measured.

    Args:
        real: As measured.
        today: As simulated.
        names: Fields of Metrics that must fit.
    """
    misses = {}
    for name in names:
        value = getattr(real, name)
        error = today[name].value / value - 1 if value else 0.0
        if not abs(error) <= thresholds.SELF_CHECK_MAX_ERROR:
            misses[name] = error
    simulated = Metrics(**{name: made.value for name, made in today.items()})
    return SelfCheck(real, simulated, misses)
