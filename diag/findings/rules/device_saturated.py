"""The device is at capacity: it is busy nearly all the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.batch_size import larger_size
from diag.findings.batching import restore
from diag.findings.confidence import Basis, judge
from diag.findings.cpu import cpu_evidence
from diag.findings.device import is_contended, is_saturated, working_ratio
from diag.findings.enable_batching import enable_batching
from diag.findings.inter_op import inter_op_threads
from diag.findings.metrics import check
from diag.findings.shares import window_ratio
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Said,
    Severity,
    Source,
    Tier,
)
from diag.model.gaps import IdleCause
from diag.model.serving import StageGroup

if TYPE_CHECKING:
    from diag.findings.batch_size import LargerSize
    from diag.findings.enable_batching import EnableBatching
    from diag.findings.inputs import RuleInputs

ID = "device-saturated"


def find(inputs: RuleInputs) -> Finding | None:
    """At work for at least ``SATURATED_MIN_RATIO`` of the window."""
    gaps = inputs.gaps
    if gaps is None or not is_saturated(inputs) or not is_contended(inputs):
        return None
    working, busy = working_ratio(inputs), window_ratio(gaps, gaps.timeline.busy_ns)
    confidence, reason = judge(inputs, Basis())
    queued = inputs.shares.group(StageGroup.QUEUEING)
    larger, batching = larger_size(inputs.analysis), _enable_batching(inputs)
    first = larger or batching
    return Finding(
        id=ID,
        cause="saturated",
        severity=Severity.WARNING,
        confidence=confidence,
        confidence_reason=reason,
        what=_sentence(inputs, working, busy),
        evidence=(
            Evidence("busy", busy, "ratio", Source("idle", gaps.timeline.name)),
            *_preprocessing(inputs, working),
            Evidence("queueing share", queued, "ratio", Source("ledger", "queueing")),
            *cpu_evidence(inputs.analysis),
            *(first.evidence if first is not None else ()),
        ),
        counter_evidence=(
            CounterEvidence(
                "little time in queues, which would mean that the load still fits",
                queued < thresholds.CHECK_SLACK,
                f"requests spend {queued:.0%} of their time in queues",
            ),
        ),
        remedies=(
            *((first.remedy,) if first is not None else ()),
            Remedy(
                RemedyKind.DEPLOYMENT,
                RemedyPlace.FLEET,
                "Or add a replica." if first is not None else "Add a replica.",
                risk="None for latency; it costs a machine.",
            ),
            Remedy(
                RemedyKind.MODEL,
                RemedyPlace.SAVED_MODEL,
                "Or make the model cheaper: lower precision, a smaller model, fewer outputs.",
                risk="Predictions may change.",
            ),
        ),
        gain=Unavailable("how the load splits over more replicas is not in this recording"),
        verify=(
            check(
                inputs.analysis,
                "device.busy",
                high=thresholds.SATURATED_MIN_RATIO * busy / working,
            ),
        ),
        rollback=_rollback(larger, batching),
        tier=Tier.DEVICE_TIME,
        at_stake_ns=0.0,
        says=frozenset({Said.DEVICE}),
    )


def _enable_batching(inputs: RuleInputs) -> EnableBatching | None:
    """A GPU executes one run at a time, the CPU as many as it has inter-op threads."""
    analysis = inputs.analysis
    return enable_batching(analysis, 1 if inputs.on_device else inter_op_threads(analysis))


def _sentence(inputs: RuleInputs, working: float, busy: float) -> str:
    """What is busy, and on the CPU how much of that is preprocessing."""
    if inputs.on_device:
        return f"{inputs.timeline_name} is busy {busy:.0%} of the time: at capacity."
    preprocessing = working - busy
    if preprocessing < thresholds.CAUSE_MIN_RATIO:
        return f"Model ops run on the CPU {busy:.0%} of the time: at capacity."
    return (
        f"Model and preprocessing ops run on the CPU {working:.0%} of the time "
        f"({preprocessing:.0%} preprocessing alone): at capacity."
    )


def _preprocessing(inputs: RuleInputs, working: float) -> tuple[Evidence, ...]:
    """On the CPU: work of any kind, and the part with preprocessing alone."""
    if inputs.on_device:
        return ()
    only = inputs.idle_ratio((IdleCause.PREPROCESS,))
    where = Source("idle", "preprocess")
    return (
        Evidence("model or preprocessing ops at work", working, "ratio", where),
        Evidence("only preprocessing ops at work", only, "ratio", where),
    )


def _rollback(larger: LargerSize | None, batching: EnableBatching | None) -> str:
    if larger is not None:
        return restore(larger.setting)
    if batching is not None:
        return batching.rollback
    return "Remove the replica."
