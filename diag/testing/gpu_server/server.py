"""A simulated TensorFlow Serving server with GPUs: its handlers and its batch threads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from diag.formats.trace import event_names as ev
from diag.model.gaps import IdleCause
from diag.model.serving import Mode, Stage
from diag.testing.gpu_server.clockwork import Signal, Threads
from diag.testing.gpu_server.queues import Batch, Queue, Task
from diag.testing.gpu_server.runs import run_function, run_session
from diag.testing.gpu_server.steps import Machine, burst, end_burst, finish, give_back
from diag.testing.gpu_server.truth import RequestTruth, Span

if TYPE_CHECKING:
    from diag.model.events import StatValue
    from diag.testing.gpu_server.clockwork import Process

US: Final = 1_000
POLL_NS: Final = 1_000_000  # kBatchThreadPoolPollMicros
WAKE_NS: Final = 15 * US
HANDLERS: Final = 256


@dataclass
class Server:
    """Its processes, on one machine.

    Attributes:
        held: When each batch thread had a batch.
        waits: Of every batch that was taken: its GPU, when it was ready and when it was taken.
    """

    on: Machine
    queues: list[Queue]
    handlers: Threads = field(default_factory=lambda: Threads(HANDLERS))
    held: list[tuple[int, int]] = field(default_factory=list)
    waits: list[tuple[int, Batch, int, int]] = field(default_factory=list)
    _idle: list[Signal] = field(default_factory=list)

    def request(self, index: int) -> Process[None]:
        """One request of a model, from its arrival to its answer."""
        on, model = self.on, self.on.plan.models[index]
        truth = RequestTruth(index, on.clock.now_ns)
        on.truth.requests.append(truth)
        handler = yield from self.handlers.take()
        if model.ingress_ns:
            yield on.vary(model.ingress_ns)
            on.truth.add(model.device, IdleCause.INGRESS, truth.arrived_ns, on.clock.now_ns)
        truth.start_ns = on.clock.now_ns
        serve = {
            Mode.UNBATCHED: self._serve_alone,
            Mode.BATCHING_SESSION: self._serve_batched,
            Mode.BATCH_FUNCTION: self._serve_in_graph,
        }[model.mode]
        yield from serve(index, truth, f"grpcpp_sync_ser/{handler}")
        truth.end_ns = on.clock.now_ns
        on.truth.add(model.device, IdleCause.UNEXPLAINED, truth.start_ns, truth.end_ns)
        self.handlers.give(handler)

    def _serve_alone(self, index: int, truth: RequestTruth, line: str) -> Process[None]:
        step = self.on.new_step(self.on.plan.models[index].device)
        yield from run_session(self.on, index, step, line)
        truth.spans += step.spans

    def _serve_batched(self, index: int, truth: RequestTruth, line: str) -> Process[None]:
        on, model = self.on, self.on.plan.models[index]
        yield on.vary(model.schedule_ns)
        task = Task(truth, on.clock.now_ns)
        truth.spans.append(Span(Stage.SCHEDULE, truth.start_ns, task.enqueued_ns))
        self._enqueue(index, task, line, truth.start_ns + 1 * US)
        yield task.done
        woken_ns = on.clock.now_ns
        yield 10 * US
        end_ns = on.clock.now_ns
        on.recording.add(line, ev.BATCHING_SESSION_RUN, truth.start_ns, end_ns, {"_r": 1})
        truth.spans.append(Span(Stage.BATCH_SPLIT, woken_ns, end_ns))
        on.truth.add(model.device, IdleCause.SYNC_OR_OUTPUT, woken_ns, end_ns)

    def _serve_in_graph(self, index: int, truth: RequestTruth, line: str) -> Process[None]:
        on, model = self.on, self.on.plan.models[index]
        step, begin_ns = on.new_step(model.device), on.clock.now_ns
        pool_line = yield from burst(on, step, model.before, line, before_batcher=True)
        began_ns, start_ns = step.spans[-1].end_ns, on.clock.now_ns
        on.truth.add(model.device, IdleCause.PREPROCESS, began_ns, start_ns, before_batcher=True)
        step.spans.append(Span(Stage.PREPROCESS, began_ns, start_ns))
        yield 2 * US
        task = Task(truth, on.clock.now_ns, link=next(on.recording.numbers))
        step.spans.append(Span(Stage.SCHEDULE, start_ns, task.enqueued_ns))
        self._enqueue(index, task, pool_line, start_ns + 1 * US)
        yield 4 * US
        ids: dict[str, StatValue] = {"step_id": step.number, "_pt": 2, "_p": task.link}
        ids |= {"name": "batch", "kernel_type": ev.BATCH_FUNCTION}
        on.recording.add(pool_line, ev.PROCESS_ASYNC_START, start_ns, on.clock.now_ns, ids)
        end_burst(on, step, pool_line, began_ns)
        give_back(on, pool_line)
        yield task.done
        done_ns = on.clock.now_ns
        pool_line = yield from burst(on, step, (), line)
        end_burst(on, step, pool_line, step.spans[-1].end_ns)
        yield from finish(on, step, model)
        called_ns = on.clock.now_ns
        yield 4 * US
        end_ns = on.clock.now_ns
        on.recording.add(pool_line, ev.EXECUTOR_DONE_CALLBACK, called_ns, end_ns, step.consumes)
        give_back(on, pool_line)
        on.recording.add(line, ev.SESSION_RUN, begin_ns, end_ns, step.produces)
        on.truth.add(model.device, IdleCause.SYNC_OR_OUTPUT, done_ns, end_ns)
        step.spans.append(Span(Stage.POSTPROCESS, done_ns, end_ns))
        truth.spans += step.spans

    def _enqueue(self, index: int, task: Task, line: str, scheduled_ns: int) -> None:
        """Put a task into its queue and, if that made a batch full, wake a batch thread."""
        record, at = self.on.recording, task.enqueued_ns
        batch, is_full = self.queues[index].put(task)
        ids: dict[str, StatValue] = {"size": 1, "_pt": 4, "_p": batch.id}
        record.add(line, ev.SCHEDULE_OUTPUT_TASK, at, at + 1 * US, ids)
        size = {"batching_input_task_size": 1}
        record.add(line, ev.SCHEDULE_WITHOUT_SPLIT, scheduled_ns, at + 2 * US, size)
        if is_full and self._idle:
            self.on.clock.call_at(at + WAKE_NS, self._idle.pop(0).give)

    def batch_thread(self, number: int) -> Process[None]:
        """Take batches for ever; with none ready, look again after a poll or when woken."""
        clock, line = self.on.clock, f"batch_threads_/{number}"
        while True:
            taken = self._next_batch()
            if taken is None:
                wake = Signal()
                self._idle.append(wake)
                clock.call_at(clock.now_ns + POLL_NS, wake.give)
                yield wake
                if wake in self._idle:
                    self._idle.remove(wake)
                continue
            began_ns = clock.now_ns
            yield from self._process(*taken, line)
            self.held.append((began_ns, clock.now_ns))
            yield 1 * US

    def _next_batch(self) -> tuple[int, Batch] | None:
        """The ready batch that was opened first."""
        for queue in sorted(self.queues, key=lambda each: each.oldest_ns):
            batch = queue.take(self.on.clock.now_ns)
            if batch is not None:
                return queue.index, batch
        return None

    def _process(self, index: int, batch: Batch, line: str) -> Process[None]:
        """A batch, from its dequeue to the end of its callback."""
        on, model = self.on, self.on.plan.models[index]
        taken_ns, rows = on.clock.now_ns, len(batch.tasks)
        ready_ns = min(batch.ready_ns(model.batching.timeout_ns), taken_ns)
        self.waits.append((model.device, batch, ready_ns, taken_ns))
        yield on.vary(model.merge_ns)
        merged_ns, in_graph = on.clock.now_ns, model.mode is Mode.BATCH_FUNCTION
        padded = self.queues[index].padded(rows)
        padding = {"batch_size_after_padding": padded, "padding_amount": padded - rows}
        merge = ev.CONCAT_INPUT_TENSORS if in_graph else ev.MERGE_INPUT_TENSORS
        on.recording.add(line, merge, taken_ns + 1 * US, merged_ns - 1 * US, padding)
        host_work = IdleCause.BATCH_THREADS_IN_HOST_WORK
        on.truth.add(model.device, host_work, taken_ns, merged_ns)
        step = on.new_step(model.device)
        step.spans.append(Span(Stage.BATCH_FORMATION, taken_ns, merged_ns))
        if in_graph:
            yield from run_function(on, index, step, line, batch)
        else:
            yield from run_session(on, index, step, line)
        run_end_ns = on.clock.now_ns
        for task in batch.tasks:
            task.request.spans += step.spans
            if not in_graph:
                yield on.vary(model.split_ns) // rows
                task.request.spans.append(Span(Stage.BATCH_SPLIT, run_end_ns, on.clock.now_ns))
                task.done.give()
        yield 3 * US
        ids: dict[str, StatValue] = {"batch_size_before_padding": rows, "_r": 2}
        ids |= {"_ct": 4, "_c": batch.id}
        on.recording.add(line, ev.PROCESS_BATCH, taken_ns, on.clock.now_ns, ids)
        on.truth.add(model.device, IdleCause.SYNC_OR_OUTPUT, run_end_ns, on.clock.now_ns)
