"""Whether Python functions of a pipeline take turns, because they hold Python's lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.loop_gain import cpu_ratio_of
from diag.model.availability import Unavailable
from diag.model.loops import FunctionPlace, LoopStage

if TYPE_CHECKING:
    from diag.findings.loop_inputs import LoopInputs
    from diag.model.input_pipelines import PipelineStage
    from diag.model.loops import PythonFunction


def map_functions(inputs: LoopInputs) -> list[PythonFunction]:
    """Python functions of pipelines, most time first."""
    return inputs.functions(FunctionPlace.MAP, LoopStage.INPUT_WAIT)


def python_stages(inputs: LoopInputs) -> list[PipelineStage]:
    """Stages whose functions are mostly Python."""
    stages = [stage for pipeline in inputs.loops.pipelines for stage in pipeline.stages]
    return [each for each in stages if each.python_share >= thresholds.FULL_MIN_SHARE]


def functions_in_flight(inputs: LoopInputs) -> float:
    """Mean number of such functions that run or wait at a time."""
    return sum(stage.used for stage in python_stages(inputs))


def lock_cores(inputs: LoopInputs) -> float | None:
    """The cores that they use together, if several are in flight and use one; else None.

    A thread that waits for the lock is off the CPU, as one that waits for a file is. But then the
    functions' CPU time adds up to one core, whatever their number.
    """
    ratio, in_flight = cpu_ratio_of(map_functions(inputs)), functions_in_flight(inputs)
    if isinstance(ratio, Unavailable) or in_flight < thresholds.GIL_MIN_IN_FLIGHT:
        return None
    cores = in_flight * ratio
    return cores if thresholds.GIL_MIN_CORES <= cores <= thresholds.GIL_MAX_CORES else None
