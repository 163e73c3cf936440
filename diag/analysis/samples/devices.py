"""Samples of each GPU by itself: its fields, and why its clocks were limited."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from diag.analysis.samples.fields import FieldSummary, summarize_fields
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
    """One reason why the clocks were below the GPU's maximum.

    Attributes:
        reason: A value of ``CLOCK_LIMITS``, or ``bit N`` for a bit without a name.
        share: Of the samples with this reason, 0 to 1.
    """

    reason: str
    share: float


@dataclass(frozen=True, slots=True)
class DeviceSamples:
    """One GPU in the samples of one source.

    Attributes:
        source: ``gpu`` (NVML) or ``dcgm``.
        index: Its place in the lists of the samples.
        device: As the sampler names it.
        fields: In the order of the series' units.
        clock_limits: Those seen in at least one sample; Unavailable where none were sampled.
    """

    source: str
    index: int
    device: SampledDevice
    fields: tuple[FieldSummary, ...]
    clock_limits: tuple[ClockLimit, ...] | Unavailable


def summarize_sampled_devices(series: SampleSeries) -> tuple[DeviceSamples, ...]:
    """Summarize each device of the series, in its order; host samples have none."""
    return tuple(
        _summarize_device(_part_of(series, index), index, device)
        for index, device in enumerate(series.devices)
    )


def _summarize_device(own: SampleSeries, index: int, device: SampledDevice) -> DeviceSamples:
    return DeviceSamples(own.source, index, device, summarize_fields(own), _clock_limits(own))


def _part_of(series: SampleSeries, index: int) -> SampleSeries:
    """The series of this device alone: its elements in place of the lists."""
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
    counts = ((bit, sum(mask >> bit & 1 for mask in masks)) for bit in range(_BITS))
    return tuple(
        ClockLimit(CLOCK_LIMITS.get(1 << bit, f"bit {bit}"), n / len(masks))
        for bit, n in counts
        if n
    )
