"""Answers are large: much of a request's time comes after the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.confidence import Basis, judge
from diag.findings.egress import STAGES_AFTER, find_egress
from diag.findings.metrics import below
from diag.findings.sources import OUTPUT_BYTES
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
from diag.model.quantity import byte_size, duration

if TYPE_CHECKING:
    from diag.findings.egress import Egress
    from diag.findings.inputs import RuleInputs

ID = "egress-heavy"
NEEDS = (OUTPUT_BYTES,)


def find(inputs: RuleInputs) -> Finding | None:
    """Large outputs, and much time in copying, splitting and encoding them.

    Source of the flag: --enable_serialization_as_tensor_content, model_servers/main.cc of
    tensorflow/serving 9d981c5c.
    """
    found = find_egress(inputs)
    if found is None:
        return None
    confidence, reason = judge(inputs, Basis())
    stage = max(STAGES_AFTER, key=lambda each: inputs.shares.by_stage[each])
    return Finding(
        id=ID,
        cause=stage.value,
        severity=severity_of(found.share),
        confidence=confidence,
        confidence_reason=reason,
        what=_sentence(found),
        evidence=_evidence(inputs, found),
        counter_evidence=(
            CounterEvidence(
                "small outputs, which are returned at once",
                found=False,
                detail=f"{byte_size(found.bytes_out)} a request",
            ),
        ),
        remedies=(
            Remedy(
                RemedyKind.CLIENT,
                RemedyPlace.CLIENT_CODE,
                "Return fewer or smaller outputs: name only those that are used in output_filter.",
                risk="None, as long as no client reads the other outputs.",
            ),
            Remedy(
                RemedyKind.MODEL,
                RemedyPlace.SAVED_MODEL,
                "Or reduce outputs in the model: the top results in place of all scores, a "
                "smaller type.",
                risk="Every client has to read the new outputs.",
            ),
            Remedy(
                RemedyKind.FLAG,
                RemedyPlace.SERVER_FLAG,
                "Or encode answers faster: --enable_serialization_as_tensor_content writes "
                "tensors as raw bytes.",
                risk="Clients have to read tensor_content.",
            ),
        ),
        gain=Unavailable("how much of the outputs clients need is not known from one recording"),
        verify=below(inputs.analysis, f"stage.{stage.value}.mean", 0.5),
        rollback="Ask for all outputs again.",
        tier=Tier.REQUEST_TIME,
        at_stake_ns=found.after_ns,
    )


def _sentence(found: Egress) -> str:
    text = (
        f"Requests spend {found.share:.0%} of their time after the model: "
        f"{duration(found.inside_ns)} copying, splitting and returning outputs of "
        f"{byte_size(found.bytes_out)} a request"
    )
    outside = found.outside_ns
    if isinstance(outside, Unavailable) or outside < thresholds.CAUSE_MIN_RATIO * found.total_ns:
        return f"{text}."
    return f"{text}, and about {duration(outside)} encoding them outside Session::Run."


def _evidence(inputs: RuleInputs, found: Egress) -> tuple[Evidence, ...]:
    ledger = Source("ledger")
    stages = tuple(
        Evidence(
            f"{stage.value} mean",
            inputs.stage_mean_ns(inputs.shares.by_stage[stage]),
            "ns",
            Source("ledger", stage.value),
        )
        for stage in STAGES_AFTER
    )
    outside = (
        ()
        if isinstance(found.outside_ns, Unavailable)
        else (Evidence("encoding, by bytes", found.outside_ns, "ns", Source("server_latency")),)
    )
    return (
        Evidence("share of time after the model", found.share, "ratio", ledger),
        Evidence("stages after the model", found.inside_ns, "ns", ledger),
        *stages,
        Evidence("outputs a request", found.bytes_out, "bytes", Source("costs")),
        *outside,
    )
