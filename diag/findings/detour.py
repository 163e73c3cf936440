"""Time of runs away from the GPU between its work: what of it requests lose, and to what."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from diag.findings import thresholds
from diag.model.availability import Unavailable
from diag.model.finding import Check, Evidence, Gain, Source
from diag.model.serving import Stage

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs
    from diag.model.device import Detours

# The stages in which a run has begun its device work, and none of its kernels runs.
_STAGES = (Stage.LAUNCH, Stage.TRANSFER_IN, Stage.TRANSFER_OUT)


class Detour(NamedTuple):
    """What requests lose.

    Attributes:
        found: As measured.
        share: Of request time.
        lost_ns: Of the mean request.
        stage: Where requests spend most of it.
        by_cpu_ops: Whether ops on the CPU take most of it, rather than copies.
    """

    found: Detours
    share: float
    lost_ns: float
    stage: Stage
    by_cpu_ops: bool


def find_detour(inputs: RuleInputs) -> Detour | None:
    """None below ``STAGE_MIN_SHARE`` of request time.

    Not more than what these requests spend in the stages that hold such time.
    """
    found = inputs.analysis.detours
    if isinstance(found, Unavailable):
        return None
    mean_ns = inputs.shares.mean_ns
    most = sum(inputs.shares.by_stage[stage] for stage in _STAGES)
    share = min(found.away_ns / mean_ns, most)
    if share < thresholds.STAGE_MIN_SHARE:
        return None
    stage = max(_STAGES, key=lambda each: inputs.shares.by_stage[each])
    return Detour(found, share, share * mean_ns, stage, 2 * found.cpu_ns >= found.away_ns)


def is_mostly_detour(inputs: RuleInputs, share: float) -> bool:
    """Whether a detour takes half or more of a share of request time: then it is the finding."""
    detour = find_detour(inputs)
    return detour is not None and 2 * detour.share >= share


def detour_evidence(detour: Detour) -> tuple[Evidence, ...]:
    """Its time, its round trips and its ops."""
    found, where = detour.found, Source("trace", "copies and ops between kernels of a run")
    return (
        Evidence("share of request time away from the GPU", detour.share, "ratio", where),
        Evidence("time a request away from the GPU", found.away_ns, "ns", where),
        Evidence("of it in ops on the CPU", found.cpu_ns, "ns", where),
        Evidence("round trips a run", found.round_trips, "trips", where),
        Evidence("runs with GPU work", found.runs, "runs", where),
        *(Evidence(f"time in {op.name}", op.total_ns, "ns", where) for op in found.ops),
    )


def detour_gain(inputs: RuleInputs, lost_ns: float, method: str) -> Gain:
    """All of it or nothing: how long the same takes on the GPU is not known."""
    mean = inputs.shares.mean_ns
    return Gain("latency.mean", "ns", mean, low=mean - lost_ns, high=mean, method=method)


def detour_checks(detour: Detour, *, trips: bool) -> tuple[Check, ...]:
    """At most half of it remains."""
    found = detour.found
    away = Check("device.away_per_request", "ns", found.away_ns, high=found.away_ns / 2)
    if not trips:
        return (away,)
    half = Check(
        "device.round_trips_per_run", "trips", found.round_trips, high=found.round_trips / 2
    )
    return (half, away)


def away_per_request(analysis: Analysis) -> float | Unavailable:
    """Time of the mean request away from the GPU between its work, ns."""
    found = analysis.detours
    return found if isinstance(found, Unavailable) else found.away_ns


def round_trips_per_run(analysis: Analysis) -> float | Unavailable:
    """Copies back from the GPU that are followed by one to it, a run."""
    found = analysis.detours
    return found if isinstance(found, Unavailable) else found.round_trips
