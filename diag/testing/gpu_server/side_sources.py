"""Samples of host and GPUs, and metrics of a simulated server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from diag.model.availability import Unavailable
from diag.model.samples import MetricSample, MetricsPair, SampledDevice, SampleSeries
from diag.testing.gpu_server.recording import MAX_CLOCK_MHZ, ORIGIN_UNIX_NS

if TYPE_CHECKING:
    from diag.testing.gpu_server.plan import Plan
    from diag.testing.gpu_server.truth import RequestTruth, Truth

PERIOD_NS: Final = 20_000_000
_CGROUP_PERIOD_NS: Final = 100_000_000
# nvmlClocksEventReasonSwPowerCap (nvml.h).
_POWER_CAP: Final = 4


def host_samples(truth: Truth, window: tuple[int, int], shift_ns: int) -> SampleSeries:
    """Counters of the server's control group, which rise while the server is frozen."""
    samples = []
    for at in range(window[0], window[1] + PERIOD_NS, PERIOD_NS):
        stopped = [min(high, at) - low for low, high in truth.freezes if low < at]
        samples.append(
            {
                "unix_ns": ORIGIN_UNIX_NS + at + shift_ns,
                "cgroup_periods": at // _CGROUP_PERIOD_NS,
                "cgroup_throttled_periods": len(stopped),
                "cgroup_throttled_ns": sum(stopped),
            }
        )
    units = {
        "cgroup_periods": "periods, counted up",
        "cgroup_throttled_periods": "periods, counted up",
        "cgroup_throttled_ns": "ns, counted up",
    }
    return SampleSeries("host", PERIOD_NS, units, tuple(samples))


def gpu_samples(plan: Plan, window: tuple[int, int], shift_ns: int) -> SampleSeries | Unavailable:
    """Clocks that a power cap limits; Unavailable where none is limited."""
    if plan.clock >= 1:
        return Unavailable("no GPU of the simulated server is sampled")
    samples = tuple(
        {
            "unix_ns": ORIGIN_UNIX_NS + at + shift_ns,
            "throttle_reasons": [_POWER_CAP] * plan.devices,
            "sm_clock_mhz": [round(plan.clock * MAX_CLOCK_MHZ)] * plan.devices,
        }
        for at in range(window[0], window[1] + PERIOD_NS, PERIOD_NS)
    )
    devices = tuple(SampledDevice("Simulated GPU", f"GPU-{i}") for i in range(plan.devices))
    units = {"throttle_reasons": "bit mask", "sm_clock_mhz": "MHz"}
    return SampleSeries("gpu", PERIOD_NS, units, samples, devices=devices)


def metrics(truth: Truth, window: tuple[int, int]) -> MetricsPair:
    """The server's latency metrics at the begin and the end of the window."""
    answered = [r for r in truth.requests if r.end_ns >= 0]
    before = [r for r in answered if r.end_ns < window[0]]
    after = [r for r in answered if r.end_ns <= window[1]]
    return MetricsPair(_histograms(before), _histograms(after))


def _histograms(answered: list[RequestTruth]) -> tuple[MetricSample, ...]:
    labels = (("model_name", "model"),)
    request_ns = [request.end_ns - request.arrived_ns for request in answered]
    runtime_ns = [request.end_ns - request.start_ns for request in answered]
    count = len(answered)
    values = {
        "request_count": float(count),
        "request_latency_sum": sum(request_ns) / 1000,
        "request_latency_count": float(count),
        "runtime_latency_sum": sum(runtime_ns) / 1000,
        "runtime_latency_count": float(count),
    }
    return tuple(
        MetricSample(
            f":tensorflow:serving:{name}",
            (*labels, ("status", "OK")) if name == "request_count" else labels,
            value,
        )
        for name, value in values.items()
    )
