"""What a simulated server is like: its models, its batcher, its threads, its GPUs, its load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from diag.model.device import WorkKind
from diag.model.gaps import IdleCause
from diag.model.serving import Mode
from diag.simulation.options import QueueOptions

US = 1_000
MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Call:
    """A call that gives the GPU work: a launch or a copy.

    Attributes:
        name: Of the host event: the kernel's symbol, or the driver's function.
        kind: Of the work.
        host_ns: Of the call.
        device_ns: Of the work.
        copied_bytes: Of a copy.
        is_staged: Whether the call prepares the data first, so that the work begins at its end
            (a copy from memory that is not pinned), and all of it is time of a transfer.
    """

    name: str
    kind: WorkKind
    host_ns: int
    device_ns: int
    copied_bytes: int = 0
    is_staged: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Something that holds up the op it happens in, with an event of its own.

    Attributes:
        name: Of the event.
        duration_ns: Of it.
        cause: What idle time during it is due to.
        line: Of the device plane where it is recorded; "" for the thread of the op.
    """

    name: str
    duration_ns: int
    cause: IdleCause
    line: str = ""


@dataclass(frozen=True, slots=True)
class Op:
    """One op of a graph: host time, what holds it up, and what it gives to the GPU, in this order.

    Attributes:
        name: ``<node>:<OpType>``.
        host_ns: Time on the host without its calls and blocks.
        calls: One after the other.
        block: Before the calls.
        first_steps: Only so many steps of the model have it; 0 for all.
    """

    name: str
    host_ns: int = 5 * US
    calls: tuple[Call, ...] = ()
    block: Block | None = None
    first_steps: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """How requests come.

    Attributes:
        rate_per_s: Of a Poisson process; 0 for none.
        period_ns: Of requests at even distances; 0 for none.
        clients: Of a closed loop, in which each asks again as soon as it is answered.
        think_ns: And this much later.
        pauses: Spans of time in which none comes.
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
    """A model, its batcher, and the way from a request to its GPU.

    Attributes:
        ops: Of a step, in order, all on one thread.
        before: Ops of the request's own graph before an in-graph batcher.
        device: Index of the GPU its calls go to; -1 for a model that uses none.
        ingress_ns: From a request's arrival to its first event: nothing of it is in the trace.
        schedule_ns: From the request's begin to its enqueue.
        merge_ns: Batch formation.
        finish_ns: From the last device work to the done callback.
        split_ns: From the end of the run to the end of the batch.
    """

    ops: tuple[Op, ...]
    mode: Mode = Mode.BATCHING_SESSION
    batching: QueueOptions = QUEUE
    load: Load = Load()
    before: tuple[Op, ...] = ()
    device: int = 0
    ingress_ns: int = 0
    schedule_ns: int = 5 * US
    merge_ns: int = 40 * US
    finish_ns: int = 20 * US
    split_ns: int = 30 * US


@dataclass(frozen=True, slots=True)
class ModelLoad:
    """A model version that is loaded: its restore ops take all threads of the executor's pool."""

    start_ns: int
    duration_ns: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A server and its load.

    Attributes:
        duration_ns: Of the load.
        window: What of it is recorded, in ns from its begin; None for all of it, to its end.
        batch_threads: num_batch_threads, shared by all queues.
        pool_threads: Of the inter-op pool.
        devices: GPUs.
        streams: Compute streams a GPU.
        loads: Models loaded meanwhile.
        freezes: How often the whole server is stopped, and for how long each time: spread over
            the run, at instants at which no GPU works.
        device_clock_ns: How late the devices' clock seems to the host's.
        derived_lines: Whether device planes also hold lines derived from their streams.
        jitter: Durations vary by as much to either side, as a share.
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
    jitter: float = 0.2


def kernel(name: str, device_ns: int, *, host_ns: int = 5 * US) -> Call:
    """The launch of a kernel."""
    return Call(name, WorkKind.KERNEL, host_ns, device_ns)


def copy_in(size: int, device_ns: int, *, host_ns: int = 5 * US, is_staged: bool = False) -> Call:
    """A copy to the GPU."""
    return Call("cuMemcpyHtoDAsync_v2", WorkKind.COPY_IN, host_ns, device_ns, size, is_staged)


def copy_out(size: int, device_ns: int, *, host_ns: int = 5 * US) -> Call:
    """A copy from the GPU."""
    return Call("cuMemcpyDtoHAsync_v2", WorkKind.COPY_OUT, host_ns, device_ns, size)


def memset(device_ns: int) -> Call:
    """A memset on the GPU."""
    return Call("cuMemsetD32Async", WorkKind.MEMSET, 5 * US, device_ns)
