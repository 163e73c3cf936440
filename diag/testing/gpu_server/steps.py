"""Steps of a simulated server: ops on threads of the executor's pool, and the work they launch."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from diag.formats.trace import event_names as ev
from diag.model.device import WorkKind
from diag.model.gaps import IdleCause
from diag.model.serving import Stage
from diag.testing.gpu_server.gpus import Gpu, Work
from diag.testing.gpu_server.plan import SLOW_FACTOR
from diag.testing.gpu_server.recording import Event, consumes, produces
from diag.testing.gpu_server.truth import Activity, InCall, Span, Truth

if TYPE_CHECKING:
    from collections import Counter

    from simpy import PriorityStore

    from diag.model.events import StatValue
    from diag.simulation.clock import Clock, Process
    from diag.testing.gpu_server.plan import Block, Call, Model, Op, Plan
    from diag.testing.gpu_server.recording import EventLog

US: Final = 1_000
POOL: Final = "tf_Compute"
# The last kernels of a GPU among which are all that ran during a step that ends.
KERNELS_BACK: Final = 2_000
_COPY_STAGES: Final = {WorkKind.COPY_IN: Stage.TRANSFER_IN, WorkKind.COPY_OUT: Stage.TRANSFER_OUT}
# Causes of time that a step spends in the driver or the compiler.
_PREPARING: Final = (IdleCause.ALLOCATOR, IdleCause.COLD_START)


@dataclass
class Step:
    """A running step.

    Attributes:
        number: Step id.
        link: Id that ties its run to its executor events.
        device: Index of its GPU; -1: none.
        begin_ns: Its begin.
        rows: Rows that it executes.
        works: Its work on the GPU.
        spans: What it did, for the truth of every request in it.
        calls: Its calls to the driver and the compiler, likewise.
        last_ns: End of its last device work; 0 if it has none.
        copied_ns: End of its last copy; 0 if it has none.
    """

    number: int
    link: int
    device: int
    begin_ns: int
    rows: int = 1
    works: list[Work] = field(default_factory=list)
    spans: list[Span[Activity]] = field(default_factory=list)
    calls: list[Span[Activity]] = field(default_factory=list)
    last_ns: int = 0
    copied_ns: int = 0

    @property
    def produces(self) -> dict[str, StatValue]:
        """Stats of the event of its run."""
        return {
            ev.STAT_ID: self.number,
            ev.STAT_ROOT: 1,
            **produces(ev.CONTEXT_EXECUTOR, self.link),
        }

    @property
    def consumes(self) -> dict[str, StatValue]:
        """Stats of the executor events of its run."""
        return {ev.STAT_ID: self.number, **consumes(ev.CONTEXT_EXECUTOR, self.link)}


@dataclass
class Machine:
    """What the parts of the server share: plan, clock, pool, GPUs and records."""

    plan: Plan
    clock: Clock
    recording: EventLog
    truth: Truth
    pool: PriorityStore
    gpus: list[Gpu]
    random: random.Random
    steps_of_model: Counter[tuple[int, int]]
    steps: list[Step] = field(default_factory=list)

    def vary(self, duration_ns: int) -> int:
        """The duration with random jitter, in ns."""
        jitter = self.plan.jitter
        return round(duration_ns * self.random.uniform(1 - jitter, 1 + jitter))

    def new_step(self, device: int, rows: int = 1) -> Step:
        """Start a step of so many rows now."""
        step = Step(
            next(self.recording.numbers),
            next(self.recording.numbers),
            device,
            self.clock.now_ns,
            rows,
        )
        self.steps.append(step)
        return step


def burst(
    on: Machine, step: Step, ops: tuple[Op, ...], caller: str, *, before_batcher: bool = False
) -> Process[str]:
    """Wait for a thread of the pool and run ops on it; returns the thread's line.

    The caller records the end with ``end_burst`` and returns the thread with ``return_thread``.

    Args:
        on: The machine.
        step: Step of the ops.
        ops: Ops to run.
        caller: Line of the thread that schedules the burst.
        before_batcher: Whether the ops precede an in-graph batcher.
    """
    now, record = on.clock, on.recording
    scheduled_ns, closure = now.now_ns, next(record.numbers)
    record.mark(
        caller, ev.THREADPOOL_RECORD, scheduled_ns, produces(ev.CONTEXT_THREADPOOL, closure)
    )
    yield on.clock.sleep(1 * US)
    thread = yield on.pool.get()
    line = f"{POOL}/{thread}"
    record.mark(
        line, ev.THREADPOOL_START_REGION, now.now_ns, consumes(ev.CONTEXT_THREADPOOL, closure)
    )
    began_ns = now.now_ns
    step.spans.append(
        Span(Stage.QUEUE_EXECUTOR, step.begin_ns if not step.spans else scheduled_ns, began_ns)
    )
    on.truth.add(
        step.device, IdleCause.QUEUE_EXECUTOR, scheduled_ns, began_ns, before_batcher=before_batcher
    )
    for load in on.plan.loads:
        on.truth.add(
            step.device,
            IdleCause.MODEL_LOAD,
            max(scheduled_ns, load.start_ns),
            min(began_ns, load.start_ns + load.duration_ns),
        )
    yield on.clock.sleep(1 * US)
    for op in ops:
        yield from _run_op(on, step, op, line)
    yield on.clock.sleep(1 * US)
    return line


def end_burst(on: Machine, step: Step, line: str, began_ns: int) -> None:
    """Record a burst that ends now; its thread stays occupied."""
    now = on.clock.now_ns
    on.recording.add(line, ev.EXECUTOR_PROCESS, began_ns, now, step.consumes)


def return_thread(on: Machine, line: str) -> None:
    """Return a thread to the pool."""
    on.recording.mark(line, ev.THREADPOOL_STOP_REGION, on.clock.now_ns)
    on.pool.put(int(line.rpartition("/")[2]))


def _run_op(on: Machine, step: Step, op: Op, line: str) -> Process[None]:
    begin_ns = on.clock.now_ns
    yield on.clock.sleep(on.vary(op.host_ns))
    if op.block is not None:
        yield from _delay(on, step, op.block, line)
    for call in op.calls:
        yield from _call(on, step, op, call, line)
    yield on.clock.sleep(500)
    on.recording.add(line, op.name, begin_ns, on.clock.now_ns)


def _delay(on: Machine, step: Step, block: Block, line: str) -> Process[None]:
    begin_ns = on.clock.now_ns
    yield on.clock.sleep(on.vary(block.duration_ns))
    end_ns = on.clock.now_ns
    if block.line:
        event = Event(block.name, begin_ns, end_ns, {})
        on.recording.devices[step.device][block.line].append(event)
    else:
        on.recording.add(line, block.name, begin_ns, end_ns)
    on.truth.add(step.device, block.cause, begin_ns, end_ns)
    if block.cause in _PREPARING:
        step.calls.append(Span(InCall(Stage.LAUNCH), begin_ns, end_ns))


def _call(on: Machine, step: Step, op: Op, call: Call, line: str) -> Process[None]:
    begin_ns = on.clock.now_ns
    yield on.clock.sleep(on.vary(call.host_ns))
    end_ns, correlation = on.clock.now_ns, next(on.recording.numbers)
    ids: dict[str, StatValue] = {
        ev.STAT_CORRELATION_ID: correlation,
        ev.STAT_DEVICE_ID: step.device,
    }
    on.recording.add(line, call.name, begin_ns, end_ns, ids)
    # Kernels need the copies before them; a copy back needs all of it.
    needed_ns = step.last_ns if call.kind is WorkKind.COPY_OUT else step.copied_ns
    work = on.gpus[step.device].enqueue(
        call,
        _device_ns(on, call),
        op.name,
        correlation,
        (begin_ns, end_ns),
        needed_ns,
        step.number,
    )
    step.last_ns = max(step.last_ns, work.end_ns)
    if call.kind in _COPY_STAGES:
        step.calls.append(Span(InCall(_COPY_STAGES[call.kind]), begin_ns, end_ns))
    if call.kind.is_copy:
        step.copied_ns = max(step.copied_ns, work.end_ns)
    if call.is_staged:
        on.truth.add(step.device, IdleCause.TRANSFER, begin_ns, work.start_ns)
    step.works.append(work)


def _device_ns(on: Machine, call: Call) -> int:
    """Duration of the call's work: kernels take longer at a lower clock, and some by chance."""
    duration_ns = on.vary(call.device_ns)
    if call.kind is WorkKind.KERNEL:
        duration_ns = round(duration_ns / on.plan.clock)
    is_slow = call.slow_share > 0 and on.random.random() < call.slow_share
    return duration_ns * SLOW_FACTOR if is_slow else duration_ns


def finish(on: Machine, step: Step, model: Model) -> Process[None]:
    """Block the thread of the last burst until the device is done, like the executor's Sync."""
    if step.last_ns > on.clock.now_ns:
        yield on.clock.sleep(step.last_ns - on.clock.now_ns)
    yield on.clock.sleep(on.vary(model.finish_ns))


def record_device_part(
    on: Machine, step: Step, began_ns: int, burst_end_ns: int, end_ns: int
) -> None:
    """Add the device part of a finished step to the truth.

    Args:
        on: The machine.
        step: The step.
        began_ns: Begin of the burst that launches the work.
        burst_end_ns: End of that burst.
        end_ns: End of the step.
    """
    if step.device < 0:
        step.spans.append(Span(Stage.COMPUTE, began_ns, end_ns))
        return
    last_ns = step.last_ns or burst_end_ns
    first_ns = min((work.start_ns for work in step.works), default=burst_end_ns)
    for what, stage, low, high in (
        (IdleCause.PREPROCESS, Stage.PREPROCESS, began_ns, first_ns),
        (IdleCause.LAUNCH, Stage.LAUNCH, first_ns, last_ns),
        (IdleCause.SYNC_OR_OUTPUT, Stage.POSTPROCESS, last_ns, end_ns),
    ):
        on.truth.add(step.device, what, low, high)
        step.spans.append(Span(stage, low, high))
    step.spans += step.calls
    step.spans += _behind_others(on.gpus[step.device], step)
    for work in step.works:
        step.spans.append(
            Span(_COPY_STAGES.get(work.kind, Stage.COMPUTE), work.start_ns, work.end_ns)
        )


def _behind_others(gpu: Gpu, step: Step) -> list[Span[Activity]]:
    """When a launched kernel of the step waited for kernels of other steps."""
    others = [
        work
        for number, work in gpu.kernels[-KERNELS_BACK:]
        if number != step.number and work.end_ns > step.begin_ns
    ]
    return [
        Span(
            Stage.DEVICE_WAIT, max(other.start_ns, own.launched_ns), min(other.end_ns, own.start_ns)
        )
        for own in step.works
        if own.kind is WorkKind.KERNEL
        for other in others
        if other.start_ns < own.start_ns and other.end_ns > own.launched_ns
    ]
