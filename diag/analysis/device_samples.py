"""What was sampled of each GPU: its own fields, and why its clocks were held down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from diag.analysis.samples import FieldSummary, summarize_samples
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.model.samples import SampledDevice, SampleSeries

_LIMITS_FIELD = "throttle_reasons"
# nvml.h 12.4 (nvidia-ml-py 13): nvmlClocksEventReason*, before 12 nvmlClocksThrottleReason*.
CLOCK_LIMITS = {
    0x001: "gpu-idle",
    0x002: "applications-clocks-setting",
    0x004: "sw-power-cap",
    0x008: "hw-slowdown",
    0x010: "sync-boost",
    0x020: "sw-thermal-slowdown",
    0x040: "hw-thermal-slowdown",
    0x080: "hw-power-brake-slowdown",
    0x100: "display-clock-setting",
}
_BITS = 64


@dataclass(frozen=True, slots=True)
class ClockLimit:
    """Why clocks were below what the GPU can do, and in which share of the samples, 0 to 1."""

    reason: str
    share: float


@dataclass(frozen=True, slots=True)
class DeviceSamples:
    """One GPU's part of a series; ``clock_limits`` are those that were seen."""

    index: int
    device: SampledDevice
    fields: tuple[FieldSummary, ...]
    clock_limits: tuple[ClockLimit, ...] | Unavailable


def summarize_devices(series: SampleSeries) -> tuple[DeviceSamples, ...]:
    """One entry a device of the series, in its order; a host's has none."""
    return tuple(
        _summarize_device(_part_of(series, index), index, device)
        for index, device in enumerate(series.devices)
    )


def _summarize_device(own: SampleSeries, index: int, device: SampledDevice) -> DeviceSamples:
    return DeviceSamples(index, device, summarize_samples(own), _clock_limits(own))


def _part_of(series: SampleSeries, index: int) -> SampleSeries:
    """The series as if there were only this device: its elements in place of the lists."""
    missing = {name: why for name, why in series.missing.items() if ":" not in name}
    prefix = f"{index}:"
    own = {k.removeprefix(prefix): why for k, why in series.missing.items() if k.startswith(prefix)}
    samples = tuple(dict(_elements(sample, index)) for sample in series.samples)
    return replace(series, samples=samples, missing={**missing, **own}, devices=())


def _elements(sample: dict[str, Any], index: int) -> Iterator[tuple[str, Any]]:
    for name, value in sample.items():
        if isinstance(value, list | tuple) and index < len(value) and value[index] is not None:
            yield name, value[index]


def _clock_limits(own: SampleSeries) -> tuple[ClockLimit, ...] | Unavailable:
    masks = [sample[_LIMITS_FIELD] for sample in own.samples if _LIMITS_FIELD in sample]
    masks = [mask for mask in masks if isinstance(mask, int) and not isinstance(mask, bool)]
    if not masks:
        return Unavailable(own.missing.get(_LIMITS_FIELD, "never sampled"))
    seen = ((bit, sum(mask >> bit & 1 for mask in masks)) for bit in range(_BITS))
    return tuple(
        ClockLimit(CLOCK_LIMITS.get(1 << bit, f"bit {bit}"), n / len(masks)) for bit, n in seen if n
    )
