"""The GPUs of this machine through NVML, where there is a driver.

NVML's utilization says whether some kernel ran during its own sample period of 1/6 to 1 s
(nvml.h, nvmlUtilization_t): it can confirm a busy window, never explain a gap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pynvml

from diag.model.availability import Unavailable

GPU_PERIOD_NS = 100_000_000

Read = Callable[[Any, Any], int]

# Field, unit, how it is read of a device handle; a list holds one value a device.
_FIELDS: tuple[tuple[str, str, Read], ...] = (
    ("utilization_percent", "%", lambda nvml, gpu: nvml.nvmlDeviceGetUtilizationRates(gpu).gpu),
    (
        "memory_utilization_percent",
        "%",
        lambda nvml, gpu: nvml.nvmlDeviceGetUtilizationRates(gpu).memory,
    ),
    ("memory_used_bytes", "bytes", lambda nvml, gpu: nvml.nvmlDeviceGetMemoryInfo(gpu).used),
    (
        "sm_clock_mhz",
        "MHz",
        lambda nvml, gpu: nvml.nvmlDeviceGetClockInfo(gpu, pynvml.NVML_CLOCK_SM),
    ),
    ("power_mw", "mW", lambda nvml, gpu: nvml.nvmlDeviceGetPowerUsage(gpu)),
    (
        "temperature_celsius",
        "°C",
        lambda nvml, gpu: nvml.nvmlDeviceGetTemperature(gpu, pynvml.NVML_TEMPERATURE_GPU),
    ),
)


def open_gpu_reader(nvml: Any = pynvml) -> GpuReader | Unavailable:
    """A reader of all GPUs, or why there is none.

    Args:
        nvml: The binding, or something with the functions of it that are used here.
    """
    try:
        nvml.nvmlInit()
    except pynvml.NVMLError as exc:
        return Unavailable(f"no NVIDIA driver on this machine (NVML: {exc})")
    try:
        count = nvml.nvmlDeviceGetCount()
        handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(count)]
    except pynvml.NVMLError as exc:
        nvml.nvmlShutdown()
        return Unavailable(f"NVML cannot list the GPUs: {exc}")
    if not handles:
        nvml.nvmlShutdown()
        return Unavailable("the NVIDIA driver sees no GPU")
    return GpuReader(nvml, handles)


class GpuReader:
    """Reads every GPU of the machine; a sampling.Reader. NVML must be initialised."""

    source = "gpu"
    period_ns = GPU_PERIOD_NS

    def __init__(self, nvml: Any, handles: list[Any]) -> None:
        self._nvml = nvml
        self._handles = handles
        self.units: dict[str, str] = {}
        self.missing: dict[str, str] = {}
        self._fields: list[tuple[str, Read]] = []
        for name, unit, read in _FIELDS:
            reasons = self._refusals(name, read)
            self.missing.update(reasons)
            if not reasons:
                self.units[name] = unit
                self._fields.append((name, read))
        names = ", ".join(_device_name(nvml, handle) for handle in handles)
        self.detail = f"{len(handles)} GPUs: {names}"

    def _refusals(self, name: str, read: Read) -> dict[str, str]:
        """Reason by device that does not give the field."""
        reasons: dict[str, str] = {}
        for index, handle in enumerate(self._handles):
            reason = _refusal(self._nvml, handle, read)
            if reason:
                reasons[f"{index}:{name}"] = reason
        return reasons

    def read(self) -> dict[str, Any]:
        """All fields of all devices, now.

        Raises:
            OSError: A GPU was lost.
        """
        try:
            return {
                name: [read(self._nvml, handle) for handle in self._handles]
                for name, read in self._fields
            }
        except pynvml.NVMLError as exc:
            raise OSError(f"NVML: {exc}") from exc

    def close(self) -> None:
        """Let go of NVML."""
        self._nvml.nvmlShutdown()


def _device_name(nvml: Any, handle: Any) -> str:
    try:
        return str(nvml.nvmlDeviceGetName(handle))
    except pynvml.NVMLError as exc:
        return f"unnamed ({exc})"


def _refusal(nvml: Any, handle: Any, read: Read) -> str:
    try:
        read(nvml, handle)
    except pynvml.NVMLError as exc:
        return str(exc)
    return ""
