"""GPU work: its kinds, totals of a device, cost of a model's batches, clock and lost events."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from diag.model.availability import Unavailable
from diag.model.window import Window


class WorkKind(enum.Enum):
    """Kind of an event on a stream, by its details and not by the name of its line."""

    KERNEL = "kernel"
    COPY_IN = "copy-in"
    COPY_OUT = "copy-out"
    COPY_WITHIN = "copy-within"  # device to device, peers included
    MEMSET = "memset"
    NOT_WORK = "not-work"  # allocation and residency records: no engine is busy

    @property
    def is_copy(self) -> bool:
        """Whether bytes move."""
        return self in (WorkKind.COPY_IN, WorkKind.COPY_OUT, WorkKind.COPY_WITHIN)


WORK_KINDS: tuple[WorkKind, ...] = tuple(WorkKind)


@dataclass(frozen=True, slots=True)
class DeviceHardware:
    """What the trace tells of a GPU itself.

    Attributes:
        vendor: As the tracer calls it: ``Nvidia``, ``AMD``.
        compute_capability: ``7.0``; of an AMD GPU, the version of its architecture.
        cores: Number of streaming multiprocessors, or of compute units.
        memory_bytes: Size of its memory.
        memory_bytes_per_s: Bandwidth of its memory, at its highest clock.
        clock_hz: Its highest clock.
    """

    vendor: str | Unavailable
    compute_capability: str | Unavailable
    cores: int | Unavailable
    memory_bytes: int | Unavailable
    memory_bytes_per_s: int | Unavailable
    clock_hz: int | Unavailable


@dataclass(frozen=True, slots=True)
class DeviceSummary:
    """One GPU plane over the window.

    ``kernel_ns + copy_ns + memset_ns == busy_ns`` and ``busy_ns + idle_ns`` is the window. All
    times, and the bytes, are Unavailable where no GPU plane has an event: a GPU that could not be
    traced and a GPU without work then look alike.

    Attributes:
        name: Plane name, ``/device:GPU:0``.
        model: As its driver names it; without a name, its vendor, cores and memory.
        hardware: What the trace tells of the GPU itself.
        busy_ns: Time with any work on any stream.
        kernel_ns: Time with a kernel running.
        copy_ns: Time with a copy running and no kernel.
        memset_ns: Time with a memset running and neither.
        idle_ns: The rest of the window.
        starved_ns: Idle with requests waiting for their input.
        no_demand_ns: Idle without an open request that uses this GPU.
        kernels: Number of kernels in the window.
        copies: Number of copies.
        memsets: Number of memsets.
        unlinked: Number of these events that no recorded step launched.
        bytes_in: Copied from the host, where the trace records sizes.
        bytes_out: Copied to the host.
        overhead_ns: Union of the tracer's own records (line ``CUPTI overhead``).
    """

    name: str
    model: str | Unavailable
    hardware: DeviceHardware
    window: Window
    busy_ns: int | Unavailable
    kernel_ns: int | Unavailable
    copy_ns: int | Unavailable
    memset_ns: int | Unavailable
    idle_ns: int | Unavailable
    starved_ns: int | Unavailable
    no_demand_ns: int | Unavailable
    kernels: int
    copies: int
    memsets: int
    unlinked: int
    bytes_in: int | Unavailable
    bytes_out: int | Unavailable
    overhead_ns: int | Unavailable


@dataclass(frozen=True, slots=True)
class BatchSizeCost:
    """Device time of a model's runs that executed the same number of rows: a point of t(b).

    Attributes:
        rows: Executed rows, padding included; -1 for unbatched runs without recorded rows.
        runs: Number of runs recorded whole with device work.
        mean_ns: Mean device time of a run: the union of its own kernels and memsets.
        p10_ns: Percentiles of it; Unavailable with too few runs.
    """

    rows: int
    runs: int
    mean_ns: float
    p10_ns: int | Unavailable
    p50_ns: int | Unavailable
    p90_ns: int | Unavailable


class LargerBatches(enum.Enum):
    """What larger batches do to device time, between the smallest and the largest size seen."""

    NEARLY_FREE = "nearly-free"  # a run takes about as long, for any number of rows
    SAVE_SOME = "save-some"  # a row costs less in a larger batch
    SAVE_NOTHING = "save-nothing"  # a row costs about the same in a larger batch


@dataclass(frozen=True, slots=True)
class ModelDeviceCost:
    """The cost of one model on the device; a batch's cost is divided by its requests.

    Attributes:
        model: Its name, or its queue where the name is not known.
        curve: Device time by rows, ascending.
        fixed_ns: ``a`` of t(b) = a + c b, least squares over runs; the mean of all runs where time
            does not grow with rows; Unavailable with one size only, or too much noise.
        per_row_ns: ``c`` of it; Unavailable also where it is not above its own error.
        larger_batches: What larger batches do to device time; Unavailable where the sizes seen are
            too few or too alike to show it.
        requests: Number of requests (unbatched: runs) in those runs.
        device_ns_per_request: Kernel and memset time.
        kernels_per_request: Number of kernels.
        bytes_in_per_request: Host to device; Unavailable where no copy has a recorded size.
        bytes_out_per_request: Device to host.
        in_gb_per_s: 10^9 bytes per second of copy time, host to device.
        out_gb_per_s: Device to host.
        padding_ns: Device time of padding rows over the window, by ``per_row_ns``; where that is
            not known, an upper bound by the share of rows and by the most that a row may cost.
        padding_is_bound: Whether ``padding_ns`` is only an upper bound.
        launch_bound_score: Between a run's first and last device work, the share of time in which
            none of its device work ran and the host was launching; 0 to 1.
    """

    model: str
    curve: tuple[BatchSizeCost, ...]
    fixed_ns: float | Unavailable
    per_row_ns: float | Unavailable
    larger_batches: LargerBatches | Unavailable
    requests: int
    device_ns_per_request: float
    kernels_per_request: float
    bytes_in_per_request: float | Unavailable
    bytes_out_per_request: float | Unavailable
    in_gb_per_s: float | Unavailable
    out_gb_per_s: float | Unavailable
    padding_ns: float | Unavailable
    padding_is_bound: bool
    launch_bound_score: float | Unavailable


@dataclass(frozen=True, slots=True)
class KernelTime:
    """One kernel, or the device work of one op, over the window.

    Attributes:
        name: Kernel symbol, or op as ``<node>:<OpType>``.
        op: For a kernel, the op that launched it most often; Unavailable where none is recorded.
        ops: For a kernel, the number of different ops that launched it; for an op, 1.
        count: Number of events.
        total_ns: Sum of durations; they may overlap.
    """

    name: str
    op: str | Unavailable
    ops: int
    count: int
    total_ns: int


@dataclass(frozen=True, slots=True)
class KernelSpread:
    """One kernel in runs of one size: how long it took each time.

    Attributes:
        name: Kernel symbol.
        op: The op that launched it; Unavailable where none is recorded.
        rows: Executed rows of these runs, padding included; -1 unknown.
        count: Number of events, all of the same op, grid and rows.
        p10_ns: Percentiles of their durations.
        p50_ns: Median.
        p90_ns: A tenth took longer.
        over_ns_per_request: Time beyond ``p10_ns``, of all requests with device work, mean.
        is_concurrent: Whether kernels of its device run at the same time as others, which makes
            each of them longer.
    """

    name: str
    op: str | Unavailable
    rows: int
    count: int
    p10_ns: int
    p50_ns: int
    p90_ns: int
    over_ns_per_request: float
    is_concurrent: bool


@dataclass(frozen=True, slots=True)
class CpuOp:
    """An op that ran on the CPU between the device work of runs.

    Attributes:
        name: ``<node>:<OpType>``.
        count: Number of events.
        total_ns: Sum of their time there.
    """

    name: str
    count: int
    total_ns: int


@dataclass(frozen=True, slots=True)
class Detours:
    """Time of runs between their first and last device work that is spent away from the device.

    Of all models together; a batch's time is that of each of its requests.

    Attributes:
        runs: Number of runs with device work.
        round_trips: Copies from the device that are followed by one to it in the same run, a run.
        away_ns: Time a request between the begin of such a copy and the end of the next one to the
            device, and in ops on the CPU, without time in which a kernel of the run ran.
        cpu_ns: The part of it in ops on the CPU while no work of the run was on the device.
        ops: These ops, those with most time first.
    """

    runs: int
    round_trips: float
    away_ns: float
    cpu_ns: float
    ops: tuple[CpuOp, ...]


@dataclass(frozen=True, slots=True)
class DeviceClock:
    """How well the device's clock was matched to the host's (once, at the tracer's start).

    Attributes:
        linked: Number of device events whose launch was recorded.
        early: Number of these that seem to begin before their launch.
        error_ns: The most by which one does, a lower bound on the error; 0 does not prove that
            there is none.
    """

    linked: int
    early: int
    error_ns: int


class CuptiAccess(enum.Enum):
    """Why the GPU tracer recorded nothing, as far as it is known."""

    REFUSED = "refused"  # the process lacks a privilege
    IN_USE = "in-use"  # another profiler holds CUPTI, which serves one at a time
    REFUSED_AND_IN_USE = "refused-and-in-use"
    NOT_LOADED = "not-loaded"  # no library, or CUPTI is off since an earlier error in the process
    NO_GPU = "no-gpu"  # the tracer found no GPU
    SILENT = "silent"  # it started, reported no error, and recorded nothing
    NOT_STARTED = "not-started"  # the process uses a GPU, and there is no trace of the tracer
    UNKNOWN = "unknown"  # nothing says whether the process uses a GPU, or an error says nothing


@dataclass(frozen=True, slots=True)
class DeviceLoss:
    """Device events that are missing, and what the trace says of why.

    Attributes:
        dropped: Number of events that the tracer reported as lost.
        reasons: Its reasons, shortened.
        errors: Its errors, shortened.
        overhead_ratio: Share of the window in the tracer's overhead records, 0 to 1, of the device
            with most.
        access: Why there is no device event; UNKNOWN where there are some.
        gpu_threads: Number of the host's threads that only a process with a GPU has.
    """

    dropped: int
    reasons: tuple[str, ...]
    errors: tuple[str, ...]
    overhead_ratio: float | Unavailable
    access: CuptiAccess = CuptiAccess.UNKNOWN
    gpu_threads: int = 0
