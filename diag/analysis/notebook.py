"""An analysis as HTML tables, for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.notebook import html_table
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration, percent

if TYPE_CHECKING:
    from diag.analysis.result import Analysis, GapSummary

_CAUSES_SHOWN = 3


def analysis_html(analysis: Analysis) -> str:
    """Latency of each model, and idle time of each device with its main causes."""
    models = [
        (
            _name(model.model),
            f"{model.requests:,}",
            duration(model.latency.p50_ns),
            duration(model.latency.p99_ns),
            duration(model.latency.mean_ns),
        )
        for model in analysis.models
    ]
    idle = [
        (
            _name(gaps.timeline.name),
            percent(gaps.idle_ns / max(1, gaps.timeline.window.duration_ns)),
            _main_causes(gaps),
        )
        for gaps in analysis.idle
    ]
    return "\n".join(
        (
            html_table(repr(analysis), ("model", "requests", "p50", "p99", "mean"), models),
            html_table("Idle time", ("device", "idle", "main causes"), idle),
        )
    )


def _main_causes(gaps: GapSummary) -> str:
    largest = sorted(gaps.by_cause_ns.items(), key=lambda item: -item[1])[:_CAUSES_SHOWN]
    return ", ".join(
        f"{cause.value} {percent(ns / gaps.idle_ns)}" for cause, ns in largest if ns > 0
    )


def _name(text: str) -> str:
    return printable(text, NAME_MAX_CHARS)
