"""Runs of a simulated model: Session::Run, or the function of an in-graph batcher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from diag.formats.trace import event_names as ev
from diag.model.gaps import IdleCause
from diag.model.serving import Stage
from diag.testing.gpu_server.recording import consumes
from diag.testing.gpu_server.steps import (
    POOL,
    Machine,
    Step,
    burst,
    end_burst,
    finish,
    record_device_part,
    return_thread,
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
    """Run a model's step as Session::Run on a thread that waits for it."""
    begin_ns = on.clock.now_ns
    pool_line, began_ns, burst_end_ns = yield from _run(on, index, step, line)
    done_ns = on.clock.now_ns
    yield on.clock.sleep(4 * US)
    on.recording.add(pool_line, ev.EXECUTOR_DONE_CALLBACK, done_ns, on.clock.now_ns, step.consumes)
    return_thread(on, pool_line)
    yield on.clock.sleep(5 * US)
    version = on.plan.models[index].version
    label = {ev.STAT_MODEL_ID: version} if version else {}
    on.recording.add(line, ev.SESSION_RUN, begin_ns, on.clock.now_ns, step.produces | label)
    record_device_part(on, step, began_ns, burst_end_ns, on.clock.now_ns)


def run_function(
    on: Machine, taken: TakenBatch[QueuedRequest], step: Step, line: str
) -> Process[None]:
    """Run a batch's function: its event covers only the launch, its callback returns outputs."""
    begin_ns = on.clock.now_ns
    pool_line, began_ns, burst_end_ns = yield from _run(on, taken.queue, step, line)
    done_ns = on.clock.now_ns
    launched_ns = min(begin_ns + 30 * US, done_ns)
    on.recording.add(line, ev.FUNCTION_RUN, begin_ns, launched_ns, step.produces)
    yield from _call_back_in_turn(on, taken, pool_line)
    on.recording.add(pool_line, ev.EXECUTOR_DONE_CALLBACK, done_ns, on.clock.now_ns, step.consumes)
    return_thread(on, pool_line)
    record_device_part(on, step, began_ns, burst_end_ns, done_ns)


def _run(on: Machine, index: int, step: Step, line: str) -> Process[tuple[str, int, int]]:
    """Run up to the done callback; returns the line of the burst, its begin and its end."""
    begin_ns, first = on.clock.now_ns, len(step.spans)
    pool_line = yield from burst(on, step, _next_ops(on, index, step.rows), line)
    began_ns, burst_end_ns = step.spans[first].end_ns, on.clock.now_ns
    step.spans[first] = Span(Stage.QUEUE_EXECUTOR, begin_ns, began_ns)
    on.truth.add(step.device, IdleCause.QUEUE_EXECUTOR, begin_ns, began_ns)
    end_burst(on, step, pool_line, began_ns)
    yield from finish(on, step, on.plan.models[index])
    return pool_line, began_ns, burst_end_ns


def _call_back_in_turn(on: Machine, taken: TakenBatch[QueuedRequest], line: str) -> Process[None]:
    """Call back the requests of an in-graph batcher, one after the other."""
    model, batch = on.plan.models[taken.queue], taken.batch
    for task in batch.tasks:
        began_ns = on.clock.now_ns
        yield on.clock.sleep(on.vary(model.split_ns) // len(batch.tasks))
        done_ns = on.clock.now_ns
        yield on.clock.sleep(2 * US)
        ids = consumes(ev.CONTEXT_EXECUTOR, task.item.link)
        on.recording.add(line, ev.PROCESS_ASYNC_DONE, done_ns, on.clock.now_ns, ids)
        on.truth.add(model.device, IdleCause.SYNC_OR_OUTPUT, began_ns, on.clock.now_ns)
        # Lowest in STAGE_ORDER: it counts only where nothing else does.
        task.item.request.spans.append(Span(Stage.BATCH_SPLIT, batch.first_ns, done_ns))
        task.item.done.succeed()


def _next_ops(on: Machine, index: int, rows: int) -> tuple[Op, ...]:
    """The ops of a model's next step with a number of rows."""
    on.steps_of_model[index, rows] += 1
    number = on.steps_of_model[index, rows]
    ops = on.plan.models[index].ops
    return tuple(op for op in ops if not op.first_steps or number <= op.first_steps)


def load_model(on: Machine, load: ModelLoad) -> Process[None]:
    """Restore a version's variables: one step whose ops occupy every thread of the pool."""
    step, begin_ns = on.new_step(-1), on.clock.now_ns
    restored = [on.clock.event() for _ in range(on.plan.pool_threads)]
    for done in restored:
        on.clock.start(_restore(on, step, load, done), begin_ns)
    for done in restored:
        yield done
    yield on.clock.sleep(5 * US)
    on.recording.add("LoadServable/0", ev.SESSION_RUN, begin_ns, on.clock.now_ns, step.produces)


def _restore(on: Machine, step: Step, load: ModelLoad, done: Event) -> Process[None]:
    thread = yield on.pool.get()
    line, began_ns = f"{POOL}/{thread}", on.clock.now_ns
    yield on.clock.sleep(max(2 * US, load.start_ns + load.duration_ns - began_ns))
    on.recording.add(line, "save/RestoreV2:RestoreV2", began_ns + 500, on.clock.now_ns - 500)
    end_burst(on, step, line, began_ns)
    return_thread(on, line)
    done.succeed()
