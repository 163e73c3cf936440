"""The host events that may show what a step was doing, shared by the causes of a timeline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.execution.op_class import OpClass
from diag.analysis.execution.steps import Steps
from diag.analysis.execution.thread_waits import of_steps
from diag.analysis.idle.causes.evidence_events import EvidenceEvents
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.intervals.nesting import innermost
from diag.model.events import Bools, Int64s


@dataclass(frozen=True, slots=True, eq=False)
class StepEvidence:
    """Events of the steps that concern a timeline.

    Attributes:
        preprocess_ops: Ops that count as preprocessing.
        ops: All ops the tracer recorded.
        bursts: Executor bursts.
        launches: Calls that launched device work other than copies.
        batch_runs: Runs of batches.
        runs: All runs, each over its whole length.
        waiting: Closures that wait for a thread of a pool that runs steps, from their Record event
            to their begin.
    """

    preprocess_ops: EvidenceEvents
    ops: EvidenceEvents
    bursts: EvidenceEvents
    launches: EvidenceEvents
    batch_runs: EvidenceEvents
    runs: EvidenceEvents
    waiting: EvidenceEvents


def find_step_evidence(inputs: IdleInputs, steps: Bools) -> StepEvidence:
    """Collect the events.

    Args:
        inputs: Everything known.
        steps: (steps,) whether the step concerns the timeline.
    """
    calls = inputs.execution.calls
    events, mine = inputs.execution.events, inputs.requests.linked.steps
    is_op = np.isin(inputs.execution.op_class, (OpClass.MODEL, OpClass.PREPROCESS, OpClass.GLUE))
    op = _of_steps(inputs, np.flatnonzero(is_op[events.name_id]), steps)
    early = inputs.execution.op_class[events.name_id[op]] == OpClass.PREPROCESS
    launched = inputs.execution.device.launches
    other = np.concatenate((calls.copy.row, calls.sync.row, calls.allocator.row))
    launch = np.append(steps, True)[launched.step] & ~np.isin(launched.row, other)
    runs = np.flatnonzero(~mine.is_orphan & mine.is_root & steps)
    in_batch = inputs.requests.linked.batches.run_step
    in_batch = in_batch[steps[in_batch]]
    return StepEvidence(
        preprocess_ops=EvidenceEvents.of(events, op[early]),
        ops=EvidenceEvents.of(events, op),
        bursts=EvidenceEvents.of(events, mine.burst_row[steps[mine.burst_step]]),
        launches=EvidenceEvents.of(events, launched.row[launch]),
        batch_runs=_spans(mine, in_batch),
        runs=_spans(mine, runs),
        waiting=_waiting(inputs),
    )


def _spans(steps: Steps, chosen: Int64s) -> EvidenceEvents:
    """Runs up to the end of the step; the event FunctionRun covers only the launch."""
    return EvidenceEvents(steps.start_ns[chosen], steps.end_ns[chosen], steps.row[chosen])


def _of_steps(inputs: IdleInputs, row: Int64s, steps: Bools) -> Int64s:
    """The rows that lie in bursts of these steps; all rows if all steps are chosen."""
    if steps.all():
        return row
    mine = inputs.requests.linked.steps
    burst = innermost(inputs.execution.events, mine.burst_row, row)
    inside = burst >= 0
    inside[inside] = steps[mine.burst_step[burst[inside]]]
    return row[inside]


def _waiting(inputs: IdleInputs) -> EvidenceEvents:
    events, closures = inputs.execution.events, inputs.execution.closures
    lines = tuple(line.name for line in inputs.execution.host.lines)
    keep = of_steps(events, lines, closures.begun)
    handed, begun = closures.handed[keep], closures.begun[keep]
    return EvidenceEvents(events.start_ns[handed], events.start_ns[begun], handed)
