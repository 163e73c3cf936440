"""What was measured beside the trace: the server's counters, samples, the capture's own cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import NOT_AVAILABLE, duration, number, percent, quantity
from diag.report.blocks import Block, Bullets, Heading, Paragraph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.report.aside_parts import MetricsPart, SampledDevicePart, SampleFieldPart, SeriesPart
    from diag.report.report import Report

# What a first look needs; all fields are in the JSON report and in diag export --table samples.
HIGHLIGHTS = frozenset(
    {
        "cpu_percent",
        "server_cpu_percent",
        "steal_percent",
        "cgroup_throttled_ns",
        "utilization_percent",
        "memory_utilization_percent",
        "power_mw",
        "temperature_celsius",
        "gpm_sm_percent",
        "gpu_util_percent",
        "sm_active_ratio",
        "power_w",
    }
)
DEVICES_SHOWN_MAX = 16
# What a GPU without work always says.
_GPU_IDLE = "gpu-idle"


def aside_blocks(report: Report) -> tuple[Block, ...]:
    """Each source, or in half a sentence why it has nothing."""
    return (
        Heading("Beside the trace"),
        *_metrics_blocks(report.metrics),
        *(block for series in report.series for block in _series_blocks(series)),
        *_absence_blocks(report),
        *_observer_blocks(report),
    )


def _absence_blocks(report: Report) -> tuple[Block, ...]:
    """Sources that are missing for the same reason share a line."""
    absent: dict[str, list[str]] = {}
    if isinstance(report.metrics, Unavailable):
        absent.setdefault(report.metrics.reason, []).append("metrics")
    for series in report.series:
        if isinstance(series.fields, Unavailable):
            absent.setdefault(series.fields.reason, []).append(series.source)
    return tuple(
        Paragraph(f"{', '.join(sources)}: {reason}", label="missing")
        for reason, sources in absent.items()
    )


def _metrics_blocks(metrics: tuple[MetricsPart, ...] | Unavailable) -> tuple[Block, ...]:
    if isinstance(metrics, Unavailable):
        return ()
    if not metrics:
        return (Paragraph("the server has counted no request yet", label="metrics"),)
    return tuple(Paragraph(_metrics_text(item), label="metrics") for item in metrics)


def _metrics_text(item: MetricsPart) -> str:
    answers = ", ".join(
        f"{number(n)} {printable(status, NAME_MAX_CHARS)}" for status, n in item.responses.items()
    )
    name = printable(item.model, NAME_MAX_CHARS)
    if isinstance(item.outside_mean_ns, Unavailable):
        why = item.outside_mean_ns.reason
        return f"{name}: {answers or 'no answers'}; ingress + egress n/a: {why}"
    return (
        f"{name} between the scrapes: {answers}; mean request "
        f"{duration(item.request_latency_mean_ns)}, of which Session::Run "
        f"{duration(item.runtime_latency_mean_ns)} and ingress + egress "
        f"{duration(item.outside_mean_ns)} (outside the trace)"
    )


def _series_blocks(series: SeriesPart) -> tuple[Block, ...]:
    if isinstance(series.fields, Unavailable):
        return ()
    texts = [f"{number(series.samples)} samples, one every {duration(series.period_ns)}"]
    if isinstance(series.taken_by, str) and series.taken_by != "diag":
        texts[0] += f", taken by {printable(series.taken_by, NAME_MAX_CHARS)}"
    if not series.devices:
        texts += _field_texts(series.fields)
    if not isinstance(series.cost.cpu_share, Unavailable):
        texts.append(f"sampling took {percent(series.cost.cpu_share)} of a core")
    return (
        Paragraph("; ".join(texts), label=series.source),
        *_device_blocks(series.devices),
        *(
            Paragraph(f"{', '.join(fields)}: {reason}", label="missing")
            for reason, fields in _missing_by_reason(series).items()
        ),
    )


def _device_blocks(devices: tuple[SampledDevicePart, ...]) -> tuple[Block, ...]:
    """Each GPU by itself: a mean over several says nothing of any."""
    if not devices:
        return ()
    items = [_device_text(device) for device in devices[:DEVICES_SHOWN_MAX]]
    if len(devices) > DEVICES_SHOWN_MAX:
        items.append(f"all {number(len(devices))} are in the JSON report")
    return (Bullets(tuple(items)),)


def _device_text(device: SampledDevicePart) -> str:
    """By the name and place that its sampler gives it, which need not be the trace's."""
    mig = ", MIG" if device.is_mig else ""
    name = f"{device.index} ({printable(device.name, NAME_MAX_CHARS)}{mig})"
    texts = _field_texts(device.fields)
    if not isinstance(device.clock_limits, Unavailable):
        texts += [
            f"clocks held down by {limit.reason} in {percent(limit.share)} of samples"
            for limit in device.clock_limits
            if limit.reason != _GPU_IDLE
        ]
    return f"{name}: {'; '.join(texts) or NOT_AVAILABLE}"


def _field_texts(fields: tuple[SampleFieldPart, ...]) -> list[str]:
    sampled = [item for item in fields if not _is_absent(item)]
    shown = [item for item in sampled if item.field in HIGHLIGHTS] or sampled
    texts = [_field_text(item) for item in shown]
    if len(sampled) > len(shown):
        texts.append(f"{number(len(sampled) - len(shown))} more fields in the JSON report")
    return texts


def _is_absent(item: SampleFieldPart) -> bool:
    return isinstance(item.mean, Unavailable) and isinstance(item.increase, Unavailable)


def _field_text(item: SampleFieldPart) -> str:
    name = printable(item.field, NAME_MAX_CHARS)
    if not isinstance(item.increase, Unavailable):
        return f"{name} rose by {quantity(item.increase, item.unit)}"
    mean = quantity(item.mean, item.unit)
    return f"{name} mean {mean}, max {quantity(item.max, item.unit)}"


def _missing_by_reason(series: SeriesPart) -> dict[str, list[str]]:
    """Fields by reason; what several devices lack for the same reason is named once."""
    found: dict[str, dict[str, list[str]]] = {}
    for key, why in series.missing.items():
        device, colon, field = key.partition(":")
        if not (colon and device.isdecimal()):
            device, field = "", key
        found.setdefault(why, {}).setdefault(field, []).append(device)
    return {why: list(_named(fields)) for why, fields in found.items()}


def _named(devices_by_field: dict[str, list[str]]) -> Iterator[str]:
    """Fields of the same devices together, each device with its place in the samples."""
    fields_by_devices: dict[str, list[str]] = {}
    for field, devices in devices_by_field.items():
        where = ", ".join(filter(None, devices))
        fields_by_devices.setdefault(where, []).append(printable(field, NAME_MAX_CHARS))
    for where, fields in fields_by_devices.items():
        yield f"{', '.join(fields)}{f' of {where}' if where else ''}"


def _observer_blocks(report: Report) -> tuple[Block, ...]:
    if isinstance(report.observer, Unavailable):
        return ()
    phases: dict[str, list[str]] = {}
    for item in report.observer:
        phases.setdefault(item.phase, []).append(
            f"{printable(item.measure, NAME_MAX_CHARS)} {quantity(item.value, item.unit)}"
        )
    items = (
        f"{printable(phase, NAME_MAX_CHARS)}: {', '.join(figures)}"
        for phase, figures in phases.items()
    )
    return (
        Paragraph("latency by the load generator's clock, around the capture", label="observer"),
        Bullets(tuple(items)),
    )
