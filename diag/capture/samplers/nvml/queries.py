"""What every GPU is asked, how often, and what MIG leaves of it."""

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

# A value a field, in the order of the fields; None where there is nothing to say yet.
ReadValues = Callable[[], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class NvmlQuery:
    """Something that one call of NVML, or a few, answer.

    Attributes:
        fields: Field and unit of each value of an answer.
        every_ns: Asked in every n-th reading so that this is about the distance; 0 in each.
        open: Makes the ``ReadValues`` of a device; raises NVMLError where it is refused.
        in_mig: Whether a GPU in MIG mode has an answer of its own.
        in_slice: Whether a MIG slice has one.
    """

    fields: tuple[tuple[str, str], ...]
    every_ns: int
    open: Callable[[Device], ReadValues]
    in_mig: bool = True
    in_slice: bool = False

    def refusal(self, device: Device) -> str:
        """Why this device cannot be asked at all, or ""."""
        if device.is_slice:
            return "" if self.in_slice else OF_A_SLICE
        return WHOLE_GPU_IN_MIG if device.sampled.is_mig and not self.in_mig else ""


def _utilization(device: Device) -> ReadValues:
    handle = device.handle

    def ask() -> tuple[Any, ...]:
        rates = pynvml.nvmlDeviceGetUtilizationRates(handle)
        return rates.gpu, rates.memory

    return ask


def _memory(device: Device) -> ReadValues:
    handle = device.handle

    def ask() -> tuple[Any, ...]:
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        return memory.used, memory.total

    return ask


def _clock(kind: int) -> Callable[[Device], ReadValues]:
    def opened(device: Device) -> ReadValues:
        handle = device.handle
        return lambda: (pynvml.nvmlDeviceGetClockInfo(handle, kind),)

    return opened


def _power(device: Device) -> ReadValues:
    handle = device.handle
    return lambda: (pynvml.nvmlDeviceGetPowerUsage(handle),)


def _temperature(device: Device) -> ReadValues:
    """NVML 13 calls nvmlDeviceGetTemperature deprecated; drivers before 560 know no other."""
    handle, sensor = device.handle, pynvml.NVML_TEMPERATURE_GPU
    return _first_known(
        lambda: (pynvml.nvmlDeviceGetTemperatureV(handle, sensor),),
        lambda: (pynvml.nvmlDeviceGetTemperature(handle, sensor),),
    )


def _throttle_reasons(device: Device) -> ReadValues:
    """Drivers before 535 know the reasons only by their former name."""
    handle = device.handle
    return _first_known(
        lambda: (pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle),),
        lambda: (pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle),),
    )


def _first_known(new: ReadValues, old: ReadValues) -> ReadValues:
    """The new function; the old one where that does not answer, if it does."""
    try:
        new()
    except pynvml.NVMLError as exc:
        try:
            old()
        except pynvml.NVMLError:
            if exc.value == pynvml.NVML_ERROR_FUNCTION_NOT_FOUND:
                raise  # why the old one does not answer says more
            raise exc from None
        return old
    return new


# In a driver every call may take some 0.1 ms, more where it asks the GPU's own firmware: what
# changes slowly is asked for rarely.
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
