"""The parts of an analysis about GPUs, computed together."""

from __future__ import annotations

from dataclasses import dataclass

from diag.analysis.device.caveats import find_device_caveats, find_late_start
from diag.analysis.device.cost import cost_models
from diag.analysis.device.detours import find_detours
from diag.analysis.device.kernel_spread import spread_kernels
from diag.analysis.device.kernels import rank_device_time
from diag.analysis.device.runs import find_runs
from diag.analysis.device.summary import NO_EVENTS, summarize_devices
from diag.analysis.execution.execution import Execution
from diag.analysis.requests.attribution import AttributedRequests
from diag.analysis.result import GapSummary
from diag.analysis.visibility import Visibility
from diag.model.agreement import SampledUtilization
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.caveat import Caveat
from diag.model.device import (
    Detours,
    DeviceSummary,
    KernelSpread,
    KernelTime,
    ModelDeviceCost,
)


@dataclass(frozen=True, slots=True)
class DeviceAccount:
    """Fields of ``Analysis`` with the same meaning, and the caveats about GPUs."""

    devices: tuple[DeviceSummary, ...]
    costs: tuple[ModelDeviceCost, ...]
    detours: Detours | Unavailable
    spreads: tuple[KernelSpread, ...]
    kernels: tuple[KernelTime, ...]
    ops: tuple[KernelTime, ...]
    caveats: tuple[Caveat, ...]


def account_devices(
    capture: Capture,
    execution: Execution,
    requests: AttributedRequests,
    visibility: Visibility,
    idle: tuple[GapSummary, ...],
    utilization: tuple[SampledUtilization, ...] = (),
) -> DeviceAccount:
    """Summarize, cost and rank the work of all GPUs.

    Args:
        capture: What was recorded.
        execution: What ran on host and devices.
        requests: Requests and batches.
        visibility: What the recording cannot show of the devices.
        idle: Idle time of each timeline.
        utilization: Sampled utilization of the GPUs.

    Raises:
        InputError: The trace is too long and full to analyze.
    """
    device, clock, loss = execution.device, visibility.clock, visibility.loss
    devices = summarize_devices(
        capture,
        device,
        idle,
        visibility.device_window,
        has_requests=not visibility.program.is_foreign,
    )
    runs = (
        find_runs(execution.events, device, requests.linked, requests.batches, requests.table)
        if device.devices
        else None
    )
    kernels, ops = rank_device_time(device, execution.events, execution.op_class, capture.window)
    return DeviceAccount(
        devices=devices,
        costs=() if runs is None else cost_models(execution, runs),
        detours=NO_EVENTS if runs is None else find_detours(execution, runs),
        spreads=() if runs is None else spread_kernels(execution, runs),
        kernels=kernels,
        ops=ops,
        caveats=(
            *find_late_start(capture.window, visibility.device_window),
            *find_device_caveats(capture, device, devices, clock, loss, utilization),
        ),
    )
