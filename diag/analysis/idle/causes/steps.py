"""Causes from steps: host work before, between and after a step's work on a device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.execution.host_calls import Calls
from diag.analysis.execution.parts import StepIntervals
from diag.analysis.idle.causes.cause_intervals import CauseIntervals
from diag.analysis.idle.causes.step_evidence import StepEvidence
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.idle.timeline import IdleTimeline
from diag.analysis.intervals.sets import (
    EMPTY,
    Lanes,
    intersect,
    is_covered,
    merge,
    subtract,
    union,
)
from diag.analysis.intervals.sweep import slices
from diag.model.events import Bools, Int64s, Ints
from diag.model.gaps import IdleCause
from diag.model.intervals import IntervalSet
from diag.model.serving import Stage

# Stages of a step with device work that are host work; and stages of host or device.
_HOST_WORK = (Stage.PREPROCESS.index, Stage.LAUNCH.index, Stage.POSTPROCESS.index)
_COPYING = (Stage.TRANSFER_IN.index, Stage.TRANSFER_OUT.index)


@dataclass(frozen=True, slots=True, eq=False)
class StepCauses:
    """What the state of steps explains.

    Attributes:
        launch: Between a step's first and last work on the device, while the host works on it.
        preprocess: Before a step's first work on the device, while the host runs ops or bursts.
        queue_executor: Before a step's last work on the device, while nothing of it runs on the
            host.
        preprocess_ahead: The same as ``preprocess``, in the graph ahead of an in-graph batcher.
        queue_executor_ahead: The same as ``queue_executor``, ahead of an in-graph batcher.
        output: After a step's last work on the device, or after the batcher returned: outputs, and
            the end of the step.
    """

    launch: CauseIntervals
    preprocess: CauseIntervals
    queue_executor: CauseIntervals
    preprocess_ahead: CauseIntervals
    queue_executor_ahead: CauseIntervals
    output: CauseIntervals


def step_causes(inputs: IdleInputs, timeline: IdleTimeline, evidence: StepEvidence) -> StepCauses:
    """Read the stages of the steps that concern a timeline."""
    pieces, sync = _StepPieces(inputs, timeline), inputs.execution.calls.sync
    preprocess, before_device = pieces.of(Stage.PREPROCESS), pieces.before_without_bursts()
    waiting, between = pieces.of(Stage.QUEUE_EXECUTOR) & ~pieces.is_past, pieces.between()
    output = pieces.of(Stage.POSTPROCESS)
    ended = pieces.of(Stage.QUEUE_EXECUTOR) | pieces.of(Stage.UNATTRIBUTED)
    ended &= pieces.is_past
    no_burst = between & pieces.has_no_burst
    launching, stalled, syncing = pieces.split_by_work(between & ~no_burst, sync)
    writing, closing, waiting_for_device = pieces.split_by_work(output, sync)
    ahead, certain = pieces.is_ahead, pieces.is_certain
    launch = merge(launching, pieces.set_of(no_burst))
    stalled = intersect(stalled, inputs.execution.staged.may_wait)
    early = preprocess | pieces.graph_ahead()
    pending = evidence.waiting
    pending_closures = union(pending.start_ns, pending.end_ns) if waiting.any() else EMPTY
    host_events = (evidence.preprocess_ops, evidence.ops, evidence.bursts, evidence.runs)
    return StepCauses(
        launch=CauseIntervals(
            IdleCause.LAUNCH,
            launch,
            launch,
            (evidence.launches, evidence.ops, evidence.bursts, evidence.runs),
        ),
        preprocess=CauseIntervals(
            IdleCause.PREPROCESS,
            pieces.set_of((preprocess | before_device) & ~ahead),
            pieces.set_of(preprocess & ~ahead & certain),
            host_events,
        ),
        queue_executor=CauseIntervals(
            IdleCause.QUEUE_EXECUTOR,
            merge(pieces.set_of(waiting & ~ahead), stalled),
            pending_closures,
            (pending, evidence.batch_runs, evidence.runs),
        ),
        preprocess_ahead=CauseIntervals(
            IdleCause.PREPROCESS,
            pieces.set_of(early & ahead),
            pieces.set_of(early & ahead & certain),
            host_events,
        ),
        queue_executor_ahead=CauseIntervals(
            IdleCause.QUEUE_EXECUTOR,
            pieces.set_of(waiting & ahead),
            pending_closures,
            (pending, evidence.runs),
        ),
        output=CauseIntervals(
            IdleCause.SYNC_OR_OUTPUT,
            merge(pieces.set_of(output | ended), syncing, waiting_for_device, closing),
            merge(writing, syncing, waiting_for_device),
            (evidence.ops, evidence.bursts, evidence.batch_runs, evidence.runs),
        ),
    )


class _StepPieces:
    """Stage pieces of the steps that concern a timeline, with what the causes depend on.

    Attributes:
        has_no_burst: (pieces,) the step shows no executor burst, only its run.
        is_certain: (pieces,) the step is known to concern the timeline.
        is_ahead: (pieces,) a call of the step to an in-graph batcher follows.
        is_past: (pieces,) the step has no more work on the device, or its batcher has returned.
    """

    def __init__(self, inputs: IdleInputs, timeline: IdleTimeline) -> None:
        execution, use, device = inputs.execution, timeline.use, timeline.device
        staged, steps = execution.staged, execution.steps
        self._steps, self._events = steps, execution.events
        self._pieces = staged.pieces
        owner = self._pieces.owner
        self._step = staged.parts.step.astype(np.int32)[owner]
        self._code = _by_place(inputs, self._step, staged.parts.is_before[owner])
        self._mine = timeline.answering_steps(inputs)[self._step]
        self._touching = use.touching[self._step]
        bursts = np.bincount(steps.burst_step, minlength=len(steps))
        self.has_no_burst = bursts[self._step] == 0
        self.is_certain = use.is_certain[self._step]
        self.is_ahead = staged.parts.is_before[owner]
        self._is_device = device is not None
        # Whether a piece begins before its step's first device work, and before its last here.
        self._is_early = self._before(inputs.execution.device.first_ns)
        self._is_under_way = (
            np.zeros(len(owner), np.bool_) if device is None else self._before(device.last_ns)
        )
        done = self._touching & ~self._is_under_way
        self.is_past = done | (staged.parts.is_after[owner] & ~self.is_ahead)

    def _before(self, of_step_ns: Int64s) -> Bools:
        out = np.empty(len(self._step), np.bool_)
        for some in slices(len(out)):
            out[some] = self._pieces.start_ns[some] < of_step_ns[self._step[some]]
        return out

    def of(self, stage: Stage) -> Bools:
        """(pieces,) whether a piece is of this stage."""
        return np.asarray(self._mine & (self._code == stage.index), np.bool_)

    def before_without_bursts(self) -> Bools:
        """Pieces before the first device work of steps that show no burst, only their run."""
        early = self._touching & self.has_no_burst & self._is_early
        return np.asarray(self.of(Stage.UNATTRIBUTED) & early, np.bool_)

    def graph_ahead(self) -> Bools:
        """Host work in the graph ahead of a batcher whose batches run on a device."""
        return self.of(Stage.COMPUTE) & (self._is_device & self.is_ahead)

    def between(self) -> Bools:
        """Pieces between a step's first and last work on the device, while none of it runs."""
        return self.of(Stage.LAUNCH) & self._touching & self._is_under_way

    def set_of(self, chosen: Bools) -> IntervalSet:
        """The union of the chosen pieces."""
        return union(self._pieces.start_ns[chosen], self._pieces.end_ns[chosen])

    def split_by_work(
        self, chosen: Bools, sync: Calls
    ) -> tuple[IntervalSet, IntervalSet, IntervalSet]:
        """Divide pieces by what their own step did on the host: it worked, did nothing, or waited.

        Waiting is time inside a call in ``sync``.
        """
        if not chosen.any():
            return EMPTY, EMPTY, EMPTY
        steps, events = self._steps, self._events
        lanes = Lanes.over(steps.start_ns, np.maximum(steps.start_ns, steps.end_ns))
        own = np.zeros(len(steps), np.bool_)
        own[self._step[chosen]] = True
        burst = own[steps.burst_step]
        rows = steps.burst_row[burst]
        bursts = StepIntervals(steps.burst_step[burst], events.start_ns[rows], events.end_ns[rows])
        waits = (sync.step >= 0) & np.append(own, False)[sync.step]
        span = self._place(lanes, chosen)
        work = self._in_lanes(lanes, bursts)
        held = self._in_lanes(
            lanes, StepIntervals(sync.step[waits], sync.start_ns[waits], sync.end_ns[waits])
        )
        waited, span = intersect(span, held), subtract(span, held)
        worked, rested = intersect(span, work), subtract(span, work)
        del span
        return _in_time(lanes, worked), _in_time(lanes, rested), _in_time(lanes, waited)

    def _place(self, lanes: Lanes, chosen: Bools) -> IntervalSet:
        """The chosen pieces as one set over all steps, made in slices as there may be millions."""
        count = int(np.count_nonzero(chosen))
        begin, stop = np.empty(count, np.int64), np.empty(count, np.int64)
        done = 0
        for some in slices(len(chosen)):
            mine = chosen[some]
            step = self._step[some][mine]
            into = slice(done, done + len(step))
            begin[into] = lanes.place(step, self._pieces.start_ns[some][mine])
            stop[into] = lanes.place(step, self._pieces.end_ns[some][mine])
            done += len(step)
        return union(begin, stop)

    def _in_lanes(self, lanes: Lanes, of: StepIntervals) -> IntervalSet:
        low, high = self._steps.start_ns, self._steps.end_ns
        return lanes.lay(of.step, of.start_ns, of.end_ns, low, np.maximum(low, high))


def _by_place(inputs: IdleInputs, step: Ints, is_ahead: Bools) -> Ints:
    """Stage of each piece; for host work of steps that used a device by its place in the step.

    Host work keeps the device waiting before, between or after the step's device work, whatever its
    stage: so also host time that counts as copying, or as compute of a step whose only device work
    is copies. Ahead of an in-graph batcher all host work is before the device work.
    """
    device, pieces = inputs.execution.device, inputs.execution.staged.pieces
    out: Ints = pieces.code.copy()
    copies = merge(*(each.copies for each in device.devices))
    for some in slices(len(out)):
        code, mine = out[some], step[some]
        on_host = np.isin(code, _HOST_WORK)
        on_host |= (code == Stage.COMPUTE.index) & ~device.computing[mine]
        copying = np.isin(code, _COPYING)
        on_host[copying] = ~is_covered(copies, pieces.start_ns[some][copying])
        placed = np.flatnonzero(on_host & device.used[mine])
        start, of = pieces.start_ns[some][placed], mine[placed]
        code[placed] = Stage.LAUNCH.index
        code[placed[start >= device.last_ns[of]]] = Stage.POSTPROCESS.index
        ahead = is_ahead[some][placed] & ~device.computing[of]
        code[placed[(start < device.first_ns[of]) | ahead]] = Stage.PREPROCESS.index
    return out


def _in_time(lanes: Lanes, placed: IntervalSet) -> IntervalSet:
    """The set as times of the window. Overwrites the arrays of ``placed``, which may be large."""
    start, end = placed.edges
    for some in slices(len(start)):
        end[some] -= start[some]
        start[some] = lanes.time(start[some])
        end[some] += start[some]
    return union(start, end)
