"""All that an analysis says of GPUs, put together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.device.caveats import find_device_caveats
from diag.analysis.device.cost import cost_models
from diag.analysis.device.kernels import rank_device_time
from diag.analysis.device.summary import summarize_devices
from diag.analysis.execution.device_work import DeviceWork
from diag.analysis.execution.step_stages import StepStages
from diag.analysis.requests.linked_steps import LinkedSteps
from diag.analysis.result import GapSummary
from diag.model.availability import Caveat, Unavailable
from diag.model.capture import Capture
from diag.model.device import (
    DeviceClock,
    DeviceLoss,
    DeviceSummary,
    KernelTime,
    ModelDeviceCost,
)
from diag.model.events import EventTable
from diag.model.serving import BatchTable, RequestTable


@dataclass(frozen=True, slots=True)
class DeviceAccount:
    """Fields of Analysis, and the caveats that go with them."""

    devices: tuple[DeviceSummary, ...]
    costs: tuple[ModelDeviceCost, ...]
    kernels: tuple[KernelTime, ...]
    ops: tuple[KernelTime, ...]
    clock: DeviceClock | Unavailable
    loss: DeviceLoss
    caveats: tuple[Caveat, ...]


def account_devices(
    capture: Capture,
    host: EventTable,
    op_class: NDArray[np.int8],
    device: DeviceWork,
    staged: StepStages,
    linked: LinkedSteps,
    batch_table: BatchTable,
    requests: RequestTable,
    idle: tuple[GapSummary, ...],
    clock: DeviceClock | Unavailable,
    loss: DeviceLoss,
    seen: str = "",
) -> DeviceAccount:
    """Summarise, cost and rank the work of all GPUs.

    Args:
        capture: What was recorded.
        host: Events of the host plane.
        op_class: Of the host's names.
        device: What the trace holds of the GPUs.
        staged: Stages of the steps.
        linked: Of runs and batches.
        batch_table: All batches.
        requests: All requests.
        idle: Idle time of each timeline.
        clock: How well the devices' clock was matched to the host's.
        loss: What the tracer said it lost.
        seen: What samples saw of the GPUs, as half a sentence.

    Raises:
        InputError: The trace is too long and full to analyse.
    """
    devices = summarize_devices(capture, device, idle)
    kernels, ops = rank_device_time(device, host, op_class, capture.window)
    return DeviceAccount(
        devices=devices,
        costs=cost_models(host, op_class, device, staged, linked, batch_table, requests),
        kernels=kernels,
        ops=ops,
        clock=clock,
        loss=loss,
        caveats=tuple(find_device_caveats(capture, device, devices, clock, loss, seen)),
    )
