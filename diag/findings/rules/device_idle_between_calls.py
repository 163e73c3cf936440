"""Most of the time no call of the model runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.loop_finding import loop_finding
from diag.findings.loop_inputs import named
from diag.findings.metrics import check
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Said,
    Source,
    Tier,
)
from diag.model.loops import MODEL_CALL, FunctionPlace, LoopStage

if TYPE_CHECKING:
    from diag.findings.loop_inputs import LoopInputs

ID = "device-idle-between-calls"
_WORDS = {
    LoopStage.REQUEST_WAIT: "waits for a request",
    LoopStage.INPUT_WAIT: "waits for its tf.data pipeline",
    LoopStage.INPUT_FETCH: "takes elements from its pipeline",
    LoopStage.PREPROCESS: "prepares inputs in Python",
    LoopStage.CONVERT: "copies inputs to tensors",
    LoopStage.POSTPROCESS: "works on answers in Python",
    LoopStage.UNATTRIBUTED: "makes other calls of TensorFlow",
}


def find_in_loop(inputs: LoopInputs) -> Finding | None:
    """The GPU, or without one the model, is idle for most of the window."""
    busy, loops = inputs.busy, inputs.loops
    if busy >= thresholds.MODEL_IDLE_MAX_BUSY:
        return None
    outside = {stage: loops.share(stage) for stage in LoopStage if stage not in MODEL_CALL}
    most = max(outside, key=lambda stage: outside[stage])
    share = outside[most]
    function = next(iter(inputs.functions(FunctionPlace.LOOP, most)), None)
    where = "" if function is None else f", in {named(function)}"
    known = not isinstance(loops.functions, Unavailable)
    if most is LoopStage.NOT_KNOWN:
        doing = (
            f"for {share:.1%} of the loop's time Python waits{where}, and its stacks do not tell "
            "for what"
            if known
            else f"for {share:.1%} of the loop's time the trace does not tell whether Python works "
            "or waits for a request"
        )
    else:
        doing = f"for {share:.1%} of the loop's time it {_WORDS[most]}{where}"
    gpu = inputs.gpu
    who = "No call of the model" if gpu is None else "The GPU"
    verb = "runs" if gpu is None else "is idle"
    found = loop_finding(
        inputs,
        rule=ID,
        cause=most.value,
        what=f"{who} {verb} for {1 - busy:.1%} of the window: {doing}.",
        share=1 - busy,
        evidence=(
            Evidence("model or GPU busy", busy, "ratio", Source("iterations")),
            Evidence(f"share of {most.value}", share, "ratio", Source("loop", most.value)),
        ),
        counter_evidence=(
            CounterEvidence(
                "waiting for a request",
                loops.share(LoopStage.REQUEST_WAIT) > 0
                if known
                else Unavailable("no stacks were sampled"),
            ),
        ),
        remedies=()
        if most is not LoopStage.NOT_KNOWN
        else (
            Remedy(
                RemedyKind.CAPTURE,
                RemedyPlace.CAPTURE_COMMAND,
                "Mark its stages with diag.stage(), such as diag.stage('wait')."
                if known
                else "Record the program with diag run, which samples what Python does, or mark "
                "its requests with diag.request().",
            ),
        ),
        gain=Unavailable("what the loop does between the calls decides"),
        verify=(check(inputs.analysis, "loop.model_busy", low=thresholds.MODEL_IDLE_MAX_BUSY),),
        tier=_tier(most),
    )
    return replace(found, rollback="", says=frozenset({Said.DEVICE}))


def _tier(most: LoopStage) -> Tier:
    """Waiting for a request loses nothing; what is not known can only be looked for."""
    if most is LoopStage.REQUEST_WAIT:
        return Tier.CAPACITY
    return Tier.VISIBILITY if most is LoopStage.NOT_KNOWN else Tier.DEVICE_TIME
