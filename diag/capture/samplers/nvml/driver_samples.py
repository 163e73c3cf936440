"""Utilization samples that the driver takes and time-stamps itself, read from its buffer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pynvml

from diag.capture.samplers.nvml.nvml_errors import (
    LASTING,
    LOST,
    NOTHING_NEW,
    OF_A_SLICE,
    WHOLE_GPU_IN_MIG,
    reason_of,
)

if TYPE_CHECKING:
    from diag.capture.samplers.nvml.devices import Device

FIELD = "driver_utilization_percent"
UNIT = "%"
EVERY_NS = 500_000_000  # the driver's buffer holds some seconds

# nvml.h calls the time stamps CPU time in microseconds; on Linux they are wall clock time. A stamp
# outside these limits is not wall clock time and cannot be aligned with the trace.
BEHIND_MAX_US = 3_600_000_000
AHEAD_MAX_US = 1_000_000

# nvmlValueType_t of nvml.h, and the member of nvmlValue_t that holds the value.
_MEMBERS = {
    pynvml.NVML_VALUE_TYPE_DOUBLE: "dVal",
    pynvml.NVML_VALUE_TYPE_UNSIGNED_INT: "uiVal",
    pynvml.NVML_VALUE_TYPE_UNSIGNED_LONG: "ulVal",
    pynvml.NVML_VALUE_TYPE_UNSIGNED_LONG_LONG: "ullVal",
    pynvml.NVML_VALUE_TYPE_SIGNED_LONG_LONG: "sllVal",
    pynvml.NVML_VALUE_TYPE_SIGNED_INT: "siVal",
    pynvml.NVML_VALUE_TYPE_UNSIGNED_SHORT: "usVal",
}


class NotWallClockError(Exception):
    """The driver's time stamps are not wall clock time."""


class DriverSamples:
    """The driver's samples of one GPU since the previous call."""

    def __init__(self, handle: Any) -> None:
        """Skip the samples that the driver already has.

        Raises:
            pynvml.NVMLError: The driver keeps no samples of this GPU.
            NotWallClockError: The time stamps cannot be used.
        """
        self._handle = handle
        self._seen_us = 0
        self.new(0)

    def new(self, since_us: int) -> list[tuple[int, int | float]]:
        """New samples at or after ``since_us``: time in µs since 1970, and percent.

        Raises:
            pynvml.NVMLError: NVML reports an error.
            NotWallClockError: The time stamps cannot be used.
        """
        try:
            kind, samples = pynvml.nvmlDeviceGetSamples(
                self._handle, pynvml.NVML_GPU_UTILIZATION_SAMPLES, self._seen_us
            )
        except pynvml.NVMLError as exc:
            if exc.value in NOTHING_NEW:
                return []
            raise
        member = _MEMBERS.get(kind)
        if member is None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH)
        new = sorted(
            (sample.timeStamp, getattr(sample.sampleValue, member))
            for sample in samples
            if sample.timeStamp > self._seen_us
        )
        if new:
            self._check(new[-1][0])
            self._seen_us = new[-1][0]
        return [(stamp_us, percent) for stamp_us, percent in new if stamp_us >= since_us]

    @staticmethod
    def _check(newest_us: int) -> None:
        behind_us = time.time_ns() // 1000 - newest_us
        if not -AHEAD_MAX_US <= behind_us <= BEHIND_MAX_US:
            raise NotWallClockError(
                f"the driver's newest sample is {behind_us / 1e6:.0f} s behind this machine's "
                "clock: its time stamps are not wall clock time"
            )


class DriverLog:
    """The driver's samples of all GPUs.

    Attributes:
        units: Unit of the field; empty if no GPU has it.
        missing: Reason by ``device:field``.
    """

    def __init__(self, devices: list[Device]) -> None:
        """Skip the samples that the driver already has of each GPU."""
        self.units: dict[str, str] = {}
        self.missing: dict[str, str] = {}
        self._width = len(devices)
        self._logs: list[tuple[int, DriverSamples]] = []
        for index, device in enumerate(devices):
            reason = self._open(index, device)
            if reason:
                self.missing[f"{index}:{FIELD}"] = reason

    def _open(self, index: int, device: Device) -> str:
        """Open one GPU; the reason why that failed, or ""."""
        if device.sampled.is_mig:
            return OF_A_SLICE if device.is_slice else WHOLE_GPU_IN_MIG
        try:
            self._logs.append((index, DriverSamples(device.handle)))
        except pynvml.NVMLError as exc:
            return reason_of(exc)
        except NotWallClockError as exc:
            return str(exc)
        self.units[FIELD] = UNIT
        return ""

    def lines(self, since_us: int) -> list[dict[str, Any]]:
        """One sample per new time stamp, with a value for each GPU that has this time stamp."""
        by_time: dict[int, list[Any]] = {}
        for entry in tuple(self._logs):
            index, log = entry
            try:
                new = log.new(since_us)
            except (pynvml.NVMLError, NotWallClockError) as exc:
                self._fail(entry, exc)
                continue
            for stamp_us, percent in new:
                by_time.setdefault(stamp_us, [None] * self._width)[index] = percent
        return [
            {"unix_ns": stamp_us * 1000, FIELD: by_time[stamp_us]} for stamp_us in sorted(by_time)
        ]

    def _fail(self, entry: tuple[int, DriverSamples], error: Exception) -> None:
        reason, lasts = str(error), True
        if isinstance(error, pynvml.NVMLError):
            reason, lasts = reason_of(error), error.value in LASTING | LOST
        self.missing.setdefault(f"{entry[0]}:{FIELD}", reason)
        if lasts:
            self._logs.remove(entry)
