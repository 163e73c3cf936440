"""What was measured beside the trace: the server's counters, samples, the capture's own cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.report.blocks import Block, Bullets, Heading, Paragraph
from diag.report.display import NAME_MAX_CHARS, duration, number, printable, quantity

if TYPE_CHECKING:
    from diag.report.aside_parts import MetricsPart, SampleFieldPart, SeriesPart
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
    }
)


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
    every = duration(series.period_ns)
    sampled = [item for item in series.fields if not _is_absent(item)]
    shown = [item for item in sampled if item.field in HIGHLIGHTS] or sampled
    texts = [f"{number(series.samples)} samples, one every {every}"]
    texts += [_field_text(item) for item in shown]
    if len(sampled) > len(shown):
        texts.append(f"{number(len(sampled) - len(shown))} more fields in the JSON report")
    return (
        Paragraph("; ".join(texts), label=series.source),
        *(
            Paragraph(f"{', '.join(fields)}: {reason}", label="missing")
            for reason, fields in _missing_by_reason(series).items()
        ),
    )


def _is_absent(item: SampleFieldPart) -> bool:
    return isinstance(item.mean, Unavailable) and isinstance(item.increase, Unavailable)


def _field_text(item: SampleFieldPart) -> str:
    name = printable(item.field, NAME_MAX_CHARS)
    if not isinstance(item.increase, Unavailable):
        return f"{name} rose by {quantity(item.increase, item.unit)}"
    mean = quantity(item.mean, item.unit)
    return f"{name} mean {mean}, max {quantity(item.max, item.unit)}"


def _missing_by_reason(series: SeriesPart) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for field, why in series.missing.items():
        reasons.setdefault(why, []).append(printable(field, NAME_MAX_CHARS))
    return reasons


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
