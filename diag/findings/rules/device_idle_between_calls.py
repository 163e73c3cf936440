"""Most of the time no call of the model runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.loop_finding import change, loop_finding
from diag.findings.loop_inputs import function_evidence, named, waits, waits_or_computes
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
    from diag.model.loops import PythonFunction

ID = "device-idle-between-calls"
_WORDS = {
    LoopStage.REQUEST_WAIT: "waits for a request",
    LoopStage.REQUEST_READ: "reads requests from their connections",
    LoopStage.RESULT_WAIT: "waits for results of its own pool",
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
    pool = next(iter(inputs.functions(FunctionPlace.POOL, most)), None)
    if pool is not None:
        doing += f"; the pool is mostly in {named(pool)} ({waits_or_computes(inputs, pool)})"
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
            *function_evidence([] if pool is None else [pool]),
        ),
        counter_evidence=(
            CounterEvidence(
                "waiting for a request",
                loops.share(LoopStage.REQUEST_WAIT) > 0
                if known
                else Unavailable("no stacks were sampled"),
            ),
        ),
        remedies=_remedies(inputs, most, pool),
        gain=Unavailable("what the loop does between the calls decides"),
        verify=(check(inputs.analysis, "loop.model_busy", low=thresholds.MODEL_IDLE_MAX_BUSY),),
        tier=_tier(most),
    )
    rollback = found.rollback if most is LoopStage.RESULT_WAIT else ""
    return replace(found, rollback=rollback, says=frozenset({Said.DEVICE}))


def _remedies(
    inputs: LoopInputs, most: LoopStage, pool: PythonFunction | None
) -> tuple[Remedy, ...]:
    if most is LoopStage.RESULT_WAIT:
        more = change(
            "Give the pool more workers, and hand it work well before the loop needs the result.",
            "More work at a time uses more memory.",
        )
        faster = change(
            "Make the pool's function faster, or run it in processes: threads share Python's lock."
        )
        is_waiting = pool is None or waits(inputs, pool)
        return (more,) if is_waiting else (faster, more)
    if most is not LoopStage.NOT_KNOWN:
        return ()
    action = (
        "Record the program with diag run, which samples what Python does, or mark its requests "
        "with diag.request()."
        if isinstance(inputs.loops.functions, Unavailable)
        else "Mark its stages with diag.stage(), such as diag.stage('wait')."
    )
    return (Remedy(RemedyKind.CAPTURE, RemedyPlace.CAPTURE_COMMAND, action),)


def _tier(most: LoopStage) -> Tier:
    """Waiting for a request loses nothing; what is not known can only be looked for."""
    if most is LoopStage.REQUEST_WAIT:
        return Tier.CAPACITY
    return Tier.VISIBILITY if most is LoopStage.NOT_KNOWN else Tier.DEVICE_TIME
