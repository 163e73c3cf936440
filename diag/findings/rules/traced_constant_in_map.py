"""A plain Python function in map() ran once, when it was traced: every element is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.loop_finding import change, loop_finding
from diag.findings.metrics import check
from diag.model.availability import Unavailable
from diag.model.finding import CounterEvidence, Evidence, Finding, Source, Tier
from diag.model.gaps import Confidence
from diag.model.loops import LoopStage
from diag.model.printable import NAME_MAX_CHARS, printable

if TYPE_CHECKING:
    from diag.findings.loop_inputs import LoopInputs
    from diag.model.input_pipelines import PipelineStage

ID = "traced-constant-in-map"
_CHEAP_OPS_LEVEL = 3


def find_in_loop(inputs: LoopInputs) -> Finding | None:
    """A map function that runs no op and takes next to no time."""
    level = inputs.analysis.tracer_level
    if isinstance(level, Unavailable) or level < _CHEAP_OPS_LEVEL - 1:
        return None
    stages = [
        stage
        for pipeline in inputs.loops.pipelines
        for stage in pipeline.stages
        if _is_constant(stage)
    ]
    if not stages:
        return None
    stage, is_sure = stages[0], level >= _CHEAP_OPS_LEVEL
    name = printable(stage.name, NAME_MAX_CHARS)
    where = Source("pipeline_stages", stage.path)
    time_ns = 0.0 if isinstance(stage.function_ns, Unavailable) else stage.function_ns
    return loop_finding(
        inputs,
        rule=ID,
        cause=LoopStage.PREPROCESS.value,
        what=(
            f"The function of {stage.kind} ({name}) {'does' if is_sure else 'maybe does'} not use "
            f"its element: it ran {stage.function_calls:,} times without an op. A plain Python "
            "function in map() runs once, when it is traced, and its result is a constant."
        ),
        share=0.0,
        evidence=(
            Evidence("calls of the function", stage.function_calls, "calls", where),
            Evidence("time of the function", time_ns, "ns", where),
        ),
        counter_evidence=(
            CounterEvidence(
                "an op in the function, or its argument",
                False if is_sure else Unavailable("tracer level 2 does not record cheap ops"),
            ),
        ),
        remedies=(
            *(
                ()
                if is_sure
                else (
                    change(
                        "To be sure: compare two elements of the pipeline, or record at host "
                        "tracer level 3."
                    ),
                )
            ),
            change(
                "Wrap Python code in tf.py_function, or write the function with TensorFlow's "
                "operations.",
                "The real work then takes its time for each element.",
            ),
        ),
        gain=Unavailable("the program's results are at stake, not its time"),
        verify=(check(inputs.analysis, "loop.iteration.mean"),),
        confidence=(
            (Confidence.HIGH, "At tracer level 3 every op is recorded, and its argument is not.")
            if is_sure
            else (Confidence.LOW, "At tracer level 2 a function of cheap ops looks the same.")
        ),
        tier=Tier.FEW_FAILURES,
    )


def _is_constant(stage: PipelineStage) -> bool:
    if "Map" not in stage.kind or stage.kind == "FlatMap" or stage.runs_ops:
        return False
    few = stage.function_calls < thresholds.RETRACED_MIN_CALLS
    if few or isinstance(stage.function_ns, Unavailable):
        return False
    return stage.function_ns <= thresholds.CONSTANT_MAX_NS
