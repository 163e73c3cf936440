"""The timelines whose idle time is explained: each GPU, or the execution on the CPU."""

from __future__ import annotations

from dataclasses import dataclass

from diag.analysis.execution.device_work import Device
from diag.analysis.idle.demand import Demand, find_demand
from diag.analysis.idle.device_use import DeviceUse, cpu_use, device_uses
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.intervals.sets import merge, union
from diag.model.events import Bools
from diag.model.intervals import IntervalSet
from diag.model.serving import Stage

CPU_TIMELINE = "cpu-execution"


@dataclass(frozen=True, slots=True, eq=False)
class IdleTimeline:
    """One timeline before its idle time is cut.

    Attributes:
        name: Name of the GPU plane, or ``CPU_TIMELINE``.
        device: The GPU, or None for the execution on the CPU.
        use: Which steps, batches and requests concern it.
        demand: When requests that concern it were open.
        busy: When it executed something.
    """

    name: str
    device: Device | None
    use: DeviceUse
    demand: Demand
    busy: IntervalSet

    def answering_steps(self, inputs: IdleInputs) -> Bools:
        """(steps,) steps that concern the timeline and do not load a model."""
        return self.use.steps & ~inputs.execution.calls.loading


def find_timelines(inputs: IdleInputs) -> list[IdleTimeline]:
    """One for each GPU plane; without GPU planes one for the CPU, or none if nothing was seen."""
    uses = device_uses(inputs)
    timelines = [
        IdleTimeline(device.name, device, use, find_demand(inputs, use), device.busy)
        for device, use in zip(inputs.execution.device.devices, uses, strict=True)
    ]
    if timelines:
        return timelines
    program = inputs.visibility.program
    if not program.may_serve and not len(inputs.execution.steps):
        return []  # what it runs, if anything, does not go through TensorFlow's executor
    use = cpu_use(inputs.requests)
    demand = find_demand(inputs, use)
    if program.is_foreign:
        return [IdleTimeline(CPU_TIMELINE, None, use, demand, _running(inputs))]
    if len(inputs.visibility.hidden_work) and not len(demand.open):
        return []
    return [IdleTimeline(CPU_TIMELINE, None, use, demand, _computing(inputs))]


def _running(inputs: IdleInputs) -> IntervalSet:
    """When any op of a step ran on the host; of a program without requests, all are its work."""
    return merge(
        *(
            inputs.execution.staged.pieces.covering(
                stage.index, ~inputs.execution.staged.parts.is_after
            )
            for stage in (Stage.COMPUTE, Stage.PREPROCESS)
        )
    )


def _computing(inputs: IdleInputs) -> IntervalSet:
    """When any step computed on the host, or a batch ran that shows no step."""
    staged, batches = inputs.execution.staged, inputs.requests.linked.batches
    coarse = batches.first_step < 0
    return merge(
        staged.pieces.covering(Stage.COMPUTE.index, ~staged.parts.is_after),
        union(batches.run_start_ns[coarse], batches.run_end_ns[coarse]),
    )
