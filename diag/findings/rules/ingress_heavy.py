"""The GPU waits while requests are received and parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.confidence import Basis, judge
from diag.findings.metrics import below
from diag.findings.outside import mean_handler_ns
from diag.findings.sources import METRICS
from diag.findings.waits import idle_evidence, idle_sentence
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Severity,
    Source,
    Tier,
)
from diag.model.gaps import IdleCause
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "ingress-heavy"
NEEDS = (METRICS,)
CAUSES = (IdleCause.INGRESS,)


def find(inputs: RuleInputs) -> Finding | None:
    """No event covers this time: it comes from the server's own latency metrics, as a mean.

    Where it is large against the request in the trace, it is time of each request first.
    Source of the flags: model_servers/main.cc of tensorflow/serving 9d981c5c.
    """
    ratio = inputs.idle_ratio(CAUSES)
    is_worst = inputs.worst_starvation in CAUSES
    large = inputs.starved_ratio if is_worst else ratio
    if large < thresholds.STARVED_MIN_RATIO:
        return None
    confidence, reason = judge(inputs, Basis())
    of_request_ns = _of_request_ns(inputs)
    return Finding(
        id=ID,
        cause=IdleCause.INGRESS.value,
        severity=Severity.WARNING,
        confidence=confidence,
        confidence_reason=reason,
        what=_sentence(inputs),
        evidence=(*idle_evidence(inputs, CAUSES), *_outside_evidence(inputs)),
        counter_evidence=(
            CounterEvidence(
                "an event that shows a request being received",
                Unavailable("TensorFlow Serving records none: the time is a mean of its metrics"),
            ),
        ),
        remedies=(
            Remedy(
                RemedyKind.CLIENT,
                RemedyPlace.CLIENT_CODE,
                "Make requests cheaper to receive: gRPC instead of JSON, tensor_content or "
                "encoded bytes instead of lists of numbers.",
                risk="Every client has to change.",
            ),
            Remedy(
                RemedyKind.FLAG,
                RemedyPlace.SERVER_FLAG,
                "Or receive more at once: raise --rest_api_num_threads or --grpc_max_threads.",
                risk="More threads compete for the same cores.",
            ),
        ),
        gain=Unavailable("receiving is not in the trace; the server's metrics give only its mean"),
        verify=below(inputs.analysis, "idle.ingress", 0.5),
        rollback="Send the earlier requests again.",
        tier=Tier.REQUEST_TIME if of_request_ns else Tier.DEVICE_TIME,
        at_stake_ns=of_request_ns or ratio * 1e9,
    )


def _of_request_ns(inputs: RuleInputs) -> float:
    """The mean time outside Session::Run, where that is large in a request's whole time; else 0."""
    outside = mean_handler_ns(inputs.analysis)
    if isinstance(outside, Unavailable):
        return 0.0
    whole = inputs.shares.mean_ns + outside
    return outside if outside >= thresholds.STAGE_MIN_SHARE * whole else 0.0


def _outside(inputs: RuleInputs) -> list[tuple[str, float]]:
    """By model, the mean time of an answer outside Session::Run, ns, as far as it is known."""
    metrics = inputs.analysis.metrics
    models = () if isinstance(metrics, Unavailable) else metrics
    known = [
        (model.model, model.outside_mean_ns)
        for model in models
        if not isinstance(model.outside_mean_ns, Unavailable)
    ]
    return sorted(known, key=lambda item: -item[1])


def _sentence(inputs: RuleInputs) -> str:
    """With the time that the latency above does not have, where the server's metrics give it."""
    waits = idle_sentence(inputs, "for requests to be received and parsed")
    outside = _outside(inputs)[:1]
    added = [
        f" By the server's metrics, a request of {printable(model, NAME_MAX_CHARS)} takes "
        f"{duration(ns)} more outside Session::Run."
        for model, ns in outside
    ]
    return waits + "".join(added)


def _outside_evidence(inputs: RuleInputs) -> list[Evidence]:
    return [
        Evidence(f"mean outside Session::Run, {model}", ns, "ns", Source("server_latency", model))
        for model, ns in _outside(inputs)[:1]
    ]
