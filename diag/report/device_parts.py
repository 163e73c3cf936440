"""Parts of a report about GPUs: totals, costs, kernels, loss, and what samples say to them."""

from diag.model.availability import Unavailable
from diag.report.part import Part


class DevicePart(Part, frozen=True):
    """One GPU over the window: kernel + copy + memset = busy, busy + idle = window.

    Shares are of the window, 0 to 1. All times are unavailable where no GPU plane has an event.

    Attributes:
        device: Its plane.
        device_model: As its driver names it.
        copy_ns: With no kernel beside it.
        memset_ns: With neither beside it.
        starved_ns: Idle with requests waiting to be fed to it.
        no_demand_ns: Idle with nothing asked of it.
        kernels: Events, as are copies and memsets.
        unlinked: Of all these, those that no recorded step launched.
        bytes_in: Copied from the host.
        bytes_out: Copied to the host.
        overhead_ns: In the device tracer's own records.
    """

    device: str
    device_model: str | Unavailable
    window_ns: int
    busy_ns: int | Unavailable
    kernel_ns: int | Unavailable
    copy_ns: int | Unavailable
    memset_ns: int | Unavailable
    idle_ns: int | Unavailable
    starved_ns: int | Unavailable
    no_demand_ns: int | Unavailable
    busy_share: float | Unavailable
    kernel_share: float | Unavailable
    copy_share: float | Unavailable
    memset_share: float | Unavailable
    idle_share: float | Unavailable
    starved_share: float | Unavailable
    no_demand_share: float | Unavailable
    kernels: int
    copies: int
    memsets: int
    unlinked: int
    bytes_in: int | Unavailable
    bytes_out: int | Unavailable
    overhead_ns: int | Unavailable


class BatchSizeCostPart(Part, frozen=True):
    """Device time of the runs that executed the same number of rows, padding included."""

    rows: int | Unavailable
    runs: int
    mean_ns: float | Unavailable
    p10_ns: int | Unavailable
    p50_ns: int | Unavailable
    p90_ns: int | Unavailable


class DeviceCostPart(Part, frozen=True):
    """What one model costs on the device; batches are divided by their requests.

    Attributes:
        requests: In the runs that are counted here.
        fixed_ns: Device time of a run apart from its rows: a of a + c * rows.
        per_row_ns: c of it.
        larger_batches: ``nearly-free``, ``save-some`` or ``save-nothing``.
        device_ns_per_request: Kernels and memsets.
        in_gb_per_s: 10^9 bytes a second of copy time.
        out_gb_per_s: Likewise.
        padding_ns: Device time spent on padding rows over the window.
        padding_is_bound: Whether that is an upper bound only.
        launch_bound_score: Of the time between a run's first and last device work, the share in
            which none of it ran and the host was launching, 0 to 1.
        curve: By rows, ascending.
    """

    model: str
    requests: int
    device_ns_per_request: float | Unavailable
    kernels_per_request: float | Unavailable
    bytes_in_per_request: float | Unavailable
    bytes_out_per_request: float | Unavailable
    in_gb_per_s: float | Unavailable
    out_gb_per_s: float | Unavailable
    fixed_ns: float | Unavailable
    per_row_ns: float | Unavailable
    larger_batches: str | Unavailable
    padding_ns: float | Unavailable
    padding_is_bound: bool
    launch_bound_score: float | Unavailable
    curve: tuple[BatchSizeCostPart, ...]


class KernelPart(Part, frozen=True):
    """A kernel, or an op's work on the device; ``total_ns`` may overlap.

    Attributes:
        op: The op that launched a kernel most often.
    """

    name: str
    op: str | Unavailable
    events: int
    total_ns: int


class DeviceClockPart(Part, frozen=True):
    """How well the device's clock is matched to the host's; unavailable without device events.

    Attributes:
        linked: Device events whose launch was recorded.
        early: Of these, how many seem to begin before it.
        error_ns: The most by which one does: the least error the match has. 0 proves none.
    """

    linked: int | Unavailable
    early: int | Unavailable
    error_ns: int | Unavailable


class DeviceLossPart(Part, frozen=True):
    """What of the devices' events is missing, by the tracer's own words.

    Attributes:
        dropped: Events that it says it lost.
        overhead_share: Of the window, in its own records, worst device; 0 to 1.
    """

    dropped: int
    reasons: tuple[str, ...]
    errors: tuple[str, ...]
    overhead_share: float | Unavailable


class OtherProcessPart(Part, frozen=True):
    """Another process on the GPU; ``share`` is its sampled utilization, 0 to 1."""

    pid: int
    name: str | Unavailable
    share: float | Unavailable
    memory_bytes: int | Unavailable


class AgreementPart(Part, frozen=True):
    """Whether a sampled utilization and the trace tell the same of one device.

    Attributes:
        source: ``nvml``, ``dcgm`` or ``agent``.
        kind: ``agree``, ``other-process``, ``plane-missing``, ``trace-truncated``, ``too-coarse``
            or ``disagree``.
        traced_share: Busy by the trace, of the time both cover.
        sampled_share: By the samples.
        tolerance_share: Within which the two agree.
        overlap_ns: The time both cover.
        resolution_ns: The time over which one sample averages.
        clock_error_ns: Bound on the difference of the clocks.
        text: The outcome in words.
        remedy: Code of what to do about it; "" for nothing.
        advice: The same in a sentence.
    """

    device: str
    source: str
    kind: str
    traced_share: float | Unavailable
    sampled_share: float | Unavailable
    tolerance_share: float | Unavailable
    overlap_ns: int
    resolution_ns: int | Unavailable
    clock_error_ns: int | Unavailable
    others: tuple[OtherProcessPart, ...]
    text: str
    remedy: str
    advice: str
