"""A source's samples on the trace's clock, by field and device, with the error of their times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.samples.readings import Float64s
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.device import DeviceClock
from diag.model.events import Int64s
from diag.model.samples import SampledDevice, SampleSeries


@dataclass(frozen=True, slots=True)
class AlignedSeries:
    """A series whose clock is related to the trace's.

    Attributes:
        series: As sampled.
        shift_ns: Added to a sample's ``unix_ns``, it gives ns on the trace's clock.
        error_ns: Bound on the error of that, in both directions, the device's own clock included.
    """

    series: SampleSeries
    shift_ns: int
    error_ns: int

    @property
    def devices(self) -> tuple[SampledDevice, ...]:
        """The sampled devices; for old bundles, which name none, as many as there are values."""
        return devices_of(self.series)

    def values(self, field: str, index: int) -> tuple[Int64s, Float64s]:
        """Times on the trace's clock and values of one device, both of shape (n,)."""
        found = [
            (sample["unix_ns"] + self.shift_ns, value)
            for sample in self.series.samples
            if (value := number_at(sample.get(field), index)) is not None
        ]
        times = np.array([time for time, _ in found], np.int64)
        return times, np.array([value for _, value in found], np.float64)


def align(
    capture: Capture, series: SampleSeries, clock: DeviceClock | Unavailable
) -> AlignedSeries | Unavailable:
    """Align a series with the trace's clock, or say why that is not possible.

    Args:
        capture: Its origin and clocks.
        series: Of the capture.
        clock: How well the device's clock was matched to the host's.
    """
    if isinstance(capture.origin_unix_ns, Unavailable):
        return Unavailable(f"the trace has no absolute time: {capture.origin_unix_ns.reason}")
    for sync in capture.clocks:
        if sync.source == series.source:
            device_ns = 0 if isinstance(clock, Unavailable) else clock.error_ns
            shift_ns = sync.offset_ns - capture.origin_unix_ns
            return AlignedSeries(series, shift_ns, sync.uncertainty_ns + device_ns)
    return Unavailable("the bundle does not relate the sampler's clock to the trace's")


def is_related(capture: Capture, series: SampleSeries) -> bool:
    """Whether the times of the series are known on the trace's clock."""
    has_origin = isinstance(capture.origin_unix_ns, int)
    return has_origin and any(sync.source == series.source for sync in capture.clocks)


def number_at(value: object, index: int) -> int | float | None:
    """A device's number in a list of them, or None."""
    if not isinstance(value, list | tuple) or index >= len(value):
        return None
    number = value[index]
    return number if isinstance(number, int | float) and not isinstance(number, bool) else None


def name_of(series: SampleSeries, index: int) -> str:
    """``NVIDIA L4 (GPU 0)``; a MIG slice has its UUID in place of the index."""
    device = devices_of(series)[index]
    return f"{device.name} ({device.uuid if device.is_slice else f'GPU {index}'})"


def devices_of(series: SampleSeries) -> tuple[SampledDevice, ...]:
    """The sampled devices; for old bundles, which name none, as many as there are values."""
    if series.devices:
        return series.devices
    lists = (len(v) for s in series.samples for v in s.values() if isinstance(v, list | tuple))
    return tuple(SampledDevice(f"GPU {index}") for index in range(max(lists, default=0)))
