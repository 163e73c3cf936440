"""From an analysis and a proposal to a Tuning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.errors import InputError
from diag.model.availability import Unavailable
from diag.tuning import thresholds
from diag.tuning.changes import read_changes, with_changes
from diag.tuning.enqueued_limit import with_enqueued_limit
from diag.tuning.metrics import Metrics, measured
from diag.tuning.replicates import estimate
from diag.tuning.result import SelfCheck, Tuning
from diag.tuning.service import read_service
from diag.tuning.workload import read_workload

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from diag.analysis.result import Analysis
    from diag.tuning.replicates import Estimates

CHECKED = ("mean_ms", "p50_ms", "p99_ms", "rows_mean")


def tune(
    analysis: Analysis,
    changes: Mapping[str, str | int | Sequence[int]],
    *,
    rate: float = 1.0,
) -> Tuning:
    """Simulate today's settings, check them against the recording, and predict other settings.

    Args:
        analysis: Of a capture with batched requests.
        changes: Batching parameters to try, by their names in a batching_parameters_file.
        rate: Factor on the load of the prediction.

    Raises:
        InputError: The recording does not show what a simulation needs.
        UsageError: A parameter is not known, or the server would not start with its value.
    """
    tried = read_changes(changes)
    workload = read_workload(analysis)
    if isinstance(workload, Unavailable):
        raise InputError("the recording cannot be simulated", cause=workload.reason)
    service = read_service(analysis)
    real = measured(analysis, service.best.work_ns_sum)
    workload = with_enqueued_limit(workload, service.best, real.refused_ratio)
    proposed = with_changes(workload.settings, tried)
    today = estimate(workload, service, workload.settings)
    check = _check(real, today)
    prediction: Estimates | Unavailable = Unavailable(
        "the simulation of today's settings does not fit what was measured"
    )
    if check.ok:
        prediction = estimate(workload, service, proposed, rate)
    rows = 0 if isinstance(prediction, Unavailable) else round(prediction["most_rows"].value)
    return Tuning(
        capture=analysis.capture,
        models=analysis.requests.models,
        clients=0 if workload.clients is None else workload.clients.count,
        settings=workload.settings,
        changes=tried,
        proposed=proposed,
        rate=rate,
        today=today,
        prediction=prediction,
        self_check=check,
        extrapolated_rows=rows if service.best.is_extrapolated(rows) else 0,
        recorded_rows=service.best.recorded_rows,
        functions=tuple(queue.is_function for queue in analysis.batches.queues),
        assumed=workload.assumed,
    )


def _check(real: Metrics, today: Estimates) -> SelfCheck:
    misses = {}
    for name in CHECKED:
        value = getattr(real, name)
        error = today[name].value / value - 1 if value else 0.0
        if not abs(error) <= thresholds.SELF_CHECK_MAX_ERROR:
            misses[name] = error
    simulated = Metrics(**{name: made.value for name, made in today.items()})
    return SelfCheck(real, simulated, misses)
