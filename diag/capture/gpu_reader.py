"""The GPUs of this machine through NVML, where there is a driver.

NVML's utilization says whether some kernel ran during its own sample period of 1/6 to 1 s
(nvml.h, nvmlUtilization_t): it can confirm a busy window, never explain a gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pynvml

from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

GPU_PERIOD_NS = 100_000_000

# Field, unit, how it is read of a device handle; a list holds one value a device.
_FIELDS: tuple[tuple[str, str, Callable[[Any], int]], ...] = (
    ("utilization_percent", "%", lambda gpu: pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu),
    (
        "memory_utilization_percent",
        "%",
        lambda gpu: pynvml.nvmlDeviceGetUtilizationRates(gpu).memory,
    ),
    ("memory_used_bytes", "bytes", lambda gpu: pynvml.nvmlDeviceGetMemoryInfo(gpu).used),
    (
        "sm_clock_mhz",
        "MHz",
        lambda gpu: pynvml.nvmlDeviceGetClockInfo(gpu, pynvml.NVML_CLOCK_SM),
    ),
    ("power_mw", "mW", lambda gpu: pynvml.nvmlDeviceGetPowerUsage(gpu)),
    (
        "temperature_celsius",
        "°C",
        lambda gpu: pynvml.nvmlDeviceGetTemperature(gpu, pynvml.NVML_TEMPERATURE_GPU),
    ),
)


def open_gpu_reader() -> GpuReader | Unavailable:
    """A reader of all GPUs, or why there is none."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as exc:
        return Unavailable(f"no NVIDIA driver on this machine (NVML: {exc})")
    try:
        count = pynvml.nvmlDeviceGetCount()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(count)]
    except pynvml.NVMLError as exc:
        pynvml.nvmlShutdown()
        return Unavailable(f"NVML cannot list the GPUs: {exc}")
    if not handles:
        pynvml.nvmlShutdown()
        return Unavailable("the NVIDIA driver sees no GPU")
    return GpuReader(handles)


class GpuReader:
    """Reads every GPU of the machine; a sampling.Reader. NVML must be initialised."""

    source = "gpu"
    period_ns = GPU_PERIOD_NS

    def __init__(self, handles: list[Any]) -> None:
        self._handles = handles
        self.units: dict[str, str] = {}
        self.missing: dict[str, str] = {}
        self._fields: list[tuple[str, Callable[[Any], int]]] = []
        for name, unit, read in _FIELDS:
            reasons = self._refusals(name, read)
            self.missing.update(reasons)
            if not reasons:
                self.units[name] = unit
                self._fields.append((name, read))
        names = ", ".join(str(pynvml.nvmlDeviceGetName(handle)) for handle in handles)
        self.detail = f"{len(handles)} GPUs: {names}"

    def _refusals(self, name: str, read: Callable[[Any], int]) -> dict[str, str]:
        """Reason by device that does not give the field."""
        reasons: dict[str, str] = {}
        for index, handle in enumerate(self._handles):
            reason = _refusal(handle, read)
            if reason:
                reasons[f"{index}:{name}"] = reason
        return reasons

    def read(self) -> dict[str, Any]:
        """All fields of all devices, now.

        Raises:
            OSError: A GPU was lost.
        """
        try:
            return {name: [read(handle) for handle in self._handles] for name, read in self._fields}
        except pynvml.NVMLError as exc:
            raise OSError(f"NVML: {exc}") from exc

    def close(self) -> None:
        """Let go of NVML."""
        pynvml.nvmlShutdown()


def _refusal(handle: Any, read: Callable[[Any], int]) -> str:
    try:
        read(handle)
    except pynvml.NVMLError as exc:
        return str(exc)
    return ""
