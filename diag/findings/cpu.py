"""Whether the server's machine has CPU to spare, by the samples of the same window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis.cpu import (
    CPU_PERCENT,
    HOST,
    SERVER_CPU_PERCENT,
    cpu_busy,
    machine_cores,
    server_cores,
)
from diag.findings import thresholds
from diag.model.availability import Unavailable
from diag.model.finding import Evidence, Remedy, RemedyKind, RemedyPlace, Source

if TYPE_CHECKING:
    from diag.analysis.result import Analysis


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
        f"{_first_move(analysis, busy)}, so more threads would only wait for a core.",
        risk="None for latency; it may cost a machine.",
    )
    return (more_cpu, *(each for each in others if each.place is not RemedyPlace.FLEET))


def _first_move(analysis: Analysis, busy: float) -> str:
    """Moving other processes away where they take much of the CPU, else more of it."""
    server, cores = server_cores(analysis), machine_cores(analysis)
    if isinstance(server, Unavailable) or isinstance(cores, Unavailable):
        return (
            "Add a replica, or give the server more CPU (move other processes first, if they use "
            f"it): the machine's CPU is {busy:.0%} busy"
        )
    own = f"the server uses {server:.2f} of {cores} cores"
    used = f"the machine's CPU is {busy:.0%} busy, and {own}"
    if has_busy_neighbours(analysis):
        return f"Move the other processes off this machine, or add a replica elsewhere: {used}"
    return f"Add a replica, or give the server more CPU: {used}"


def has_busy_neighbours(analysis: Analysis) -> bool:
    """Whether the machine's CPU is full and other processes use more than a quarter of that."""
    busy, server, cores = cpu_busy(analysis), server_cores(analysis), machine_cores(analysis)
    if isinstance(busy, Unavailable) or busy < thresholds.CPU_FULL_RATIO:
        return False
    if isinstance(server, Unavailable) or isinstance(cores, Unavailable):
        return False
    return server < thresholds.MOSTLY_SERVER_RATIO * busy * cores


def is_cpu_of_others(analysis: Analysis) -> bool:
    """Whether the machine's CPU is full, and other processes use most of what is used."""
    busy, server, cores = cpu_busy(analysis), server_cores(analysis), machine_cores(analysis)
    if isinstance(busy, Unavailable) or busy < thresholds.CPU_FULL_RATIO:
        return False
    if isinstance(server, Unavailable) or isinstance(cores, Unavailable):
        return False
    return 1 - server / (busy * cores) >= thresholds.OTHERS_CPU_MIN_SHARE


def neighbours_sentence(analysis: Analysis) -> str:
    """That other processes fill the machine, which makes every number worse; "" if they do not."""
    busy, server, cores = cpu_busy(analysis), server_cores(analysis), machine_cores(analysis)
    if not has_busy_neighbours(analysis) or isinstance(busy, Unavailable):
        return ""
    return (
        f"Other processes use the machine's CPU too: it is {busy:.0%} busy, and the server uses "
        f"{server:.2f} of {cores} cores."
    )


def cpu_evidence(analysis: Analysis) -> tuple[Evidence, ...]:
    """CPU load of the machine and of the server, where they were sampled."""
    values = (
        ("CPU of the machine busy", cpu_busy(analysis), "ratio", CPU_PERCENT),
        ("CPU of the server", server_cores(analysis), "cores", SERVER_CPU_PERCENT),
        ("cores of the machine", machine_cores(analysis), "cores", CPU_PERCENT),
    )
    return tuple(
        Evidence(name, value, unit, Source("samples", f"{HOST} {field}"))
        for name, value, unit, field in values
        if not isinstance(value, Unavailable)
    )
