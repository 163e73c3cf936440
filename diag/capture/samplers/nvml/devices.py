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
    """One that can be asked.

    Attributes:
        handle: NVML's.
        sampled: As the samples name it; ``is_mig`` is true of a GPU in MIG mode and of a slice.
        is_slice: A MIG slice.
    """

    handle: Any
    sampled: SampledDevice
    is_slice: bool = False


def list_devices() -> list[Device]:
    """All GPUs in NVML's order, then the slices of those in MIG mode. NVML must be initialised.

    Raises:
        pynvml.NVMLError: NVML cannot list them.
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
        is_mig = False  # not a GPU that could be sliced, or a driver from before
    return Device(handle, SampledDevice(_name(handle, unnamed), _uuid(handle), is_mig))


def _slices(gpu: Device, index: int) -> list[Device]:
    """The slices that exist; positions may be empty, and a driver may refuse to list them."""
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
