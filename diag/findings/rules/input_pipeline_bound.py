"""The loop waits for its tf.data pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.loop_finding import change, loop_finding
from diag.findings.loop_gain import COMPUTES, cpu_ratio_of, parallel_calls, prefetch_gain
from diag.findings.loop_inputs import function_evidence, named, waits_or_computes
from diag.findings.metrics import below
from diag.findings.python_lock import lock_cores
from diag.model.availability import Unavailable
from diag.model.finding import CounterEvidence, Evidence, Finding, Gain, Source
from diag.model.loops import FunctionPlace, LoopStage
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration

if TYPE_CHECKING:
    from diag.findings.loop_inputs import LoopInputs
    from diag.model.finding import Remedy
    from diag.model.input_pipelines import Pipeline, PipelineStage

ID = "input-pipeline-bound"
_WAIT = LoopStage.INPUT_WAIT


def find_in_loop(inputs: LoopInputs) -> Finding | None:
    """Waiting for elements takes a large share of the iterations."""
    share = inputs.share(_WAIT)
    if share < thresholds.STAGE_MIN_SHARE:
        return None
    pipeline = inputs.loops.pipelines[0] if inputs.loops.pipelines else None
    stage = None if pipeline is None else pipeline.critical_stage
    functions = inputs.functions(FunctionPlace.MAP, _WAIT)
    return loop_finding(
        inputs,
        rule=ID,
        cause=_WAIT.value,
        what=(
            f"{share:.1%} of each iteration waits for the tf.data pipeline"
            f"{_of_stage(stage)}{_in_function(stage, inputs)}."
        ),
        share=share,
        evidence=(
            inputs.share_evidence(_WAIT.value, _WAIT),
            *(_evidence(pipeline, stage) if pipeline else ()),
            *function_evidence(functions),
        ),
        counter_evidence=(
            CounterEvidence(
                "elements ready in the buffer",
                Unavailable("the trace shows no iterator")
                if pipeline is None
                else pipeline.empty_ratio < 1 - thresholds.FULL_MIN_SHARE,
                "" if pipeline is None else f"{pipeline.empty_ratio:.0%} of the calls found none",
            ),
        ),
        remedies=_remedies(inputs, pipeline, stage),
        gain=_gain(inputs, pipeline, stage),
        verify=(*below(inputs.analysis, f"loop.stage.{_WAIT.value}", 0.5),),
    )


def _of_stage(stage: PipelineStage | None) -> str:
    if stage is None:
        return ""
    name = printable(stage.name, NAME_MAX_CHARS)
    return f": its stage {stage.kind} ({name}) decides"


def _in_function(stage: PipelineStage | None, inputs: LoopInputs) -> str:
    functions = inputs.functions(FunctionPlace.MAP, _WAIT)
    if stage is None or isinstance(stage.function_ns, Unavailable):
        return ""
    op = f", most of it in {stage.op}" if stage.op else ""
    time = f", {duration(stage.function_ns)} a call{op}"
    if stage.python_share < thresholds.FULL_MIN_SHARE or not functions:
        return time
    return (
        f"{time}, Python function {named(functions[0])} ({waits_or_computes(inputs, functions[0])})"
    )


def _evidence(pipeline: Pipeline, stage: PipelineStage | None) -> tuple[Evidence, ...]:
    where = Source("pipelines", pipeline.name)
    found = [Evidence("calls without a ready element", pipeline.empty_ratio, "ratio", where)]
    if stage is not None:
        where = Source("pipeline_stages", stage.path)
        found.append(Evidence("share of the wait", stage.wait_share, "ratio", where))
        if not isinstance(stage.function_ns, Unavailable):
            found.append(Evidence("time of the stage's function", stage.function_ns, "ns", where))
    return tuple(found)


def _remedies(
    inputs: LoopInputs, pipeline: Pipeline | None, stage: PipelineStage | None
) -> tuple[Remedy, ...]:
    out = []
    if pipeline is not None and stage is not None:
        calls, sequential = _calls(inputs, pipeline, stage), _sequential(pipeline, stage)
        if _needs_threads(pipeline, stage, calls) and not _may_compute(inputs):
            out.append(
                change(
                    f"Set num_parallel_calls = {calls} on {stage.kind}, and "
                    f"options.threading.private_threadpool_size = {calls} (now "
                    f"{pipeline.threadpool_size}): each running Python function holds a thread of "
                    "this pool.",
                    "More threads use more memory, and gain nothing where the function computes.",
                )
            )
        elif sequential is not None:
            out.append(
                change(
                    f"Set num_parallel_calls=tf.data.AUTOTUNE on {sequential.kind}: it works on "
                    "one element at a time.",
                    "Elements are worked on at once, so that functions must not share state.",
                )
            )
    if pipeline is not None and isinstance(pipeline.producer_busy, Unavailable):
        out.append(change("End the pipeline with prefetch(tf.data.AUTOTUNE)."))
    out.append(
        change(
            "Make the function cheaper: cache() what repeats, read smaller inputs, or use "
            "TensorFlow's own operations instead of Python."
        )
    )
    return tuple(out)


def _sequential(pipeline: Pipeline, stage: PipelineStage) -> PipelineStage | None:
    """The stage, or the interleave that reads from it, if that works on one element at a time."""
    above = (
        each
        for each in pipeline.stages
        if "Interleave" in each.kind and stage.path.startswith(f"{each.path}::")
    )
    return next((each for each in (stage, *above) if each.is_sequential), None)


def _needs_threads(pipeline: Pipeline, stage: PipelineStage, calls: int) -> bool:
    """Whether Python functions need more threads than the pool has to run as many at a time."""
    size = pipeline.threadpool_size
    if isinstance(size, Unavailable) or stage.python_share < thresholds.FULL_MIN_SHARE:
        return False
    return size < calls and (stage.is_sequential or _pool_is_full(pipeline, stage))


def _may_compute(inputs: LoopInputs) -> bool:
    """Whether Python functions compute, on free cores at least, or take turns at the lock."""
    ratio = cpu_ratio_of(inputs.functions(FunctionPlace.MAP, _WAIT))
    if isinstance(ratio, Unavailable):
        return False
    computes = ratio * inputs.crowding >= thresholds.COMPUTES_MIN_RATIO
    return computes or lock_cores(inputs) is not None


def _pool_is_full(pipeline: Pipeline, stage: PipelineStage) -> bool:
    """Whether Python functions hold all threads that the pool has."""
    size = pipeline.threadpool_size
    if isinstance(size, Unavailable) or stage.python_share < thresholds.FULL_MIN_SHARE:
        return False
    return stage.used >= thresholds.POOL_FULL_RATIO * size


def _prepare_ns(stage: PipelineStage, pipeline: Pipeline) -> float | Unavailable:
    """Time of the stage's functions for one call of next()."""
    if isinstance(stage.function_ns, Unavailable):
        return stage.function_ns
    return stage.function_ns * stage.function_calls / max(1, pipeline.calls)


def _calls(inputs: LoopInputs, pipeline: Pipeline, stage: PipelineStage) -> int:
    prepare = _prepare_ns(stage, pipeline)
    rest = inputs.mean_ns - inputs.loops.mean_ns(_WAIT)
    now = _at_a_time(stage)
    return (
        2 * round(now) if isinstance(prepare, Unavailable) else parallel_calls(prepare, rest, now)
    )


def _at_a_time(stage: PipelineStage) -> float:
    """Functions of the stage that run at a time now."""
    return 1.0 if stage.is_sequential else max(1.0, stage.used)


def _gain(
    inputs: LoopInputs, pipeline: Pipeline | None, stage: PipelineStage | None
) -> Gain | Unavailable:
    if pipeline is None or stage is None:
        return Unavailable("which stage decides is not known")
    if stage.python_share < thresholds.FULL_MIN_SHARE:
        return Unavailable("TensorFlow's own operations compute there; free cores decide")
    if not (stage.is_sequential or _pool_is_full(pipeline, stage)):
        return Unavailable("the stage computes on all threads it has; free cores decide")
    if lock_cores(inputs) is not None:
        return Unavailable("its Python functions share one core: they hold Python's lock in turns")
    prepare = _prepare_ns(stage, pipeline)
    if isinstance(prepare, Unavailable):
        return prepare
    ratio = cpu_ratio_of(inputs.functions(FunctionPlace.MAP, _WAIT))
    if isinstance(ratio, Unavailable):
        return Unavailable("whether the function waits or computes is not known: use diag run")
    rest = inputs.mean_ns - inputs.loops.mean_ns(_WAIT)
    calls = _calls(inputs, pipeline, stage)
    at_most = ratio * inputs.crowding
    if _may_compute(inputs):
        return COMPUTES
    least = max(rest, prepare * ratio), max(rest, prepare * at_most)
    return prefetch_gain(inputs.mean_ns, least, prepare, calls, _at_a_time(stage))
