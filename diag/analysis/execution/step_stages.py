"""The stages of each step: preprocessing, model, waiting for an executor thread.

A step's span is cut at its BatchFunction calls into *parts*: before the first call, between calls,
after the last; the time of the calls comes from their batches. Each part is cut into stages by
layers. For runs with device work see device_layers.py; for runs without kernels the layers are, in
order of precedence::

    model ops            compute
    preprocessing phase  preprocess   preprocessing ops, and bursts from the first of them until
                                      the model's first op after the last of them
    executor bursts      compute      in a part after a batch: postprocess
    completion           compute      from the last burst to the end of the run; likewise
    rest                 queue-executor; unattributed if the step has no burst at all, or while
                         no closure waits in a pool: then no event shows what the step waits for
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from diag.analysis.execution.async_ops import AsyncOps
from diag.analysis.execution.dataset_work import find_dataset_intervals
from diag.analysis.execution.device_layers import device_layers
from diag.analysis.execution.device_work import DeviceWork
from diag.analysis.execution.driver_time import find_driver_time
from diag.analysis.execution.host_calls import HostCalls
from diag.analysis.execution.op_class import OpClass
from diag.analysis.execution.parts import Parts, Spread, StepIntervals, split_at_calls
from diag.analysis.execution.steps import Steps
from diag.analysis.execution.thread_waits import ThreadWaits, where_possible
from diag.analysis.intervals.nesting import innermost
from diag.analysis.intervals.tiling import Layer, Pieces, tile
from diag.model.events import Bools, EventTable, Int64s
from diag.model.intervals import NEVER_NS, IntervalSet
from diag.model.serving import STAGES, Stage


@dataclass(frozen=True, slots=True, eq=False)
class StepStages:
    """Stages of all steps.

    Attributes:
        parts: The parts of steps.
        pieces: Pieces of parts; the owner is the part, the code the stage index.
        stage_ns: (steps, len(STAGES)) sums by step, without the time of batch calls.
        may_wait: When a step may wait for a thread.
    """

    parts: Parts
    pieces: Pieces
    stage_ns: NDArray[np.int64]
    may_wait: IntervalSet


def stage_steps(
    events: EventTable,
    steps: Steps,
    ops: AsyncOps,
    op_class: NDArray[np.int8],
    device: DeviceWork,
    calls: HostCalls,
    waits: ThreadWaits,
) -> StepStages:
    """Cut every part of every root step into stages."""
    parts = split_at_calls(steps, ops)
    spread = Spread(parts)
    bursts = StepIntervals(
        steps.burst_step, events.start_ns[steps.burst_row], events.end_ns[steps.burst_row]
    )
    waited = np.flatnonzero(~ops.is_batch & (ops.step >= 0) & (ops.done_ns >= 0))
    awaited = StepIntervals(ops.step[waited], ops.start_ns[waited], ops.done_ns[waited])
    data = find_dataset_intervals(events, steps, ops)
    work = bursts.plus(awaited).plus(_bare_runs(steps, device.used)).plus(data)
    by_class = _ops_by_class(events, steps, op_class)
    last_work = _last(work, len(steps))
    driver = find_driver_time(events, calls, device)
    *first, in_model, after_model = _cpu_layers(by_class, data, work, spread, ~device.computing)
    step = parts.step
    ran = last_work[step] >= 0
    after = parts.is_after | device.computing[step]
    completion = np.maximum(parts.start_ns, last_work[step])
    closing = ran & ~parts.is_before
    late = np.maximum(waits.done.start_ns, last_work[waits.done.step])
    held = StepIntervals(waits.done.step, late, waits.done.end_ns).where(
        last_work[waits.done.step] >= 0
    )
    on_host = [
        *first,
        spread.layer(Stage.QUEUE_EXECUTOR, held.where(held.end_ns > held.start_ns)),
        in_model.plus(_spans(Stage.COMPUTE, closing & ~after, completion, parts.end_ns)),
        after_model.plus(_spans(Stage.POSTPROCESS, closing & after, completion, parts.end_ns)),
        _spans(Stage.QUEUE_EXECUTOR, ran, parts.start_ns, parts.end_ns),
    ]
    on_device = device_layers(device, driver, work, spread, events, steps)
    layers = chain(on_device, on_host)
    unknown, waiting = Stage.UNATTRIBUTED.index, Stage.QUEUE_EXECUTOR.index
    pieces = tile(parts.start_ns, parts.end_ns, layers, unknown)
    pieces = where_possible(pieces, waiting, waits.possible, unknown)
    by_part = pieces.sums_ns(len(parts), len(STAGES))
    stage_ns = np.zeros((len(steps), len(STAGES)), np.int64)
    np.add.at(stage_ns, parts.step, by_part)
    return StepStages(parts, pieces, stage_ns, waits.possible)


def _spans(stage: Stage, chosen: Bools, start_ns: Int64s, end_ns: Int64s) -> Layer:
    """A layer of the spans of the chosen parts."""
    part = np.flatnonzero(chosen)
    return Layer(stage.index, part, start_ns[part], end_ns[part])


def _bare_runs(steps: Steps, on_device: Bools) -> StepIntervals:
    """Whole runs with device work but without a burst: their own thread did the host work."""
    burst = np.zeros(len(steps), np.bool_)
    burst[steps.burst_step] = True
    bare = np.flatnonzero(on_device & ~burst)
    return StepIntervals(bare, steps.start_ns[bare], steps.end_ns[bare])


def _ops_by_class(
    events: EventTable, steps: Steps, op_class: NDArray[np.int8]
) -> dict[OpClass, StepIntervals]:
    """Op events inside bursts, by class, as intervals of the burst's root step.

    Ops of functions that a tf.data pipeline called are left out, as all their time is the
    pipeline's.
    """
    row = np.flatnonzero(op_class[events.name_id] != OpClass.NOT_AN_OP)
    burst = innermost(events, steps.burst_row, row)
    keep = burst >= 0
    keep[keep] = ~steps.burst_is_data[burst[keep]]
    row, burst = row[keep], burst[keep]
    step = steps.burst_step[burst]
    kind = op_class[events.name_id[row]]
    every = StepIntervals(step, events.start_ns[row], events.end_ns[row])
    return {op: every.where(kind == op) for op in OpClass if op is not OpClass.NOT_AN_OP}


def _cpu_layers(
    by_class: dict[OpClass, StepIntervals],
    data: StepIntervals,
    work: StepIntervals,
    spread: Spread,
    on_host: Bools,
) -> list[Layer]:
    """Layers of the steps that computed on the host, in order of precedence."""
    model, early = (
        by_class[op].where(on_host[by_class[op].step]) for op in (OpClass.MODEL, OpClass.PREPROCESS)
    )
    data = data.where(on_host[data.step])
    work = work.where(on_host[work.step])
    steps = len(on_host)
    # String and lookup ops after the model label its output: they are no preprocessing. Work of
    # tf.data is, as it makes an input of some later op.
    model_last = _last(model, steps)
    late = early.start_ns >= np.where(model_last >= 0, model_last, NEVER_NS)[early.step]
    labels, early = early.where(late), early.where(~late).plus(data)

    phase_start = np.full(steps, NEVER_NS)
    np.minimum.at(phase_start, early.step, early.start_ns)
    phase_last = _last(early, steps)
    # The phase lasts until the first model op after its last op; if none was recorded, until the
    # part ends, by clipping.
    later = model.where(model.start_ns >= phase_last[model.step])
    phase_end = np.full(steps, NEVER_NS)
    np.minimum.at(phase_end, later.step, later.start_ns)
    in_phase = StepIntervals(
        work.step,
        np.maximum(work.start_ns, phase_start[work.step]),
        np.minimum(work.end_ns, phase_end[work.step]),
    ).where(phase_last[work.step] >= 0)
    return [
        spread.layer(Stage.COMPUTE, model, after=False),
        spread.layer(Stage.POSTPROCESS, labels, after=False),
        spread.layer(Stage.PREPROCESS, early.plus(in_phase), after=False),
        spread.layer(Stage.COMPUTE, work, after=False),
        spread.layer(Stage.POSTPROCESS, work, after=True),
    ]


def _last(of: StepIntervals, steps: int) -> Int64s:
    """(steps,) end of the last interval of each step, -1 if it has none."""
    last = np.full(steps, -1, np.int64)
    np.maximum.at(last, of.step, of.end_ns)
    return last
