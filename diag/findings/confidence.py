"""How sure a verdict is: how many requests, and whether a second source bears it out."""

from __future__ import annotations

from diag.analysis.result import Analysis
from diag.findings import thresholds
from diag.findings.device import is_doubted
from diag.findings.knobs import parameters_are_told
from diag.findings.shares import Shares
from diag.model.gaps import IdleCause
from diag.model.samples import MetricsPair
from diag.model.serving import Stage, StageGroup


def confidence_in(analysis: Analysis, shares: Shares, cause: str) -> str:
    """High needs many requests and a second, independent source; see docs/decisions/0010."""
    unexplained = shares.by_stage[Stage.UNATTRIBUTED]
    if shares.requests < thresholds.FEW_REQUESTS or (
        unexplained > thresholds.UNATTRIBUTED_MAX_SHARE
    ):
        return "low"
    if is_doubted(analysis):
        return "medium" if cause in _ON_THE_HOST else "low"
    many = shares.requests >= thresholds.MANY_REQUESTS
    return "high" if many and _is_corroborated(analysis, cause) else "medium"


def _is_corroborated(analysis: Analysis, cause: str) -> bool:
    """Whether something beside the trace's own events bears the cause out.

    How queueing splits rests on the batching parameters, which the server can tell; what is
    preprocessing rests on op types, unless device work shows where the model begins; the rest is
    measured by the trace and borne out by the server's metrics over the same window.
    """
    if cause in _RESTS_ON_PARAMETERS:
        return parameters_are_told(analysis)
    if cause == Stage.PREPROCESS.value:
        return any(timeline.is_device for timeline in analysis.timelines)
    return isinstance(analysis.capture.metrics, MetricsPair)


# Stages beside all device work: what the device tracer lost does not touch them.
_ON_THE_HOST = frozenset(
    stage.value for stage in Stage if stage.group in (StageGroup.QUEUEING, StageGroup.BATCHING)
)
_RESTS_ON_PARAMETERS = frozenset(
    {
        Stage.QUEUE_FILL.value,
        Stage.QUEUE_THREAD.value,
        Stage.QUEUE_DISPATCH.value,
        IdleCause.QUEUE_FILL.value,
        IdleCause.BATCH_THREADS_IN_HOST_WORK.value,
        IdleCause.QUEUE_DISPATCH.value,
    }
)
