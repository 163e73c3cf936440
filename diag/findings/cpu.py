"""Whether the server's machine has CPU to spare, by the samples of the same window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.model.availability import Unavailable
from diag.model.finding import Evidence, Remedy, RemedyKind, RemedyPlace, Source

if TYPE_CHECKING:
    from diag.analysis.result import Analysis

_HOST = "host"
# Of the whole machine, 0 to 100 (diag/capture/samplers/host/reader.py).
_CPU_PERCENT = "cpu_percent"


def cpu_busy(analysis: Analysis) -> float | Unavailable:
    """Share of the machine's CPU time in use over the window, 0 to 1."""
    for source in analysis.samples:
        if source.source == _HOST and not isinstance(source.fields, Unavailable):
            for field in source.fields:
                if field.field == _CPU_PERCENT:
                    mean = field.mean
                    return mean if isinstance(mean, Unavailable) else mean / 100
    return Unavailable("the server's machine was not sampled")


def if_free_cores(analysis: Analysis) -> str:
    """How advice to use more cores ends: what was measured, or the condition itself."""
    busy = cpu_busy(analysis)
    if isinstance(busy, Unavailable):
        return ", if CPU cores are free"
    return f" (the machine's CPU is {busy:.0%} busy)"


def order_by_cores(
    analysis: Analysis, more_threads: Remedy, others: tuple[Remedy, ...]
) -> tuple[Remedy, ...]:
    """More threads first, unless the machine has no core for them: then more CPU instead."""
    busy = cpu_busy(analysis)
    if isinstance(busy, Unavailable) or busy < thresholds.CPU_FULL_RATIO:
        return (more_threads, *others)
    more_cpu = Remedy(
        RemedyKind.DEPLOYMENT,
        RemedyPlace.FLEET,
        f"Add a replica, or give the server more CPU: the machine's CPU is {busy:.0%} busy, so "
        "more threads would only wait for a core. If other processes use it, move them first.",
        risk="None for latency; it costs a machine.",
    )
    return (more_cpu, *(each for each in others if each.place is not RemedyPlace.FLEET))


def cpu_evidence(analysis: Analysis) -> tuple[Evidence, ...]:
    """The machine's CPU load, where it was sampled."""
    busy = cpu_busy(analysis)
    if isinstance(busy, Unavailable):
        return ()
    return (
        Evidence("CPU of the machine busy", busy, "ratio", Source("samples", "host cpu_percent")),
    )
