"""The numbers behind a verdict's sentence, each with where it can be looked up."""

from __future__ import annotations

from collections.abc import Iterator

from diag.analysis.result import Analysis, GapSummary
from diag.findings import thresholds
from diag.findings.device import device_evidence
from diag.findings.shares import Shares, padding_ratio, sum_shares, window_ratio, worst_model
from diag.findings.verdict import Evidence
from diag.model.availability import Unavailable
from diag.model.gaps import IdleCause
from diag.model.serving import Stage, StageGroup

# The name of the inter-op pool's threads (direct_session.cc, TensorFlow 2.21; sample_traces/).
INTER_OP_POOL = "tf_Compute"

_STAGES_SHOWN = 4
_CAUSES_NAMED = 2


def gather_evidence(
    analysis: Analysis, shares: Shares, cause: str, gaps: GapSummary | None
) -> tuple[Evidence, ...]:
    """Every number the sentence quotes, and the largest stages and causes beside them."""
    return (
        Evidence("complete requests", shares.requests, "requests", "requests table"),
        Evidence("mean duration", shares.mean_ns, "ns", "requests table"),
        *_share_evidence(analysis, shares, cause),
        *_worst_evidence(analysis, cause),
        *_idle_evidence(gaps),
        *device_evidence(analysis, cause),
    )


def _share_evidence(analysis: Analysis, shares: Shares, cause: str) -> Iterator[Evidence]:
    """The largest stages, the one the sentence names among them, and what else it quotes."""
    ranked = sorted(shares.by_stage.items(), key=lambda item: -item[1])
    for rank, (stage, share) in enumerate(ranked):
        weighs = rank < _STAGES_SHOWN and share >= thresholds.EVIDENCE_MIN_SHARE
        if weighs or stage.value == cause:
            yield Evidence(f"share of {stage.value}", share, "ratio", "stage ledger")
    model = shares.group(StageGroup.COMPUTE)
    if model != shares.by_stage[Stage.COMPUTE]:
        yield Evidence("share in the model", model, "ratio", "stage ledger")
    if cause == "padding":
        yield Evidence("padding", padding_ratio(analysis), "ratio", "batches table")
    if cause in (Stage.QUEUE_EXECUTOR.value, IdleCause.QUEUE_EXECUTOR.value):
        for pool in analysis.pool_waits:
            mean_ns = pool.wait.mean_ns
            if pool.pool == INTER_OP_POOL and not isinstance(mean_ns, Unavailable):
                yield Evidence("mean wait of a closure", mean_ns, "ns", f"{pool.pool} marks")


def _worst_evidence(analysis: Analysis, cause: str) -> Iterator[Evidence]:
    stage = next((stage for stage in Stage if stage.value == cause), None)
    model = None if stage is None else worst_model(analysis, stage)
    shares = None if model is None else sum_shares(analysis, model)
    if stage is not None and shares is not None:
        ref = f"ledger of {model}"
        yield Evidence(f"mean duration of {model}", shares.mean_ns, "ns", ref)
        yield Evidence(f"share of {cause} in {model}", shares.by_stage[stage], "ratio", ref)


def largest_causes(gaps: GapSummary) -> list[tuple[IdleCause, float]]:
    """The causes worth naming, with their part of the window."""
    ranked = sorted(gaps.by_cause_ns.items(), key=lambda item: -item[1])[:_CAUSES_NAMED]
    ratios = [(cause, window_ratio(gaps, ns)) for cause, ns in ranked]
    return [(cause, ratio) for cause, ratio in ratios if ratio >= thresholds.CAUSE_MIN_RATIO]


def _idle_evidence(gaps: GapSummary | None) -> tuple[Evidence, ...]:
    if gaps is None:
        return ()
    ref = f"gaps of {gaps.timeline.name}"
    return (
        Evidence("idle", window_ratio(gaps, gaps.idle_ns), "ratio", ref),
        Evidence("idle, starved of input", window_ratio(gaps, gaps.starved_ns), "ratio", ref),
        Evidence("idle without demand", window_ratio(gaps, gaps.no_demand_ns), "ratio", ref),
        *(
            Evidence(f"idle in {cause.value}", ratio, "ratio", ref)
            for cause, ratio in largest_causes(gaps)
            if cause is not IdleCause.NO_DEMAND
        ),
    )
