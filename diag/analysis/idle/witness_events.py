"""The host events that may show what a step was doing, shared by all claims of a device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.columns.nesting import innermost
from diag.analysis.execution.host_calls import HostCalls
from diag.analysis.execution.op_class import OpClass
from diag.analysis.execution.steps import Steps
from diag.analysis.execution.thread_waits import of_steps
from diag.analysis.idle.evidence import Witnesses
from diag.analysis.idle.scene import Scene
from diag.model.events import Bools, Int64s


@dataclass(frozen=True, slots=True)
class StepWitnesses:
    """Events of the steps that concern a device.

    Attributes:
        preprocess_ops: Ops that count as preprocessing.
        ops: All ops the tracer recorded.
        bursts: Executor bursts.
        launches: Calls that launched device work, copies apart.
        batch_runs: Runs of batches.
        runs: All runs, each over its whole length.
        waiting: Closures that wait for a thread of a pool that runs steps, from their Record on.
    """

    preprocess_ops: Witnesses
    ops: Witnesses
    bursts: Witnesses
    launches: Witnesses
    batch_runs: Witnesses
    runs: Witnesses
    waiting: Witnesses


def find_witnesses(scene: Scene, calls: HostCalls, steps: Bools) -> StepWitnesses:
    """Collect them.

    Args:
        scene: Everything known.
        calls: Host calls; those that copy or wait are no launches.
        steps: (steps,) those that concern the device.
    """
    events, mine = scene.host.events, scene.ledger.steps
    is_op = np.isin(scene.op_class, (OpClass.MODEL, OpClass.PREPROCESS, OpClass.GLUE))
    op = _of_steps(scene, np.flatnonzero(is_op[events.name_id]), steps)
    early = scene.op_class[events.name_id[op]] == OpClass.PREPROCESS
    launched = scene.device.launches
    other = np.concatenate((calls.copy.row, calls.sync.row, calls.allocator.row))
    launch = np.append(steps, True)[launched.step] & ~np.isin(launched.row, other)
    runs = np.flatnonzero(~mine.is_orphan & mine.is_root & steps)
    in_batch = scene.ledger.batches.run_step
    in_batch = in_batch[steps[in_batch]]
    return StepWitnesses(
        preprocess_ops=Witnesses.of(events, op[early]),
        ops=Witnesses.of(events, op),
        bursts=Witnesses.of(events, mine.burst_row[steps[mine.burst_step]]),
        launches=Witnesses.of(events, launched.row[launch]),
        batch_runs=_spans(mine, in_batch),
        runs=_spans(mine, runs),
        waiting=_waiting(scene),
    )


def _spans(steps: Steps, chosen: Int64s) -> Witnesses:
    """Runs, of which a FunctionRun covers only the launch, to their ends."""
    return Witnesses(steps.start_ns[chosen], steps.end_ns[chosen], steps.row[chosen])


def _of_steps(scene: Scene, row: Int64s, steps: Bools) -> Int64s:
    """Those rows that lie in bursts of these steps; all, if they are all steps."""
    if steps.all():
        return row
    mine = scene.ledger.steps
    burst = innermost(scene.host.events, mine.burst_row, row)
    inside = burst >= 0
    inside[inside] = steps[mine.burst_step[burst[inside]]]
    return row[inside]


def _waiting(scene: Scene) -> Witnesses:
    events, closures = scene.host.events, scene.closures
    lines = tuple(line.name for line in scene.host.lines)
    keep = of_steps(events, lines, closures.begun)
    handed, begun = closures.handed[keep], closures.begun[keep]
    return Witnesses(events.start_ns[handed], events.start_ns[begun], handed)
