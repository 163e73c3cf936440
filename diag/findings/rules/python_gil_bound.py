"""Python functions run on several threads, but share one core: the interpreter's lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.loop_finding import change, loop_finding
from diag.findings.loop_inputs import function_evidence, named
from diag.findings.metrics import below
from diag.findings.python_lock import (
    functions_in_flight,
    lock_cores,
    map_functions,
    python_stages,
)
from diag.model.availability import Unavailable
from diag.model.finding import CounterEvidence, Evidence, Finding, Source
from diag.model.gaps import Confidence
from diag.model.loops import LoopStage

if TYPE_CHECKING:
    from diag.findings.loop_inputs import LoopInputs

ID = "python-gil-bound"


def find_in_loop(inputs: LoopInputs) -> Finding | None:
    """Several Python functions of a pipeline are in flight, and use one core together."""
    functions, cores = map_functions(inputs), lock_cores(inputs)
    if cores is None:
        return None
    python, in_flight = python_stages(inputs), functions_in_flight(inputs)
    share = inputs.share(LoopStage.INPUT_WAIT)
    if share < thresholds.PART_MIN_SHARE:
        return None
    where = Source("pipeline_stages", python[0].path)
    return loop_finding(
        inputs,
        rule=ID,
        cause=LoopStage.INPUT_WAIT.value,
        what=(
            f"{in_flight:.1f} Python functions of the pipeline run at a time, mostly "
            f"{named(functions[0])}, but use {cores:.1f} cores together: they hold Python's lock, "
            "so that more of them at a time bring nothing."
        ),
        share=share * 0.99,
        evidence=(
            Evidence("Python functions in flight", in_flight, "functions", where),
            Evidence("cores that they use", cores, "cores", where),
            inputs.share_evidence(LoopStage.INPUT_WAIT.value, LoopStage.INPUT_WAIT),
            *function_evidence(functions),
        ),
        counter_evidence=(
            CounterEvidence(
                "functions that mostly wait",
                cores / in_flight < 1 - thresholds.COMPUTES_MIN_RATIO,
            ),
        ),
        remedies=(
            change(
                "Replace the Python function by TensorFlow's operations, or run it in processes."
            ),
        ),
        gain=Unavailable("what the same work costs without Python is not known"),
        verify=below(inputs.analysis, "loop.stage.input-wait", 0.5),
        confidence=(
            Confidence.MEDIUM,
            "The CPU time of the functions fits one core; other programs may use the others.",
        ),
    )
