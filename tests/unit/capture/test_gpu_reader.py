"""GPU samples against an NVML that answers as the real one does, for machines without a GPU."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from diag.capture.gpu_reader import GpuReader, open_gpu_reader
from diag.model.availability import Unavailable


class Nvml:
    """Two GPUs, of which the second cannot tell its power."""

    def __init__(self, count: int = 2) -> None:
        self.count = count
        self.shutdowns = 0
        self.is_lost = False
        self.init_error = 0

    def nvmlInit(self) -> None:  # noqa: N802
        if self.init_error:
            raise pynvml.NVMLError(self.init_error)

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.shutdowns += 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return self.count

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, gpu: int) -> str:  # noqa: N802
        return f"H{gpu}"

    def nvmlDeviceGetUtilizationRates(self, gpu: int) -> Any:  # noqa: N802
        if self.is_lost:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
        return SimpleNamespace(gpu=10 + gpu, memory=20 + gpu)

    def nvmlDeviceGetMemoryInfo(self, gpu: int) -> Any:  # noqa: N802
        return SimpleNamespace(used=1000 + gpu)

    def nvmlDeviceGetClockInfo(self, gpu: int, clock: int) -> int:  # noqa: N802
        assert clock == pynvml.NVML_CLOCK_SM
        return 1500 + gpu

    def nvmlDeviceGetPowerUsage(self, gpu: int) -> int:  # noqa: N802
        if gpu == 1:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return 70_000

    def nvmlDeviceGetTemperature(self, gpu: int, sensor: int) -> int:  # noqa: N802
        return 40 + gpu


def opened(nvml: Nvml) -> GpuReader:
    reader = open_gpu_reader(nvml)
    assert isinstance(reader, GpuReader)
    return reader


def test_every_field_holds_one_value_a_device() -> None:
    reader = opened(Nvml())
    assert reader.read() == {
        "utilization_percent": [10, 11],
        "memory_utilization_percent": [20, 21],
        "memory_used_bytes": [1000, 1001],
        "sm_clock_mhz": [1500, 1501],
        "temperature_celsius": [40, 41],
    }
    assert reader.detail == "2 GPUs: H0, H1"


def test_a_field_that_one_device_lacks_is_missing_with_its_reason_never_zero() -> None:
    reader = opened(Nvml())
    assert reader.missing == {"1:power_mw": "Not Supported"}
    assert "power_mw" not in reader.units


def test_a_lost_gpu_ends_the_samples() -> None:
    nvml = Nvml()
    reader = opened(nvml)
    nvml.is_lost = True
    with pytest.raises(OSError, match="NVML: GPU is lost"):
        reader.read()


def test_a_driver_without_gpus_is_a_reason_and_let_go_of() -> None:
    nvml = Nvml(count=0)
    assert open_gpu_reader(nvml) == Unavailable("the NVIDIA driver sees no GPU")
    assert nvml.shutdowns == 1


def test_a_machine_without_a_driver_is_a_reason() -> None:
    nvml = Nvml()
    nvml.init_error = pynvml.NVML_ERROR_LIBRARY_NOT_FOUND
    found = open_gpu_reader(nvml)
    assert isinstance(found, Unavailable)
    assert "no NVIDIA driver on this machine" in found.reason
    assert nvml.shutdowns == 0
