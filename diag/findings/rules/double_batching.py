"""Requests are batched twice: by the server, and by the graph itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.confidence import Basis, judge
from diag.findings.metrics import below, not_above
from diag.findings.nested_batching import find_nested_batching
from diag.findings.sources import BATCHES
from diag.findings.waits import severity_of
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Gain,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Source,
    Tier,
)
from diag.model.quantity import duration
from diag.model.serving import Stage, StageGroup

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs
    from diag.findings.nested_batching import NestedBatching

ID = "double-batching"
NEEDS = (BATCHES,)


def find(inputs: RuleInputs) -> Finding | None:
    """Batches of a BatchFunction op inside batches of a BatchingSession, which wait notably.

    Source: --enable_batching wraps every signature of every model, whatever its graph does
    (bundle_factory_util.cc, tensorflow/serving 9d981c5c).
    """
    found = find_nested_batching(inputs)
    if found is None:
        return None
    confidence, reason = judge(inputs, Basis(on_device=False))
    where = Source("batches")
    return Finding(
        id=ID,
        cause=Stage.QUEUE_FILL.value,
        severity=severity_of(found.wait_share),
        confidence=confidence,
        confidence_reason=reason,
        what=(
            "Requests are batched twice, by --enable_batching and by a BatchFunction in the graph: "
            f"after the first queue they wait {duration(found.wait_ns)} "
            f"({found.wait_share:.0%} of a request) in the second."
        ),
        evidence=(
            Evidence("wait in the queue of the graph, mean", found.wait_ns, "ns", where),
            Evidence("the same, of the mean request", found.wait_share, "ratio", where),
            Evidence("batches inside a batch", found.batches, "batches", where),
            Evidence("calls in an inner batch, mean", found.inner_tasks, "calls", where),
            Evidence("requests in an outer batch, mean", found.outer_tasks, "requests", where),
        ),
        counter_evidence=(
            CounterEvidence(
                "inner batches that join several outer ones, which is some use of them",
                found.inner_tasks >= thresholds.INNER_CALLS_MIN,
                f"{found.inner_tasks:.1f} calls in an inner batch",
            ),
        ),
        remedies=(
            Remedy(
                RemedyKind.FLAG,
                RemedyPlace.SERVER_FLAG,
                "Leave batching to the graph: start the server without --enable_batching, or, if "
                "other models need it, with --enable_per_model_batching_parameters and no "
                "batching_params.pbtxt for this model.",
                risk="Without a batch of the server, the graph around the BatchFunction runs once "
                "for each request.",
            ),
            Remedy(
                RemedyKind.MODEL,
                RemedyPlace.SAVED_MODEL,
                "Or leave it to the server: export the model without BatchFunction.",
            ),
        ),
        gain=_gain(inputs, found),
        verify=(
            *below(inputs.analysis, f"stage.{Stage.QUEUE_FILL.value}.mean", 0.75),
            *not_above(inputs.analysis, "latency.mean"),
        ),
        rollback="Start the server with --enable_batching again.",
        tier=Tier.REQUEST_TIME,
        at_stake_ns=found.wait_ns,
    )


def _gain(inputs: RuleInputs, found: NestedBatching) -> Gain | Unavailable:
    """Without one of the queues, the wait in it falls away.

    That holds only where the inner queue joins nothing: else it makes larger runs.
    """
    if found.inner_tasks >= thresholds.INNER_CALLS_MIN:
        return Unavailable(
            "inner batches join several outer ones: with one queue, runs would have other sizes"
        )
    mean_ns = inputs.shares.mean_ns
    outer_ns = inputs.shares.group(StageGroup.QUEUEING) * mean_ns - found.wait_ns
    waits = sorted((max(0.0, outer_ns), found.wait_ns))
    return Gain(
        metric="latency.mean",
        unit="ns",
        now=mean_ns,
        low=mean_ns - waits[1],
        high=mean_ns - waits[0],
        method=(
            f"Without one of the two queues its wait ends: {duration(waits[0])} or "
            f"{duration(waits[1])}. Other times are assumed to stay."
        ),
    )
