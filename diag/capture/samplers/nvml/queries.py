"""The NVML queries of each GPU, how often each runs, and which of them work with MIG."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pynvml

from diag.capture.samplers.nvml.gpm import GPM_FIELDS, GpmMeter
from diag.capture.samplers.nvml.nvml_errors import OF_A_SLICE, WHOLE_GPU_IN_MIG
from diag.capture.samplers.nvml.processes import ProcessMeter

if TYPE_CHECKING:
    from diag.capture.samplers.nvml.devices import Device

MS = 1_000_000

# Reads one value per field, in the order of the fields; None for a value that is not known yet.
ReadValues = Callable[[], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class NvmlQuery:
    """One or a few NVML calls that read related fields.

    Attributes:
        fields: Name and unit of each field.
        every_ns: Sampling interval in ns, rounded to whole readings; 0 means every reading.
        open: Makes the function that reads a device; raises NVMLError if NVML does not support it.
        in_mig: Whether it works for a GPU in MIG mode.
        in_slice: Whether it works for a MIG slice.
    """

    fields: tuple[tuple[str, str], ...]
    every_ns: int
    open: Callable[[Device], ReadValues]
    in_mig: bool = True
    in_slice: bool = False

    def unsupported_reason(self, device: Device) -> str:
        """Why MIG prevents this query of a device, or ""."""
        if device.is_slice:
            return "" if self.in_slice else OF_A_SLICE
        return WHOLE_GPU_IN_MIG if device.sampled.is_mig and not self.in_mig else ""


def _utilization(device: Device) -> ReadValues:
    handle = device.handle

    def read() -> tuple[Any, ...]:
        rates = pynvml.nvmlDeviceGetUtilizationRates(handle)
        return rates.gpu, rates.memory

    return read


def _memory(device: Device) -> ReadValues:
    handle = device.handle

    def read() -> tuple[Any, ...]:
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        return memory.used, memory.total

    return read


def _clock(kind: int) -> Callable[[Device], ReadValues]:
    def opened(device: Device) -> ReadValues:
        handle = device.handle
        return lambda: (pynvml.nvmlDeviceGetClockInfo(handle, kind),)

    return opened


def _power(device: Device) -> ReadValues:
    handle = device.handle
    return lambda: (pynvml.nvmlDeviceGetPowerUsage(handle),)


def _temperature(device: Device) -> ReadValues:
    """NVML 13 deprecates nvmlDeviceGetTemperature; drivers before 560 have no other function."""
    handle, sensor = device.handle, pynvml.NVML_TEMPERATURE_GPU
    return _first_known(
        lambda: (pynvml.nvmlDeviceGetTemperatureV(handle, sensor),),
        lambda: (pynvml.nvmlDeviceGetTemperature(handle, sensor),),
    )


def _throttle_reasons(device: Device) -> ReadValues:
    """Drivers before 535 have only the function with the former name."""
    handle = device.handle
    return _first_known(
        lambda: (pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle),),
        lambda: (pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle),),
    )


def _first_known(new: ReadValues, old: ReadValues) -> ReadValues:
    """The new function if it works, else the old one if that works."""
    try:
        new()
    except pynvml.NVMLError as exc:
        try:
            old()
        except pynvml.NVMLError:
            if exc.value == pynvml.NVML_ERROR_FUNCTION_NOT_FOUND:
                raise  # the old function's error is the informative one
            raise exc from None
        return old
    return new


# A driver call takes about 0.1 ms, more if it involves the GPU's firmware, so fields that change
# slowly are read rarely.
QUERIES: tuple[NvmlQuery, ...] = (
    NvmlQuery(
        (("utilization_percent", "%"), ("memory_utilization_percent", "%")),
        0,
        _utilization,
        in_mig=False,
    ),
    NvmlQuery((("sm_clock_mhz", "MHz"),), 100 * MS, _clock(pynvml.NVML_CLOCK_SM)),
    NvmlQuery((("power_mw", "mW"),), 100 * MS, _power),
    NvmlQuery((("throttle_reasons", "bit mask"),), 100 * MS, _throttle_reasons),
    NvmlQuery(
        (("memory_used_bytes", "bytes"), ("memory_total_bytes", "bytes")),
        500 * MS,
        _memory,
        in_slice=True,
    ),
    NvmlQuery((("memory_clock_mhz", "MHz"),), 500 * MS, _clock(pynvml.NVML_CLOCK_MEM)),
    NvmlQuery((("temperature_celsius", "°C"),), 500 * MS, _temperature),
    NvmlQuery(GPM_FIELDS, 200 * MS, GpmMeter.opened, in_mig=False),
    NvmlQuery((("processes", "records"),), 500 * MS, ProcessMeter.opened),
)
