"""What GPUs did, what batches cost on them, and what samples say to it, as they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.report.device_parts import (
    AgreementPart,
    BatchSizeCostPart,
    DeviceClockPart,
    DeviceCostPart,
    DeviceLossPart,
    DevicePart,
    KernelPart,
    OtherProcessPart,
)
from diag.report.values import finite, readable, readable_or_reason, share_of
from diag.report.wording.agreements import advise_agreement, describe_agreement

if TYPE_CHECKING:
    from diag.model.agreement import Agreement, OtherProcess
    from diag.model.device import (
        BatchSizeCost,
        DeviceClock,
        DeviceLoss,
        DeviceSummary,
        KernelTime,
        ModelDeviceCost,
    )

_ROWS_UNKNOWN = Unavailable("no event tells the rows of a run that was not batched")


def device_part(device: DeviceSummary) -> DevicePart:
    """Its times, and each as a share of the window."""
    window_ns = device.window.duration_ns
    return DevicePart(
        device=readable(device.name),
        device_model=readable_or_reason(device.model),
        window_ns=window_ns,
        busy_ns=device.busy_ns,
        kernel_ns=device.kernel_ns,
        copy_ns=device.copy_ns,
        memset_ns=device.memset_ns,
        idle_ns=device.idle_ns,
        starved_ns=device.starved_ns,
        no_demand_ns=device.no_demand_ns,
        busy_share=share_of(device.busy_ns, window_ns),
        kernel_share=share_of(device.kernel_ns, window_ns),
        copy_share=share_of(device.copy_ns, window_ns),
        memset_share=share_of(device.memset_ns, window_ns),
        idle_share=share_of(device.idle_ns, window_ns),
        starved_share=share_of(device.starved_ns, window_ns),
        no_demand_share=share_of(device.no_demand_ns, window_ns),
        kernels=device.kernels,
        copies=device.copies,
        memsets=device.memsets,
        unlinked=device.unlinked,
        bytes_in=device.bytes_in,
        bytes_out=device.bytes_out,
        overhead_ns=device.overhead_ns,
    )


def cost_part(cost: ModelDeviceCost) -> DeviceCostPart:
    """A model's cost, and its curve."""
    return DeviceCostPart(
        model=readable(cost.model),
        requests=cost.requests,
        device_ns_per_request=finite(cost.device_ns_per_request),
        kernels_per_request=finite(cost.kernels_per_request),
        bytes_in_per_request=finite(cost.bytes_in_per_request),
        bytes_out_per_request=finite(cost.bytes_out_per_request),
        in_gb_per_s=finite(cost.in_gb_per_s),
        out_gb_per_s=finite(cost.out_gb_per_s),
        fixed_ns=finite(cost.fixed_ns),
        per_row_ns=finite(cost.per_row_ns),
        larger_batches=cost.larger_batches
        if isinstance(cost.larger_batches, Unavailable)
        else cost.larger_batches.value,
        padding_ns=finite(cost.padding_ns),
        padding_is_bound=cost.padding_is_bound,
        launch_bound_score=finite(cost.launch_bound_score),
        curve=tuple(_point(point) for point in cost.curve),
    )


def _point(point: BatchSizeCost) -> BatchSizeCostPart:
    return BatchSizeCostPart(
        rows=point.rows if point.rows >= 0 else _ROWS_UNKNOWN,
        runs=point.runs,
        mean_ns=finite(point.mean_ns),
        p10_ns=point.p10_ns,
        p50_ns=point.p50_ns,
        p90_ns=point.p90_ns,
    )


def kernel_part(kernel: KernelTime) -> KernelPart:
    """The whole name, however long."""
    return KernelPart(
        name=readable(kernel.name),
        op=readable_or_reason(kernel.op),
        events=kernel.count,
        total_ns=kernel.total_ns,
    )


def clock_part(clock: DeviceClock | Unavailable) -> DeviceClockPart:
    """Or, in each number's place, why nothing can be said."""
    if isinstance(clock, Unavailable):
        return DeviceClockPart(linked=clock, early=clock, error_ns=clock)
    return DeviceClockPart(linked=clock.linked, early=clock.early, error_ns=clock.error_ns)


def loss_part(loss: DeviceLoss) -> DeviceLossPart:
    """In the tracer's own words."""
    return DeviceLossPart(
        dropped=loss.dropped,
        reasons=tuple(readable(reason) for reason in loss.reasons),
        errors=tuple(readable(error) for error in loss.errors),
        overhead_share=finite(loss.overhead_ratio),
    )


def agreement_part(agreement: Agreement) -> AgreementPart:
    """One device and one source."""
    return AgreementPart(
        device=readable(agreement.device),
        source=readable(agreement.source),
        kind=agreement.kind.value,
        traced_share=finite(agreement.traced_ratio),
        sampled_share=finite(agreement.sampled_ratio),
        tolerance_share=finite(agreement.tolerance_ratio),
        overlap_ns=agreement.overlap_ns,
        resolution_ns=agreement.resolution_ns,
        clock_error_ns=agreement.clock_error_ns,
        others=tuple(_process_part(other) for other in agreement.others),
        text=readable(describe_agreement(agreement)),
        remedy=agreement.remedy,
        advice=readable(advise_agreement(agreement)),
    )


def _process_part(other: OtherProcess) -> OtherProcessPart:
    return OtherProcessPart(
        pid=other.pid,
        name=readable_or_reason(other.name),
        share=finite(other.share),
        memory_bytes=other.memory_bytes,
    )
