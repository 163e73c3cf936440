"""A source's samples on the trace's clock, by field and device, and how sure their time is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.sampled.readings import Float64s
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.device import DeviceClock
from diag.model.events import Int64s
from diag.model.samples import SampledDevice, SampleSeries


@dataclass(frozen=True, slots=True)
class Placed:
    """A series whose clock is related to the trace's.

    Attributes:
        series: As sampled.
        shift_ns: Added to a sample's ``unix_ns`` it gives ns on the trace's clock.
        error_ns: By which that may be wrong, either way; the device's own clock included.
    """

    series: SampleSeries
    shift_ns: int
    error_ns: int

    @property
    def devices(self) -> tuple[SampledDevice, ...]:
        """The sampled devices; of older bundles, which name none, as many as values."""
        return devices_of(self.series)

    def values(self, field: str, index: int) -> tuple[Int64s, Float64s]:
        """Times on the trace's clock and values of one device, where it has some."""
        found = [
            (sample["unix_ns"] + self.shift_ns, value)
            for sample in self.series.samples
            if (value := number_at(sample.get(field), index)) is not None
        ]
        times = np.array([time for time, _ in found], np.int64)
        return times, np.array([value for _, value in found], np.float64)


def place(
    capture: Capture, series: SampleSeries, clock: DeviceClock | Unavailable
) -> Placed | Unavailable:
    """The series on the trace's clock.

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
            return Placed(series, shift_ns, sync.uncertainty_ns + device_ns)
    return Unavailable("the bundle does not relate the sampler's clock to the trace's")


def number_at(value: object, index: int) -> int | float | None:
    """A device's number in a list of them, or None."""
    if not isinstance(value, list | tuple) or index >= len(value):
        return None
    number = value[index]
    return number if isinstance(number, int | float) and not isinstance(number, bool) else None


def name_of(series: SampleSeries, index: int) -> str:
    """``NVIDIA L4 (GPU 0)``; a slice by its own name, for its place says nothing."""
    device = devices_of(series)[index]
    return f"{device.name} ({device.uuid if device.is_slice else f'GPU {index}'})"


def devices_of(series: SampleSeries) -> tuple[SampledDevice, ...]:
    """The sampled devices; of older bundles, which name none, as many as values."""
    if series.devices:
        return series.devices
    lists = (len(v) for s in series.samples for v in s.values() if isinstance(v, list | tuple))
    return tuple(SampledDevice(f"GPU {index}") for index in range(max(lists, default=0)))
