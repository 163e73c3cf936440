"""Runs of a simulated model: a session's, or a function's for an in-graph batcher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from diag.formats.trace import event_names as ev
from diag.model.gaps import IdleCause
from diag.model.serving import Stage
from diag.testing.gpu_server.steps import (
    POOL,
    Machine,
    Step,
    burst,
    end_burst,
    finish,
    give_back,
    tell,
)
from diag.testing.gpu_server.truth import Span

if TYPE_CHECKING:
    from simpy import Event

    from diag.simulation.batch_queue import TakenBatch
    from diag.simulation.clock import Process
    from diag.testing.gpu_server.plan import ModelLoad, Op
    from diag.testing.gpu_server.queued import QueuedRequest

US: Final = 1_000


def run_session(on: Machine, index: int, step: Step, line: str) -> Process[None]:
    """A Session::Run of a model on a thread that waits for it."""
    begin_ns = on.clock.now_ns
    pool_line, began_ns, burst_end_ns = yield from _run(on, index, step, line)
    done_ns = on.clock.now_ns
    yield on.clock.sleep(4 * US)
    on.recording.add(pool_line, ev.EXECUTOR_DONE_CALLBACK, done_ns, on.clock.now_ns, step.consumes)
    give_back(on, pool_line)
    yield on.clock.sleep(5 * US)
    on.recording.add(line, ev.SESSION_RUN, begin_ns, on.clock.now_ns, step.produces)
    tell(on, step, began_ns, burst_end_ns, on.clock.now_ns)


def run_function(
    on: Machine, taken: TakenBatch[QueuedRequest], step: Step, line: str
) -> Process[None]:
    """A function for a batch: its event covers the launch, its last callback answers in turn."""
    begin_ns = on.clock.now_ns
    pool_line, began_ns, burst_end_ns = yield from _run(on, taken.queue, step, line)
    done_ns = on.clock.now_ns
    launched_ns = min(begin_ns + 30 * US, done_ns)
    on.recording.add(line, ev.FUNCTION_RUN, begin_ns, launched_ns, step.produces)
    yield from _answer_in_turn(on, taken, pool_line)
    on.recording.add(pool_line, ev.EXECUTOR_DONE_CALLBACK, done_ns, on.clock.now_ns, step.consumes)
    give_back(on, pool_line)
    tell(on, step, began_ns, burst_end_ns, done_ns)


def _run(on: Machine, index: int, step: Step, line: str) -> Process[tuple[str, int, int]]:
    """Up to the done callback; returns the line of the burst, and its begin and end."""
    begin_ns, asked = on.clock.now_ns, len(step.spans)
    pool_line = yield from burst(on, step, _next_ops(on, index), line)
    began_ns, burst_end_ns = step.spans[asked].end_ns, on.clock.now_ns
    step.spans[asked] = Span(Stage.QUEUE_EXECUTOR, begin_ns, began_ns)
    on.truth.add(step.device, IdleCause.QUEUE_EXECUTOR, begin_ns, began_ns)
    end_burst(on, step, pool_line, began_ns)
    yield from finish(on, step, on.plan.models[index])
    return pool_line, began_ns, burst_end_ns


def _answer_in_turn(on: Machine, taken: TakenBatch[QueuedRequest], line: str) -> Process[None]:
    """The callbacks of an in-graph batcher's requests, one after the other."""
    model, batch = on.plan.models[taken.queue], taken.batch
    for task in batch.tasks:
        began_ns = on.clock.now_ns
        yield on.clock.sleep(on.vary(model.split_ns) // len(batch.tasks))
        done_ns = on.clock.now_ns
        yield on.clock.sleep(2 * US)
        ids = {"_ct": 2, "_c": task.item.link}
        on.recording.add(line, ev.PROCESS_ASYNC_DONE, done_ns, on.clock.now_ns, ids)
        on.truth.add(model.device, IdleCause.SYNC_OR_OUTPUT, began_ns, on.clock.now_ns)
        # Whatever else held since the batch was opened comes first.
        task.item.request.spans.append(Span(Stage.BATCH_SPLIT, batch.first_ns, done_ns))
        task.item.done.succeed()


def _next_ops(on: Machine, index: int) -> tuple[Op, ...]:
    """The ops of a model's next step."""
    on.steps_of_model[index] += 1
    number = on.steps_of_model[index]
    ops = on.plan.models[index].ops
    return tuple(op for op in ops if not op.first_steps or number <= op.first_steps)


def load_model(on: Machine, load: ModelLoad) -> Process[None]:
    """Restore a version's variables: one step whose ops hold every thread of the pool."""
    step, begin_ns = on.new_step(-1), on.clock.now_ns
    remaining = [on.clock.event() for _ in range(on.plan.pool_threads)]
    for over in remaining:
        on.clock.start(_restore(on, step, load, over), begin_ns)
    for over in remaining:
        yield over
    yield on.clock.sleep(5 * US)
    on.recording.add("LoadServable/0", ev.SESSION_RUN, begin_ns, on.clock.now_ns, step.produces)


def _restore(on: Machine, step: Step, load: ModelLoad, over: Event) -> Process[None]:
    thread = yield on.pool.get()
    line, began_ns = f"{POOL}/{thread}", on.clock.now_ns
    yield on.clock.sleep(max(2 * US, load.start_ns + load.duration_ns - began_ns))
    on.recording.add(line, "save/RestoreV2:RestoreV2", began_ns + 500, on.clock.now_ns - 500)
    end_burst(on, step, line, began_ns)
    give_back(on, line)
    over.succeed()
