"""Python prepares each input in the loop, one after the other, while the model waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.loop_finding import change, loop_finding
from diag.findings.loop_gain import cpu_ratio_of, parallel_calls, prefetch_gain
from diag.findings.loop_inputs import function_evidence, named, waits_or_computes
from diag.findings.metrics import below
from diag.model.availability import Unavailable
from diag.model.finding import CounterEvidence, Finding, Gain
from diag.model.loops import FunctionPlace, LoopStage

if TYPE_CHECKING:
    from diag.findings.loop_inputs import LoopInputs
    from diag.model.loops import PythonFunction

ID = "synchronous-preprocessing"
_BEFORE, _AFTER = LoopStage.PREPROCESS, LoopStage.POSTPROCESS


def find_in_loop(inputs: LoopInputs) -> Finding | None:
    """Python's own work around the model call takes a large share of the iterations.

    Only where samples or the program's own marks show that it is work. Time that could be waiting
    for a request is left to device-idle-between-calls.
    """
    before, after = inputs.share(_BEFORE), inputs.share(_AFTER)
    stage = _BEFORE if before >= after else _AFTER
    share = max(before, after)
    if share < thresholds.STAGE_MIN_SHARE:
        return None
    functions = inputs.functions(FunctionPlace.LOOP, stage)
    where = "before" if stage is _BEFORE else "after"
    who = (
        f"in {named(functions[0])} ({waits_or_computes(functions[0])})"
        if functions
        else "in Python"
    )
    return loop_finding(
        inputs,
        rule=ID,
        cause=stage.value,
        what=(
            f"{share:.1%} of each iteration runs in Python {where} the model call, most of it "
            f"{who}; the model waits for it."
        ),
        share=share,
        evidence=(
            inputs.share_evidence(stage.value, stage),
            *function_evidence(functions),
        ),
        counter_evidence=(
            CounterEvidence("a tf.data pipeline for inputs", bool(inputs.loops.pipelines)),
        ),
        remedies=(
            change(
                "Prepare inputs ahead of the model: tf.data with map(num_parallel_calls=N)"
                ".batch().prefetch(), taken with next(); or a pool of threads that fills a queue. "
                "For Python functions that wait, set options.threading.private_threadpool_size=N."
                if stage is _BEFORE
                else "Answer in another thread: hand the results to a queue, and go on with the "
                "next input.",
                "Inputs are taken before they are needed, which uses memory.",
            ),
            change(
                "If it computes in Python, use TensorFlow's or NumPy's operations, or processes: "
                "threads share Python's lock."
            ),
        ),
        gain=_gain(inputs, stage, functions),
        verify=(*below(inputs.analysis, f"loop.stage.{stage.value}", 0.5),),
    )


def _gain(
    inputs: LoopInputs, stage: LoopStage, functions: list[PythonFunction]
) -> Gain | Unavailable:
    if len(inputs.loops.iterations.threads) > 1:
        return Unavailable("several threads run iterations at a time already")
    prepare = inputs.loops.mean_ns(stage)
    calls = parallel_calls(prepare, inputs.mean_ns - prepare)
    return prefetch_gain(inputs.mean_ns, prepare, cpu_ratio_of(functions), calls)
