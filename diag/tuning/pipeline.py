"""From an analysis and a proposal to a Tuning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.errors import InputError, UsageError
from diag.model.availability import Unavailable
from diag.prediction.changes import read_changes
from diag.prediction.recorded import check_against, read_recorded
from diag.prediction.replicates import estimate
from diag.tuning import thresholds
from diag.tuning.result import Tuning
from diag.tuning.search import LIMITED, OBJECTIVES, Search, headroom_per_s

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from diag.analysis.result import Analysis
    from diag.prediction.replicates import Estimates
    from diag.prediction.workload import Workload
    from diag.simulation.options import ServerSettings
    from diag.tuning.search import Candidate


def tune(
    analysis: Analysis,
    changes: Mapping[str, str | int | Sequence[int]],
    *,
    rate: float = 1.0,
    objective: str = "",
    limits_ms: Mapping[str, float] | None = None,
) -> Tuning:
    """Simulate today's settings, check them against the recording, and predict other settings.

    Args:
        analysis: Of a capture with batched requests.
        changes: Batching parameters to try, by their names in a batching_parameters_file.
        rate: Factor on the load of the prediction.
        objective: Search for the setting that is best in ``p99``, ``mean``, ``throughput`` or
            ``device-seconds``, in place of changes; "" to try the changes.
        limits_ms: The most that ``mean_ms``, ``p50_ms``, ``p90_ms`` or ``p99_ms`` may be.

    Raises:
        InputError: The recording does not show what a simulation needs.
        UsageError: A parameter is not known, or the server would not start with its value.
    """
    tried, limits = read_changes(changes), dict(limits_ms or {})
    if objective and (tried or objective not in OBJECTIVES):
        raise UsageError(
            f"`objective` is {objective!r}: one of {', '.join(OBJECTIVES)}, and without changes"
        )
    if unknown := limits.keys() - set(LIMITED):
        raise UsageError(f"`limits_ms` has {unknown}, which is none of {', '.join(LIMITED)}")
    server = read_recorded(analysis)
    if isinstance(server, Unavailable):
        raise InputError("the recording cannot be simulated", cause=server.reason)
    workload, service = server.workload, server.service
    today = estimate(workload, service, workload.settings)
    check = check_against(server.measured, today, server.checked)
    prediction: Estimates | Unavailable = Unavailable(
        "the simulation of today's settings does not fit what was measured"
    )
    not_beaten: tuple[Candidate, ...] = ()
    if check.ok and objective:
        best, not_beaten = Search(workload, service.best, objective, limits, rate).best()
        tried = best.changes
    proposed = workload.changed(tried)
    if check.ok:
        prediction = estimate(workload, service, proposed, rate)

    def headroom(settings: ServerSettings) -> float | Unavailable:
        if not limits or not check.ok:
            return Unavailable("no limit was given" if check.ok else "there is no prediction")
        return headroom_per_s(workload, service.best, settings, limits)

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
        objective=objective,
        limits_ms=limits,
        not_beaten=not_beaten[: thresholds.PARETO_MOST],
        headroom_today_per_s=headroom(workload.settings),
        headroom_per_s=headroom(proposed),
        extrapolated_rows=rows if service.best.is_extrapolated(rows) else 0,
        recorded_rows=service.best.least_recorded_rows,
        queues=_models_of_queues(analysis),
        busiest_first=_busiest_first(workload),
        functions=tuple(queue.is_function for queue in analysis.batches.queues),
        assumed=workload.assumed,
    )


def _models_of_queues(analysis: Analysis) -> tuple[str, ...]:
    """The model of each queue; without batches each model has one."""
    models = analysis.requests.models
    if not len(analysis.batches):
        return models
    return tuple(models[queue.model_index] for queue in analysis.batches.queues)


def _busiest_first(workload: Workload) -> tuple[int, ...]:
    requests = np.bincount(workload.arrivals.queue, minlength=len(workload.settings.queues))
    return tuple(np.argsort(-requests, kind="stable").tolist())
