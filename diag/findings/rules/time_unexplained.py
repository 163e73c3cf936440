"""Much of a request's time has no explanation in the trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.confidence import Basis, judge
from diag.findings.metrics import below
from diag.findings.off_cpu import find_off_cpu
from diag.findings.waits import severity_of
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Source,
    Tier,
)
from diag.model.gaps import IdleCause
from diag.model.serving import Stage, StageGroup

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "time-unexplained"


def find(inputs: RuleInputs) -> Finding | None:
    """Unattributed time is a large share of request time; not if threads are known not to run."""
    unknown = inputs.shares.by_stage[Stage.UNATTRIBUTED]
    compute = inputs.shares.group(StageGroup.COMPUTE)
    if unknown < thresholds.STAGE_MIN_SHARE or find_off_cpu(inputs) is not None:
        return None
    confidence, reason = judge(inputs, Basis())
    level = inputs.analysis.tracer_level
    return Finding(
        id=ID,
        cause=IdleCause.UNEXPLAINED.value,
        severity=severity_of(unknown),
        confidence=confidence,
        confidence_reason=reason,
        what=f"{unknown:.0%} of request time has no explanation in the trace.",
        evidence=(
            Evidence("unattributed share", unknown, "ratio", Source("ledger", "unattributed")),
            Evidence("share of request time in the model", compute, "ratio", Source("ledger")),
        ),
        counter_evidence=(
            CounterEvidence(
                "a tracer level that leaves stages out, which would explain it",
                level if isinstance(level, Unavailable) else level < 2,
                "" if isinstance(level, Unavailable) else f"recorded at level {level}",
            ),
        ),
        remedies=(
            Remedy(
                RemedyKind.CAPTURE,
                RemedyPlace.CAPTURE_COMMAND,
                "Record again with --host-tracer-level 2 and, if the window was short, for longer "
                "(--duration).",
                risk="A higher level costs the server more during the capture.",
            ),
        ),
        gain=Unavailable("what takes the time is not known"),
        verify=below(inputs.analysis, "stage.unattributed.mean", 0.3),
        rollback="",
        tier=Tier.VISIBILITY,
        at_stake_ns=inputs.stage_mean_ns(unknown),
    )
