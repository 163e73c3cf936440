"""Request handlers and batch threads of a simulated TensorFlow Serving server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simpy import PriorityStore

from diag.formats.trace import event_names as ev
from diag.model.gaps import IdleCause
from diag.model.serving import Mode, Stage
from diag.simulation.scheduler import BatchScheduler
from diag.testing.gpu_server.queued import QueuedRequest, batch_id
from diag.testing.gpu_server.recording import consumes, produces
from diag.testing.gpu_server.runs import run_function, run_session
from diag.testing.gpu_server.steps import Machine, burst, end_burst, finish, return_thread
from diag.testing.gpu_server.truth import RequestTruth, Span

if TYPE_CHECKING:
    from diag.simulation.batch_queue import TakenBatch
    from diag.simulation.clock import Process

US: Final = 1_000
WAKE_NS: Final = 15 * US
TURN_NS: Final = 1 * US
HANDLERS: Final = 256


class Server:
    """The processes of a simulated server.

    Attributes:
        on: The machine that they run on.
        batcher: Queues and batch threads; queue ``i`` belongs to model ``i``.
        taken: Every batch that a thread took, in that order.
    """

    def __init__(self, on: Machine) -> None:
        self.on = on
        self.taken: list[TakenBatch[QueuedRequest]] = []
        self.batcher = BatchScheduler[QueuedRequest](
            on.clock,
            [model.batching for model in on.plan.models],
            on.plan.batch_threads,
            self._process,
            first_look_ns=[on.random.randrange(1_000_000) for _ in range(on.plan.batch_threads)],
            wake_ns=WAKE_NS,
            turn_ns=TURN_NS,
        )
        self._handlers = PriorityStore(on.clock)
        self._handlers.items = list(range(HANDLERS))

    def request(self, index: int) -> Process[None]:
        """Serve one request of a model, from its arrival to its answer."""
        on, model = self.on, self.on.plan.models[index]
        truth = RequestTruth(index, on.clock.now_ns)
        on.truth.requests.append(truth)
        handler = yield self._handlers.get()
        if model.ingress_ns:
            yield on.clock.sleep(on.vary(model.ingress_ns))
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
        self._handlers.put(handler)

    def _serve_alone(self, index: int, truth: RequestTruth, line: str) -> Process[None]:
        step = self.on.new_step(self.on.plan.models[index].device)
        yield from run_session(self.on, index, step, line)
        truth.spans += step.spans

    def _serve_batched(self, index: int, truth: RequestTruth, line: str) -> Process[None]:
        on, model = self.on, self.on.plan.models[index]
        yield on.clock.sleep(on.vary(model.schedule_ns))
        task = QueuedRequest(truth, on.clock.now_ns, on.clock.event())
        truth.spans.append(Span(Stage.SCHEDULE, truth.start_ns, task.enqueued_ns))
        self._enqueue(index, task, line, truth.start_ns + 1 * US)
        yield task.done
        woken_ns = on.clock.now_ns
        yield on.clock.sleep(10 * US)
        end_ns = on.clock.now_ns
        on.recording.add(line, ev.BATCHING_SESSION_RUN, truth.start_ns, end_ns, {ev.STAT_ROOT: 1})
        truth.spans.append(Span(Stage.BATCH_SPLIT, woken_ns, end_ns))
        on.truth.add(model.device, IdleCause.SYNC_OR_OUTPUT, woken_ns, end_ns)

    def _serve_in_graph(self, index: int, truth: RequestTruth, line: str) -> Process[None]:
        on, model = self.on, self.on.plan.models[index]
        step, begin_ns = on.new_step(model.device), on.clock.now_ns
        pool_line = yield from burst(on, step, model.before, line, before_batcher=True)
        began_ns, start_ns = step.spans[-1].end_ns, on.clock.now_ns
        on.truth.add(model.device, IdleCause.PREPROCESS, began_ns, start_ns, before_batcher=True)
        step.spans.append(Span(Stage.PREPROCESS, began_ns, start_ns))
        yield on.clock.sleep(2 * US)
        link = next(on.recording.numbers)
        task = QueuedRequest(truth, on.clock.now_ns, on.clock.event(), link)
        step.spans.append(Span(Stage.SCHEDULE, start_ns, task.enqueued_ns))
        self._enqueue(index, task, pool_line, start_ns + 1 * US)
        yield on.clock.sleep(4 * US)
        ids = produces(ev.CONTEXT_EXECUTOR, task.link) | {
            ev.STAT_STEP_ID: step.number,
            ev.STAT_NAME: "batch",
            ev.STAT_KERNEL_TYPE: ev.BATCH_FUNCTION,
        }
        on.recording.add(pool_line, ev.PROCESS_ASYNC_START, start_ns, on.clock.now_ns, ids)
        end_burst(on, step, pool_line, began_ns)
        return_thread(on, pool_line)
        yield task.done
        done_ns = on.clock.now_ns
        pool_line = yield from burst(on, step, (), line)
        end_burst(on, step, pool_line, step.spans[-1].end_ns)
        yield from finish(on, step, model)
        called_ns = on.clock.now_ns
        yield on.clock.sleep(4 * US)
        end_ns = on.clock.now_ns
        on.recording.add(pool_line, ev.EXECUTOR_DONE_CALLBACK, called_ns, end_ns, step.consumes)
        return_thread(on, pool_line)
        on.recording.add(line, ev.SESSION_RUN, begin_ns, end_ns, step.produces)
        on.truth.add(model.device, IdleCause.SYNC_OR_OUTPUT, done_ns, end_ns)
        step.spans.append(Span(Stage.POSTPROCESS, done_ns, end_ns))
        truth.spans += step.spans

    def _enqueue(self, index: int, task: QueuedRequest, line: str, scheduled_ns: int) -> None:
        """Put a request into its model's queue."""
        record, at = self.on.recording, task.enqueued_ns
        (batch,) = self.batcher.schedule(index, task, rows=1)
        ids = produces(ev.CONTEXT_BATCH_SCHEDULER, batch_id(index, batch)) | {ev.STAT_SIZE: 1}
        record.add(line, ev.SCHEDULE_OUTPUT_TASK, at, at + 1 * US, ids)
        size = {ev.STAT_BATCHING_INPUT_TASK_SIZE: 1}
        record.add(line, ev.SCHEDULE_WITHOUT_SPLIT, scheduled_ns, at + 2 * US, size)

    def _process(self, thread: int, taken: TakenBatch[QueuedRequest]) -> Process[None]:
        """Process a batch on a batch thread, from its dequeue to the end of its callback."""
        on, model = self.on, self.on.plan.models[taken.queue]
        line, taken_ns, rows = f"batch_threads_/{thread}", taken.taken_ns, taken.batch.rows
        requests = [task.item for task in taken.batch.tasks]
        self.taken.append(taken)
        yield on.clock.sleep(on.vary(model.merge_ns))
        merged_ns, in_graph = on.clock.now_ns, model.mode is Mode.BATCH_FUNCTION
        padding = {
            ev.STAT_BATCH_SIZE_AFTER_PADDING: taken.padded_rows,
            ev.STAT_PADDING_AMOUNT: taken.padded_rows - rows,
        }
        merge = ev.CONCAT_INPUT_TENSORS if in_graph else ev.MERGE_INPUT_TENSORS
        on.recording.add(line, merge, taken_ns + 1 * US, merged_ns - 1 * US, padding)
        host_work = IdleCause.BATCH_THREADS_IN_HOST_WORK
        on.truth.add(model.device, host_work, taken_ns, merged_ns)
        step = on.new_step(model.device, taken.padded_rows)
        step.spans.append(Span(Stage.BATCH_FORMATION, taken_ns, merged_ns))
        if in_graph:
            yield from run_function(on, taken, step, line)
        else:
            yield from run_session(on, taken.queue, step, line)
        run_end_ns = on.clock.now_ns
        for each in requests:
            each.request.spans += step.spans
            if not in_graph:
                yield on.clock.sleep(on.vary(model.split_ns) // rows)
                each.request.spans.append(Span(Stage.BATCH_SPLIT, run_end_ns, on.clock.now_ns))
                each.done.succeed()
        yield on.clock.sleep(3 * US)
        ids = consumes(ev.CONTEXT_BATCH_SCHEDULER, batch_id(taken.queue, taken.batch))
        ids |= {ev.STAT_BATCH_SIZE_BEFORE_PADDING: rows, ev.STAT_ROOT: 2}
        on.recording.add(line, ev.PROCESS_BATCH, taken_ns, on.clock.now_ns, ids)
        on.truth.add(model.device, IdleCause.SYNC_OR_OUTPUT, run_end_ns, on.clock.now_ns)
