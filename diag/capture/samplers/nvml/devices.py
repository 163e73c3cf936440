"""The GPUs and MIG slices that NVML lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pynvml

from diag.capture.samplers.nvml.nvml_errors import reason_of
from diag.capture.samplers.sample_validation import read_text
from diag.model.samples import SampledDevice


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU or a MIG slice.

    Attributes:
        handle: NVML's handle.
        sampled: Name and uuid for the samples; its ``is_mig`` is True for a GPU in MIG mode and
            for a slice.
        is_slice: Whether it is a MIG slice.
    """

    handle: Any
    sampled: SampledDevice
    is_slice: bool = False


def list_devices() -> list[Device]:
    """All GPUs in NVML's order, then the slices of GPUs in MIG mode. NVML must be initialised.

    Raises:
        pynvml.NVMLError: NVML cannot list the GPUs.
    """
    gpus = [
        _describe(pynvml.nvmlDeviceGetHandleByIndex(index), f"GPU {index}")
        for index in range(pynvml.nvmlDeviceGetCount())
    ]
    slices = [
        found
        for index, gpu in enumerate(gpus)
        if gpu.sampled.is_mig
        for found in _slices(gpu, index)
    ]
    return gpus + slices


def _describe(handle: Any, unnamed: str) -> Device:
    try:
        is_mig = pynvml.nvmlDeviceGetMigMode(handle)[0] == pynvml.NVML_DEVICE_MIG_ENABLE
    except pynvml.NVMLError:
        is_mig = False  # the GPU or the driver does not support MIG
    return Device(handle, SampledDevice(_name(handle, unnamed), _uuid(handle), is_mig))


def _slices(gpu: Device, index: int) -> list[Device]:
    """The existing slices of a GPU; empty if the driver cannot list them."""
    found: list[Device] = []
    try:
        count = pynvml.nvmlDeviceGetMaxMigDeviceCount(gpu.handle)
    except pynvml.NVMLError:
        return found
    for position in range(count):
        try:
            handle = pynvml.nvmlDeviceGetMigDeviceHandleByIndex(gpu.handle, position)
        except pynvml.NVMLError:
            continue
        name = _name(handle, f"MIG slice {position} of GPU {index}")
        found.append(Device(handle, SampledDevice(name, _uuid(handle), is_mig=True), is_slice=True))
    return found


def _name(handle: Any, unnamed: str) -> str:
    try:
        return read_text(pynvml.nvmlDeviceGetName, handle) or unnamed
    except pynvml.NVMLError as exc:
        return f"{unnamed}, unnamed: {reason_of(exc)}"


def _uuid(handle: Any) -> str:
    try:
        return read_text(pynvml.nvmlDeviceGetUUID, handle)
    except pynvml.NVMLError:
        return ""
