"""What GPUs did: kinds of work, totals of a device, cost of a model's batches, loss."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from diag.model.availability import Unavailable
from diag.model.window import Window


class WorkKind(enum.Enum):
    """What one event on a stream is, by its details, never by its line's name."""

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
class DeviceSummary:
    """One GPU plane over the window.

    ``kernel_ns + copy_ns + memset_ns == busy_ns`` and ``busy_ns + idle_ns`` is the window.

    Attributes:
        name: Plane name, ``/device:GPU:0``.
        model: As its driver names it.
        busy_ns: Any stream at work; Unavailable where no GPU plane holds an event, since a
            tracer that was refused and a GPU that did nothing then look alike.
        kernel_ns: Any kernel at work.
        copy_ns: A copy and no kernel.
        memset_ns: A memset and neither.
        idle_ns: The rest.
        starved_ns: Idle with requests waiting for their input.
        no_demand_ns: Idle with nothing asked of it.
        kernels: Events within the window.
        copies: Likewise.
        memsets: Likewise.
        unlinked: Of all these, those that no recorded step launched.
        bytes_in: Copied from the host, as far as the trace says.
        bytes_out: Copied to the host.
        overhead_ns: Union of the tracer's own records (line ``CUPTI overhead``).
    """

    name: str
    model: str | Unavailable
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
    """Device time of the runs of one model that executed the same number of rows: a point of t(b).

    Attributes:
        rows: Executed, padding included; -1 for unbatched runs whose rows no event tells.
        runs: Runs recorded whole with device work.
        mean_ns: Device time of a run: the union of its own kernels and memsets.
        p10_ns: Of the spread; Unavailable for too few runs.
        p50_ns: Likewise.
        p90_ns: Likewise.
    """

    rows: int
    runs: int
    mean_ns: float
    p10_ns: int | Unavailable
    p50_ns: int | Unavailable
    p90_ns: int | Unavailable


class LargerBatches(enum.Enum):
    """What larger batches do to device time, between the smallest and the largest size seen."""

    NEARLY_FREE = "nearly-free"  # a run takes hardly longer, whatever its rows
    SAVE_SOME = "save-some"  # a row costs less in a larger batch
    SAVE_NOTHING = "save-nothing"  # a row costs about the same in a larger batch


@dataclass(frozen=True, slots=True)
class ModelDeviceCost:
    """What a model costs on the device (the cost view: batches are divided by their requests).

    Attributes:
        curve: By rows, ascending.
        fixed_ns: ``a`` of t(b) = a + c b, least squares over runs; where time does not grow with
            rows, the mean of all runs; Unavailable with one size only, or too much noise.
        per_row_ns: ``c`` of it; Unavailable also where it is not above its own error.
        larger_batches: What larger batches do to device time; Unavailable where the sizes seen are
            too few or too alike to show it.
        requests: Requests (or, unbatched, runs) in those runs.
        device_ns_per_request: Kernel and memset time.
        kernels_per_request: Launched kernels.
        bytes_in_per_request: Host to device; Unavailable where no copy tells its size.
        bytes_out_per_request: Device to host.
        in_gb_per_s: 10^9 bytes a second of copy time.
        out_gb_per_s: Likewise.
        padding_ns: Device time spent on padding rows over the window, by ``per_row_ns`` or, with
            none, in proportion to rows or by the most that a row may cost (an upper bound, which
            ``padding_is_bound`` tells).
        padding_is_bound: See above.
        launch_bound_score: Of the time from a run's first to its last device work, the share in
            which none of its device work ran and the host was launching; 0 to 1.
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
    """One kernel, or one op's device work, over the window; ``total_ns`` may overlap.

    Attributes:
        name: Kernel symbol, or op as ``<node>:<OpType>``.
        op: For a kernel, the op that launched it most; Unavailable where nothing says.
        count: Events.
        total_ns: Sum of durations.
    """

    name: str
    op: str | Unavailable
    count: int
    total_ns: int


@dataclass(frozen=True, slots=True)
class DeviceClock:
    """How well the device's clock was matched to the host's (once, at the tracer's start).

    Attributes:
        linked: Device events whose launch was recorded.
        early: Of these, how many seem to begin before it.
        error_ns: The most by which one does: the least error the match has. 0 proves none.
    """

    linked: int
    early: int
    error_ns: int


class CuptiAccess(enum.Enum):
    """What the tracer's errors say about its access to CUPTI."""

    REFUSED = "refused"  # the process lacks a privilege
    IN_USE = "in-use"  # another profiler holds CUPTI, which serves one at a time
    REFUSED_AND_IN_USE = "refused-and-in-use"
    UNKNOWN = "unknown"  # no error, or none that says why


@dataclass(frozen=True, slots=True)
class DeviceLoss:
    """Device events that are missing, as the GPU tracer reported it.

    Attributes:
        dropped: Number of events that the tracer reported as lost.
        reasons: Its reasons, shortened.
        errors: Its errors, shortened.
        overhead_ratio: Share of the window in the tracer's overhead records, 0 to 1, of the device
            with most.
    """

    dropped: int
    reasons: tuple[str, ...]
    errors: tuple[str, ...]
    overhead_ratio: float | Unavailable
