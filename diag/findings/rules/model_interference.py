"""One model's requests wait for threads, or for a GPU, that another model's work holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from diag.findings.confidence import Basis, judge
from diag.findings.cpu import cpu_evidence, order_by_cores
from diag.findings.enable_batching import enable_batching
from diag.findings.inter_op import inter_op_threads, more_inter_op_threads
from diag.findings.interference import find_interference
from diag.findings.metrics import below, measure
from diag.findings.more_threads import thread_remedies
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
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration
from diag.model.serving import Stage

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs
    from diag.findings.interference import Interference
    from diag.model.finding import Check

ID = "model-interference"
# What requests wait for in each stage.
_HELD = {
    Stage.QUEUE_EXECUTOR: "TensorFlow's inter-op threads",
    Stage.QUEUE_THREAD: "the batch threads",
    Stage.DEVICE_WAIT: "the GPU",
}


def find(inputs: RuleInputs) -> Finding | None:
    """The requests of one model wait, and most of the work that they wait for is another model's.

    Source: all models of a server share the inter-op pool, the batch threads of one scheduler
    (bundle_factory_util.cc of tensorflow/serving 9d981c5c), and one compute stream a GPU
    (gpu_device.cc, TensorFlow 2.21).
    """
    analysis = inputs.analysis
    pair = find_interference(analysis, *_HELD)
    if pair is None:
        return None
    confidence, reason = judge(inputs, Basis(on_device=pair.stage is Stage.DEVICE_WAIT))
    victim, culprit, held = _name(pair.victim), _name(pair.culprit), _HELD[pair.stage]
    weight = pair.requests / inputs.shares.requests
    return Finding(
        id=ID,
        cause=pair.stage.value,
        severity=severity_of(pair.wait_share),
        confidence=confidence,
        confidence_reason=reason,
        what=(
            f"Requests of {victim} wait for {held} for {duration(pair.waits_ns)} of "
            f"{duration(pair.mean_ns)}; meanwhile {pair.held_share:.0%} of the work there is for "
            f"{culprit}."
        ),
        evidence=(*_evidence(pair), *cpu_evidence(analysis)),
        counter_evidence=(_own_work(pair),),
        remedies=_remedies(analysis, pair),
        gain=_gain(analysis, pair, weight),
        verify=_verify(analysis, pair, victim),
        rollback="Serve both models on one server again, with the earlier settings.",
        tier=Tier.REQUEST_TIME,
        at_stake_ns=pair.waits_ns * weight,
    )


def _evidence(pair: Interference) -> tuple[Evidence, ...]:
    stage = pair.stage.value
    where = Source("trace", f"{pair.culprit} at work while {pair.victim} waits")
    return (
        Evidence(
            f"complete requests of {pair.victim}", pair.requests, "requests", Source("requests")
        ),
        Evidence(f"mean of {pair.victim}", pair.mean_ns, "ns", Source("ledger", pair.victim)),
        Evidence(
            f"{stage} mean of {pair.victim}",
            pair.waits_ns,
            "ns",
            Source("ledger", f"{pair.victim} {stage}"),
        ),
        Evidence(f"work of {pair.culprit} meanwhile", pair.held_share, "ratio", where),
    )


def _own_work(pair: Interference) -> CounterEvidence:
    """What remains if the other model leaves."""
    rest = 1 - pair.held_share
    return CounterEvidence(
        "as much waiting for the model's own requests, or for a third model's",
        rest >= pair.held_share,
        f"{rest:.0%} of the work meanwhile",
    )


def _remedies(analysis: Analysis, pair: Interference) -> tuple[Remedy, ...]:
    victim, culprit = _name(pair.victim), _name(pair.culprit)
    apart = Remedy(
        RemedyKind.DEPLOYMENT,
        RemedyPlace.FLEET,
        f"Serve {victim} and {culprit} on separate servers"
        + (", each with a GPU (or a MIG part) of its own." if _on_gpu(pair) else "."),
        risk="It may cost a machine.",
    )
    fewer = Remedy(
        RemedyKind.CLIENT,
        RemedyPlace.CLIENT_CODE,
        f"Or let clients send fewer requests of {culprit} at a time: the server runs the requests "
        "of all models in the order of their arrival and knows no priorities.",
        risk=f"Clients of {culprit} wait instead.",
    )
    return (apart, *_more(analysis, pair), fewer)


def _more(analysis: Analysis, pair: Interference) -> tuple[Remedy, ...]:
    """More of what is held; nothing where the machine has no core for it."""
    if pair.stage is Stage.QUEUE_THREAD:
        more: tuple[Remedy, ...] = thread_remedies(analysis)
    elif pair.stage is Stage.QUEUE_EXECUTOR:
        more = order_by_cores(analysis, more_inter_op_threads(analysis), ())
    else:
        return ()
    settings = tuple(each for each in more if each.setting is not None)
    batching = None
    if pair.stage is Stage.QUEUE_EXECUTOR:
        batching = enable_batching(analysis, inter_op_threads(analysis))
    return settings if batching is None else (*settings, batching.remedy)


def _gain(analysis: Analysis, pair: Interference, weight: float) -> Gain | Unavailable:
    """Over the requests of all models, of which ``weight`` are the waiting model's."""
    now = measure(analysis, "latency.mean")
    if isinstance(now, Unavailable):
        return now
    wait = pair.waits_ns * weight
    return Gain(
        "latency.mean",
        "ns",
        now,
        low=now - wait,
        high=now - wait * pair.held_share,
        method=(
            f"The wait of {_name(pair.victim)} ends wholly (low), or in proportion to the work of "
            f"{_name(pair.culprit)} meanwhile (high); other requests take as long as before. The "
            "mean is over the requests of both servers."
        ),
    )


def _verify(analysis: Analysis, pair: Interference, victim: str) -> tuple[Check, ...]:
    checks = below(analysis, f"stage.{pair.stage.value}.mean", 0.5)
    return tuple(replace(each, when=f"from the server of {victim}") for each in checks)


def _on_gpu(pair: Interference) -> bool:
    return pair.stage is Stage.DEVICE_WAIT


def _name(model: str) -> str:
    return printable(model, NAME_MAX_CHARS)
