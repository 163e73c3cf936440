"""Python prepares each input in the loop, one after the other, while the model waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.loop_finding import change, loop_finding
from diag.findings.loop_gain import COMPUTES, cpu_ratio_of, parallel_calls, prefetch_gain
from diag.findings.loop_inputs import function_evidence, named, waits, waits_or_computes
from diag.findings.metrics import below
from diag.model.availability import Unavailable
from diag.model.finding import CounterEvidence, Finding, Gain
from diag.model.loops import FunctionPlace, LoopStage

if TYPE_CHECKING:
    from diag.findings.loop_inputs import LoopInputs
    from diag.model.finding import Remedy
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
        f"in {named(functions[0])} ({waits_or_computes(inputs, functions[0])})"
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
            *_waiting_for(inputs, functions),
        ),
        remedies=_remedies(inputs, stage, functions),
        gain=_gain(inputs, stage, functions),
        verify=(*below(inputs.analysis, f"loop.stage.{stage.value}", 0.5),),
    )


def _waiting_for(
    inputs: LoopInputs, functions: list[PythonFunction]
) -> tuple[CounterEvidence, ...]:
    """A function that waits may wait for the next request: then nothing is lost."""
    if not functions or not waits(inputs, functions[0]):
        return ()
    return (
        CounterEvidence(
            f"{named(functions[0])} waits for a request, and not for its input",
            Unavailable("its stack does not tell what it waits for"),
        ),
    )


def _remedies(
    inputs: LoopInputs, stage: LoopStage, functions: list[PythonFunction]
) -> tuple[Remedy, ...]:
    faster = change(
        "If it computes in Python, use TensorFlow's or NumPy's operations, or processes: threads "
        "share Python's lock."
    )
    first = _in_parallel(inputs, stage, functions)
    if functions and waits(inputs, functions[0]):
        return (first,)
    ratio = cpu_ratio_of(functions)
    computes = not isinstance(ratio, Unavailable) and ratio >= thresholds.COMPUTES_MIN_RATIO
    return (faster, first) if computes else (first, faster)


def _in_parallel(inputs: LoopInputs, stage: LoopStage, functions: list[PythonFunction]) -> Remedy:
    if _serves_requests(inputs):
        what = named(functions[0]) if functions else "it"
        return change(
            f"Make {what} faster, or cache what repeats: each request spends this time. To serve "
            "more requests at a time, run more threads or workers."
        )
    if stage is _AFTER:
        return change(
            "Answer in another thread: hand the results to a queue, and go on with the next input.",
            "Answers that are not written yet use memory.",
        )
    threads = len(inputs.loops.iterations.threads)
    if threads > 1 and functions and waits(inputs, functions[0]):
        return change(
            f"Run iterations on more threads ({threads} now): each waits in {named(functions[0])}.",
            "More inputs at a time use more memory.",
        )
    calls = _calls(inputs, stage)
    return change(
        "Prepare inputs ahead of the model: tf.data with "
        f"map(num_parallel_calls={calls}).batch().prefetch(), taken with next(), and "
        f"options.threading.private_threadpool_size={calls}, because each Python function holds a "
        f"thread of this pool while it waits; or {calls} threads that fill a queue.",
        "Inputs are taken before they are needed, which uses memory.",
    )


def _calls(inputs: LoopInputs, stage: LoopStage) -> int:
    prepare = inputs.loops.mean_ns(stage)
    return parallel_calls(prepare, inputs.mean_ns - prepare)


def _serves_requests(inputs: LoopInputs) -> bool:
    """Whether iterations begin when requests come: then inputs cannot be prepared ahead."""
    share = inputs.loops.share(LoopStage.REQUEST_WAIT, LoopStage.REQUEST_READ)
    return share >= thresholds.PART_MIN_SHARE


def _gain(
    inputs: LoopInputs, stage: LoopStage, functions: list[PythonFunction]
) -> Gain | Unavailable:
    if _serves_requests(inputs):
        return Unavailable("inputs cannot be prepared before their request comes")
    if len(inputs.loops.iterations.threads) > 1:
        return Unavailable("several threads run iterations at a time already")
    prepare, ratio = inputs.loops.mean_ns(stage), cpu_ratio_of(functions)
    if isinstance(ratio, Unavailable):
        return ratio
    at_most = ratio * inputs.crowding
    if at_most >= thresholds.COMPUTES_MIN_RATIO:
        return COMPUTES
    rest = inputs.mean_ns - prepare
    least = rest + prepare * ratio, rest + prepare * at_most
    return prefetch_gain(inputs.mean_ns, least, prepare, _calls(inputs, stage))
