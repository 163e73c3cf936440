"""Captures whose GPUs were sampled, and what the trace holds of them, for the cross-check."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from diag.analysis.device.clock import find_clock
from diag.analysis.device.loss import find_loss
from diag.analysis.execution.device_work import find_device_work
from diag.analysis.execution.steps import find_steps
from diag.analysis.samples.cross_check import cross_check
from diag.formats.trace import event_names as ev
from diag.model.samples import SampledDevice, SampleSeries
from diag.model.window import ClockSync, Window
from tests.unit.analysis.traces import capture_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.model.agreement import Agreement
    from diag.model.capture import Capture

ORIGIN_UNIX_NS = 1_700_000_000_000_000_000
MS = 1_000_000
PERIOD_MS = 200
L4 = SampledDevice("NVIDIA L4", "GPU-0")


def kernels(spans: Sequence[tuple[float, float]], ordinal: int = 0, model: str = "") -> str:
    """A GPU plane with kernels over these spans, in ms."""
    lines = [f"plane /device:GPU:{ordinal}", "line Stream #7(Compute)"]
    if model:
        lines.insert(1, f'stat gpu_device_name="{model}"')
    lines += [f'gemm {a:.6f}..{b:.6f}ms kernel_details="regs:32"' for a, b in spans]
    return "\n".join(lines)


def traced(*planes: str, until_ms: float = 2000, more: str = "") -> Capture:
    """A capture of 2 s with these GPU planes; the host was at work all along."""
    text = f"{more}\nplane /host:CPU\nline idle\n  Waiting 0..{until_ms}ms\n" + "\n".join(planes)
    capture = capture_of(text)
    window = Window(0, round(until_ms * MS))
    return replace(capture, origin_unix_ns=ORIGIN_UNIX_NS, window=window)


def driver_samples(
    shares: Sequence[float], start_ms: float = 0, period_ms: float = PERIOD_MS, device: int = 0
) -> tuple[dict[str, Any], ...]:
    """The driver's own samples of one device, one a period, each at the period's end; percents."""
    return tuple(
        {
            "unix_ns": ORIGIN_UNIX_NS + round((start_ms + (n + 1) * period_ms) * MS),
            "driver_utilization_percent": [None] * device + [share],
        }
        for n, share in enumerate(shares)
    )


def nvml(
    samples: Sequence[dict[str, Any]],
    devices: tuple[SampledDevice, ...] = (L4,),
    **changes: Any,
) -> SampleSeries:
    """Samples of NVML; lists are filled up to one value a device."""
    filled = [
        {
            name: [*value, *[None] * (len(devices) - len(value))]
            if isinstance(value, list)
            else value
            for name, value in sample.items()
        }
        for sample in samples
    ]
    units = {name: "%" for sample in filled for name in sample if name != "unix_ns"}
    series = SampleSeries("gpu", 50 * MS, units, tuple(filled), devices=devices)
    return replace(series, **changes)


def with_samples(
    capture: Capture,
    gpu: SampleSeries | None = None,
    dcgm: SampleSeries | None = None,
    offset_ns: int = 0,
    error_ns: int = 1 * MS,
) -> Capture:
    """The capture with these samples, by clocks that are related so."""
    clocks = tuple(ClockSync(source, offset_ns, error_ns) for source in ("gpu", "dcgm"))
    return replace(
        capture,
        gpu_samples=gpu or capture.gpu_samples,
        dcgm_samples=dcgm or capture.dcgm_samples,
        clocks=clocks,
    )


def checks(capture: Capture) -> tuple[Agreement, ...]:
    """All cross-checks of a capture."""
    (host,) = [plane for plane in capture.planes if plane.name == ev.HOST_PLANE]
    work = find_device_work(capture.planes, host.events, find_steps(host.events))
    return cross_check(capture, work, find_clock(work, host.events), find_loss(capture, work))


def check(capture: Capture) -> Agreement:
    """The only cross-check of a capture."""
    (found,) = checks(capture)
    return found


def shares_of(
    spans: Sequence[tuple[float, float]], ends_ms: Sequence[float], period_ms: float
) -> list[float]:
    """Percent of each period before an end that the spans, which are disjoint, cover."""
    ends = np.asarray(ends_ms, float)
    covered = sum(
        (np.maximum(np.minimum(ends, b) - np.maximum(ends - period_ms, a), 0.0) for a, b in spans),
        np.zeros(len(ends)),
    )
    return [float(each) for each in 100 * covered / period_ms]
