"""The plan of a simulated server: models, batcher, threads, GPUs and load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from diag.model.device import WorkKind
from diag.model.gaps import IdleCause
from diag.model.serving import Mode
from diag.simulation.options import QueueOptions

US = 1_000
MS = 1_000_000
SLOW_FACTOR: Final = 4


@dataclass(frozen=True, slots=True)
class Call:
    """A call that launches work on the GPU.

    Attributes:
        name: Name of the host event: the kernel's symbol or the driver's function.
        kind: Kind of the work.
        host_ns: Duration of the call.
        device_ns: Duration of the work.
        copied_bytes: Size of a copy.
        slow_share: Share of its calls whose work takes ``SLOW_FACTOR`` times as long.
        is_staged: Whether the call first copies the data to pinned memory. The work then begins at
            the end of the call, and the call's time counts as transfer.
    """

    name: str
    kind: WorkKind
    host_ns: int
    device_ns: int
    copied_bytes: int = 0
    is_staged: bool = False
    slow_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Block:
    """A delay inside an op, with its own event.

    Attributes:
        name: Name of the event.
        duration_ns: Its duration.
        cause: Cause of idle time during it.
        line: Line of the device plane that records it; "": the thread of the op.
    """

    name: str
    duration_ns: int
    cause: IdleCause
    line: str = ""


@dataclass(frozen=True, slots=True)
class Op:
    """One op of a graph: host time, then a delay, then calls.

    Attributes:
        name: ``<node>:<OpType>``.
        host_ns: Time on the host without delay and calls.
        calls: Calls, made one after the other.
        block: Delay before the calls.
        first_steps: Number of first steps of each batch size that have the op; 0: all steps.
    """

    name: str
    host_ns: int = 5 * US
    calls: tuple[Call, ...] = ()
    block: Block | None = None
    first_steps: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """Arrivals of requests.

    Attributes:
        rate_per_s: Rate of a Poisson process; 0: none.
        period_ns: Period of evenly spaced requests; 0: none.
        clients: Clients of a closed loop: each sends its next request after the answer to the last.
        think_ns: Time of these clients between answer and next request.
        pauses: Spans of time without arrivals.
    """

    rate_per_s: float = 0.0
    period_ns: int = 0
    clients: int = 0
    think_ns: int = 0
    pauses: tuple[tuple[int, int], ...] = ()


def queue(max_batch_size: int, timeout_ns: int) -> QueueOptions:
    """A queue with room for every request: simulated clients do not handle refusals."""
    return QueueOptions(max_batch_size, timeout_ns, max_enqueued_batches=1_000_000)


QUEUE: Final = queue(max_batch_size=8, timeout_ns=2 * MS)


@dataclass(frozen=True, slots=True)
class Model:
    """A model with its batcher and load.

    Attributes:
        ops: Ops of a step, in order, all on one thread.
        mode: How its requests are batched.
        batching: Parameters of its queue.
        load: Its requests.
        before: Ops of the request's graph before an in-graph batcher.
        device: Index of its GPU; -1: it uses none.
        version: Label of its runs in the trace, e.g. ``ranker:1``; models with the same one are
            signatures of one version. Without one they have no name.
        ingress_ns: Time from a request's arrival to its first event; not in the trace.
        schedule_ns: Time from the request's begin to its enqueue.
        merge_ns: Duration of batch formation.
        finish_ns: Time from the last device work to the done callback.
        split_ns: Time from the end of the run to the end of the batch.
    """

    ops: tuple[Op, ...]
    mode: Mode = Mode.BATCHING_SESSION
    batching: QueueOptions = QUEUE
    load: Load = Load()
    before: tuple[Op, ...] = ()
    device: int = 0
    version: str = ""
    ingress_ns: int = 0
    schedule_ns: int = 5 * US
    merge_ns: int = 40 * US
    finish_ns: int = 20 * US
    split_ns: int = 30 * US


@dataclass(frozen=True, slots=True)
class ModelLoad:
    """Loading of a model version: its restore ops occupy all threads of the executor's pool."""

    start_ns: int
    duration_ns: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A server and its load.

    Attributes:
        models: The models.
        duration_ns: Duration of the load.
        window: Recorded part, in ns from the begin; None: everything.
        batch_threads: num_batch_threads, shared by all queues.
        pool_threads: Threads of the inter-op pool.
        devices: Number of GPUs.
        streams: Compute streams of each GPU.
        loads: Model versions that are loaded meanwhile.
        freezes: Durations for which the whole server is stopped, once each, while no GPU works.
        device_clock_ns: Offset of the devices' clock against the host's.
        derived_lines: Whether device planes also have lines derived from their streams.
        clock: Clock of the GPUs, of their highest one; below 1 a power cap limits it.
        jitter: Relative variation of durations: 0.2 is up to 20 % shorter or longer.
    """

    models: tuple[Model, ...]
    duration_ns: int = 200 * MS
    window: tuple[int, int] | None = None
    batch_threads: int = 2
    pool_threads: int = 4
    devices: int = 1
    streams: int = 1
    loads: tuple[ModelLoad, ...] = ()
    freezes: tuple[int, ...] = ()
    device_clock_ns: int = 0
    derived_lines: bool = False
    clock: float = 1.0
    jitter: float = 0.2


def kernel(name: str, device_ns: int, *, host_ns: int = 5 * US, slow_share: float = 0.0) -> Call:
    """The launch of a kernel."""
    return Call(name, WorkKind.KERNEL, host_ns, device_ns, slow_share=slow_share)


def copy_in(size: int, device_ns: int, *, host_ns: int = 5 * US, is_staged: bool = False) -> Call:
    """A copy to the GPU."""
    return Call("cuMemcpyHtoDAsync_v2", WorkKind.COPY_IN, host_ns, device_ns, size, is_staged)


def copy_out(size: int, device_ns: int, *, host_ns: int = 5 * US) -> Call:
    """A copy from the GPU."""
    return Call("cuMemcpyDtoHAsync_v2", WorkKind.COPY_OUT, host_ns, device_ns, size)


def memset(device_ns: int) -> Call:
    """A memset on the GPU."""
    return Call("cuMemsetD32Async", WorkKind.MEMSET, 5 * US, device_ns)
