"""Multiprocessor and tensor core activity by GPU performance monitoring (Hopper and later)."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pynvml

from diag.capture.samplers.nvml.nvml_errors import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.capture.samplers.nvml.devices import Device

_METRICS = {
    "gpm_sm_percent": pynvml.NVML_GPM_METRIC_SM_UTIL,
    "gpm_tensor_percent": pynvml.NVML_GPM_METRIC_ANY_TENSOR_UTIL,
}
GPM_FIELDS = tuple((name, "%") for name in _METRICS)
# The two counters of a ratio are not read at the same instant, so it can exceed 100 % slightly.
_PERCENT_MAX = 105.0
# The counters need time between two samples (DCGM waits 100 ms or more). A mean over seconds would
# include time before sampling started, or hide short changes.
SPAN_MIN_NS = 100_000_000
SPAN_MAX_NS = 2_000_000_000


class GpmMeter:
    """Mean activity between two calls, computed from the two latest counter samples.

    Attributes:
        errors: Reason by field that this GPU does not provide.
    """

    def __init__(self, handle: Any) -> None:
        """Take the first sample.

        Raises:
            pynvml.NVMLError: This GPU lacks these counters, or NVML reports an error.
        """
        if not pynvml.nvmlGpmQueryDeviceSupport(handle).isSupportedDevice:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        self._handle = handle
        self._get = pynvml.c_nvmlGpmMetricsGet_t()
        self._get.version = pynvml.NVML_GPM_METRICS_GET_VERSION
        self._get.numMetrics = len(_METRICS)
        for position, metric in enumerate(_METRICS.values()):
            self._get.metrics[position].metricId = metric
        self.errors: dict[str, str] = {}
        self._samples: list[Any] = []
        try:
            for _ in range(2):
                self._samples.append(pynvml.nvmlGpmSampleAlloc())
            self._take()
        except pynvml.NVMLError:
            self.close()
            raise

    @classmethod
    def opened(cls, device: Device) -> Callable[[], tuple[Any, ...]]:
        """For ``NvmlQuery.open``: a meter, which is itself the function that reads the values."""
        return cls(device.handle)

    def begin(self) -> None:
        """Let the next mean start now; an error here recurs in the next call, which reports it."""
        with suppress(pynvml.NVMLError):
            self._take()

    def _take(self) -> None:
        """Take a new sample in place of the older one."""
        pynvml.nvmlGpmSampleGet(self._handle, self._samples[0])
        self._samples.reverse()
        self._taken_ns = time.monotonic_ns()

    def __call__(self) -> tuple[float | None, ...]:
        """Activity of multiprocessors and tensor cores in percent, since the previous call.

        Values are None if less than 100 ms or more than 2 s have passed.

        Raises:
            pynvml.NVMLError: NVML reports an error.
        """
        before_ns = self._taken_ns
        if time.monotonic_ns() - before_ns < SPAN_MIN_NS:
            return (None,) * len(_METRICS)
        self._take()
        if self._taken_ns - before_ns > SPAN_MAX_NS:
            return (None,) * len(_METRICS)
        self._get.sample1, self._get.sample2 = self._samples
        pynvml.nvmlGpmMetricsGet(self._get)
        return tuple(
            self._value(name, self._get.metrics[position]) for position, name in enumerate(_METRICS)
        )

    def _value(self, name: str, metric: Any) -> float | None:
        """The metric's value; None, with a reason in ``errors``, if this GPU lacks it."""
        if metric.nvmlReturn == pynvml.NVML_SUCCESS:
            percent = round(float(metric.value), 3)
            return min(percent, 100.0) if percent <= _PERCENT_MAX else percent
        self.errors[name] = reason_of(pynvml.NVMLError(metric.nvmlReturn))
        return None

    def close(self) -> None:
        """Free the samples; errors are ignored."""
        while self._samples:
            with suppress(pynvml.NVMLError):
                pynvml.nvmlGpmSampleFree(self._samples.pop())
