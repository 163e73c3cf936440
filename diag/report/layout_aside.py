"""What was measured beside the trace: the server's counters, samples, the capture's own cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.report.blocks import Block, Bullets, Column, Grid, Heading, Paragraph, Row
from diag.report.display import NAME_MAX_CHARS, duration, number, printable, quantity

if TYPE_CHECKING:
    from diag.report.report import MetricsPart, Report, SeriesPart

SAMPLE_COLUMNS = (Column("sampled", is_number=False), Column("mean"), Column("max"))
OBSERVER_COLUMNS = (Column("load generator's clock", is_number=False), Column("value"))


def aside_blocks(report: Report) -> tuple[Block, ...]:
    """Each source, or in half a sentence why it has nothing."""
    return (
        Heading("Beside the trace"),
        *_metrics_blocks(report.metrics),
        *(block for series in report.series for block in _series_blocks(series)),
        *_observer_blocks(report),
    )


def _metrics_blocks(metrics: tuple[MetricsPart, ...] | Unavailable) -> tuple[Block, ...]:
    if isinstance(metrics, Unavailable):
        return (Paragraph(f"{metrics.reason}", label="metrics"),)
    if not metrics:
        return (Paragraph("the server has counted no request yet", label="metrics"),)
    return (
        Paragraph("means between the two scrapes, by the server's own counters", label="metrics"),
        Bullets(tuple(_metrics_text(item) for item in metrics)),
    )


def _metrics_text(item: MetricsPart) -> str:
    answers = ", ".join(
        f"{number(n)} {printable(status, NAME_MAX_CHARS)}" for status, n in item.responses.items()
    )
    name = printable(item.model, NAME_MAX_CHARS)
    if isinstance(item.outside_mean_ns, Unavailable):
        why = item.outside_mean_ns.reason
        return f"{name}: {answers or 'no answers'}; ingress + egress n/a: {why}"
    return (
        f"{name}: {answers}; request {duration(item.request_latency_mean_ns)}, "
        f"of which Session::Run {duration(item.runtime_latency_mean_ns)} and "
        f"ingress + egress {duration(item.outside_mean_ns)} (outside the trace)"
    )


def _series_blocks(series: SeriesPart) -> tuple[Block, ...]:
    if isinstance(series.fields, Unavailable):
        return (Paragraph(series.fields.reason, label=series.source),)
    every = duration(series.period_ns)
    rows = tuple(
        Row(
            (
                printable(item.field, NAME_MAX_CHARS),
                quantity(item.mean, item.unit),
                quantity(item.max, item.unit),
            )
        )
        for item in series.fields
        if not isinstance(item.mean, Unavailable)
    )
    blocks: list[Block] = [
        Paragraph(f"{number(series.samples)} samples, one every {every}", label=series.source)
    ]
    if rows:
        blocks.append(Grid(SAMPLE_COLUMNS, rows))
    if series.missing:
        items = (f"{field}: {why}" for field, why in series.missing.items())
        blocks.append(Bullets(tuple(items)))
    return tuple(blocks)


def _observer_blocks(report: Report) -> tuple[Block, ...]:
    if isinstance(report.observer, Unavailable):
        return (Paragraph(report.observer.reason, label="observer"),)
    rows = tuple(
        Row((printable(item.label, NAME_MAX_CHARS), quantity(item.value, item.unit)))
        for item in report.observer
    )
    return (
        Paragraph("what the capture cost the server's clients", label="observer"),
        Grid(OBSERVER_COLUMNS, rows),
    )
