"""How far a GPU's clock was below its maximum, and why, by samples of NVML or a DCGM exporter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.analysis.samples.devices import CLOCK_LIMITS
from diag.analysis.samples.pairing import pair
from diag.model.availability import Unavailable
from diag.model.samples import SampleSeries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.result import Analysis

_LIMITS, _CLOCK = "throttle_reasons", "sm_clock_mhz"
# Idle GPUs lower their clocks, and some limits are a setting that somebody chose.
SLOWDOWNS = frozenset(
    {
        "sw-power-cap",
        "hw-slowdown",
        "sw-thermal-slowdown",
        "hw-thermal-slowdown",
        "hw-power-brake-slowdown",
    }
)


@dataclass(frozen=True, slots=True)
class LimitedClock:
    """A GPU whose clock was limited by power or heat.

    Attributes:
        device: Name of its plane.
        source: ``gpu`` (NVML) or ``dcgm``.
        reason: The limit with most samples, a value of ``CLOCK_LIMITS``.
        share: Of the samples with any such limit, 0 to 1.
        clock_mhz: Mean clock in these samples.
        max_mhz: Highest clock of the GPU, by the trace.
    """

    device: str
    source: str
    reason: str
    share: float
    clock_mhz: float
    max_mhz: float

    @property
    def lost(self) -> float:
        """Share of the highest clock that is missing, over all samples, 0 to 1."""
        return self.share * max(0.0, 1 - self.clock_mhz / self.max_mhz)


def limited_clock(analysis: Analysis) -> LimitedClock | None:
    """The GPU of the server that loses most; None where none is limited, or nothing shows it."""
    return max(_limited(analysis), key=lambda each: each.lost, default=None)


def clocks_unknown(analysis: Analysis) -> Unavailable | None:
    """Why clocks and their limits are not known; None where they are."""
    if not analysis.sampled_devices:
        return Unavailable("no GPU was sampled")
    limits = [each.clock_limits for each in analysis.sampled_devices]
    known = [each for each in limits if not isinstance(each, Unavailable)]
    if not known:
        return Unavailable("the reasons that limit a GPU's clocks were not sampled")
    if all(isinstance(each.hardware.clock_hz, Unavailable) for each in analysis.devices):
        return Unavailable("the trace does not name the highest clock of a GPU")
    return None


def _limited(analysis: Analysis) -> Iterator[LimitedClock]:
    capture = analysis.capture
    names = {device.name for device in analysis.devices}
    planes = tuple(plane for plane in capture.planes if plane.name in names)
    for series in (capture.gpu_samples, capture.dcgm_samples):
        if not isinstance(series, SampleSeries) or not planes:
            continue
        index = pair(planes, series)
        if isinstance(index, Unavailable):
            continue
        for device in analysis.devices:
            clock_hz = device.hardware.clock_hz
            if device.name not in index or isinstance(clock_hz, Unavailable):
                continue
            found = _of_device(series, index[device.name], device.name, clock_hz / 1e6)
            if found is not None:
                yield found


def _of_device(
    series: SampleSeries, index: int, device: str, max_mhz: float
) -> LimitedClock | None:
    masks = [(_at(each, _LIMITS, index), _at(each, _CLOCK, index)) for each in series.samples]
    read = [(int(mask), clock) for mask, clock in masks if mask is not None]
    bits = {bit: name for bit, name in CLOCK_LIMITS.items() if name in SLOWDOWNS}
    limited = [(mask, clock) for mask, clock in read if mask & sum(bits)]
    clocks = [clock for _, clock in limited if clock is not None]
    if not clocks or max_mhz <= 0:
        return None
    count = {name: sum(bool(mask & bit) for mask, _ in limited) for bit, name in bits.items()}
    return LimitedClock(
        device=device,
        source=series.source,
        reason=max(count, key=lambda name: count[name]),
        share=len(limited) / len(read),
        clock_mhz=math.fsum(clocks) / len(clocks),
        max_mhz=max_mhz,
    )


def _at(sample: dict[str, object], name: str, index: int) -> float | int | None:
    """The value of one device; None where it was not read."""
    values = sample.get(name)
    if not isinstance(values, list | tuple) or index >= len(values):
        return None
    value = values[index]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) and value >= 0 else None
