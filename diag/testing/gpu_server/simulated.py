"""Run a plan: simulate the server, and return its trace and the truth."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from simpy import PriorityStore

from diag.formats.trace.capture import capture_from_trace
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.gaps import IdleCause
from diag.model.serving import Mode, Stage
from diag.simulation.clock import Clock
from diag.testing.gpu_server.devices import finish_devices
from diag.testing.gpu_server.freezes import freeze
from diag.testing.gpu_server.gpus import Gpu
from diag.testing.gpu_server.recording import LINE_START_NS, EventLog
from diag.testing.gpu_server.runs import load_model
from diag.testing.gpu_server.server import Server
from diag.testing.gpu_server.side_sources import gpu_samples, host_samples, metrics
from diag.testing.gpu_server.steps import Machine
from diag.testing.gpu_server.truth import Span, Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.model.capture import Capture
    from diag.simulation.clock import Process
    from diag.testing.gpu_server.plan import Load, Plan

# Time after the last arrival in which an overloaded server answers the remaining requests.
DRAIN_NS: Final = 2_000_000_000


@dataclass(frozen=True)
class Simulated:
    """A run of a plan.

    Attributes:
        plan: The plan.
        recording: All events.
        truth: The truth, on the simulation's clock.
        window: The recorded window, on that clock.
    """

    plan: Plan
    recording: EventLog
    truth: Truth
    window: tuple[int, int]

    @property
    def shift_ns(self) -> int:
        """Offset of the capture's clock against the simulation's, in ns."""
        return LINE_START_NS - self.window[0]

    def capture(self) -> Capture:
        """The decoded trace with samples, metrics and the server's batching parameters."""
        data = self.recording.space(self.window).build()
        return replace(
            capture_from_trace("simulated", data, "simulated"),
            host_samples=host_samples(self.truth, self.window, self.shift_ns),
            gpu_samples=gpu_samples(self.plan, self.window, self.shift_ns),
            metrics=metrics(self.truth, self.window),
            batching_parameters=self.batching_parameters(),
            caveats=(),
        )

    def batching_parameters(self) -> BatchingParameters | Unavailable:
        """The server's batching_parameters_file."""
        batched = [m for m in self.plan.models if m.mode is not Mode.UNBATCHED]
        if not batched:
            return Unavailable("no model has a session batcher")
        return BatchingParameters(
            max_batch_size=batched[0].batching.max_batch_size,
            batch_timeout_micros=batched[0].batching.batch_timeout_ns // 1000,
            num_batch_threads=self.plan.batch_threads,
        )

    def idle(self, device: int) -> list[Span[IdleCause]]:
        """Why a GPU idled in the window, on the capture's clock."""
        pieces = self.truth.idle(device, self.window)
        return [piece.at(lambda at: at + self.shift_ns) for piece in pieces]


def simulate(plan: Plan, seed: int = 0) -> Simulated:
    """Run a plan; equal seeds give equal runs."""
    chance = random.Random(seed)  # noqa: S311 - a simulation's
    recording = EventLog([defaultdict(list) for _ in range(plan.devices)])
    truth, clock = Truth(), Clock()
    gpus = [Gpu(index, plan.streams, recording, truth) for index in range(plan.devices)]
    pool = PriorityStore(clock)
    pool.items = list(range(plan.pool_threads))
    on = Machine(plan, clock, recording, truth, pool, gpus, chance, Counter())
    server = Server(on)
    for load in plan.loads:
        clock.start(load_model(on, load), load.start_ns)
    for index, model in enumerate(plan.models):
        for client in range(model.load.clients):
            clock.start(_client(server, index, chance), chance.randrange(1 + client * 200_000))
        for at in _arrivals(model.load, plan.duration_ns, chance):
            clock.start(server.request(index), at)
    clock.run(plan.duration_ns + DRAIN_NS)
    _record_waits(server)
    freeze(plan, recording, truth, chance)
    finish_devices(plan, recording, truth)
    window = plan.window or (0, _end_ns(recording, plan.duration_ns))
    return Simulated(plan, recording, truth, window)


def _arrivals(load: Load, duration_ns: int, chance: random.Random) -> Iterator[int]:
    at = 0.0
    while load.rate_per_s or load.period_ns:
        at += load.period_ns or chance.expovariate(load.rate_per_s) * 1e9
        if at >= duration_ns:
            return
        if not any(low <= at < high for low, high in load.pauses):
            yield int(at)


def _client(server: Server, index: int, chance: random.Random) -> Process[None]:
    load, clock, end_ns = (
        server.on.plan.models[index].load,
        server.on.clock,
        server.on.plan.duration_ns,
    )
    while clock.now_ns < end_ns:
        for low, high in load.pauses:
            if low <= clock.now_ns < high:
                yield clock.sleep(high - clock.now_ns + chance.randrange(100_000))
        yield from server.request(index)
        yield clock.sleep(max(1_000, server.on.vary(load.think_ns)))


def _end_ns(recording: EventLog, duration_ns: int) -> int:
    """The end of the last event, rounded up to whole milliseconds like a session's duration."""
    lines = [events for lines in (recording.host, *recording.devices) for events in lines.values()]
    last = max((each.end_ns for events in lines for each in events), default=0)
    return -(-max(last, duration_ns) // 1_000_000) * 1_000_000


def _record_waits(server: Server) -> None:
    """Add to the truth what batches waited for: rows, a thread, or the next poll of their queue."""
    truth = server.on.truth
    for taken in server.taken:
        device, first_ns = server.on.plan.models[taken.queue].device, taken.batch.first_ns
        ready_ns, taken_ns = taken.ready_ns, taken.taken_ns
        truth.add(device, IdleCause.QUEUE_FILL, first_ns, ready_ns)
        truth.add(device, IdleCause.QUEUE_DISPATCH, ready_ns, taken_ns)
        no_thread = [
            (max(low, ready_ns), min(high, taken_ns))
            for low, high in server.batcher.all_busy
            if low < taken_ns and high > ready_ns
        ]
        for low, high in no_thread:
            truth.add(device, IdleCause.BATCH_THREADS_IN_HOST_WORK, low, high)
        for task in taken.batch.tasks:
            spans, enqueued_ns = task.item.request.spans, task.enqueued_ns
            spans.append(Span(Stage.QUEUE_FILL, enqueued_ns, ready_ns))
            spans.append(Span(Stage.QUEUE_DISPATCH, max(enqueued_ns, ready_ns), taken_ns))
            spans += [
                Span(Stage.QUEUE_THREAD, max(low, enqueued_ns), high) for low, high in no_thread
            ]
