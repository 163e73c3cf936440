"""A recorded server for the simulation, and whether it gives what was measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.prediction import thresholds
from diag.prediction.enqueued_limit import with_enqueued_limit
from diag.prediction.metrics import Metrics, measured
from diag.prediction.service import read_service
from diag.prediction.workload import read_workload

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.prediction.replicates import Estimates
    from diag.prediction.service import Service
    from diag.prediction.workload import Workload

CHECKED = ("mean_ms", "p50_ms", "p99_ms", "rows_mean")


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
    workload = read_workload(analysis)
    if isinstance(workload, Unavailable):
        return workload
    service = read_service(analysis)
    real = measured(analysis, service.best.work_ns_sum)
    workload = with_enqueued_limit(workload, service.best, real.refused_ratio)
    return RecordedServer(workload, service, real)


def check_against(real: Metrics, today: Estimates, names: tuple[str, ...] = CHECKED) -> SelfCheck:
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
