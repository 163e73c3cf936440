"""Ops that are at work by the trace while the server hardly uses the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from diag.analysis.cpu import cpu_busy, server_cores, throttled_ns
from diag.findings import thresholds
from diag.findings.shares import window_ratio
from diag.model.availability import Unavailable
from diag.model.gaps import IdleCause

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs


class OffCpu(NamedTuple):
    """Time in which ops are at work, and the CPU time of the whole server.

    Attributes:
        working: Ratio of the window in which at least one op is at work, or a request is open
            without an event that says what it waits for.
        cores: Cores that the server's process used over the window, mean.
    """

    working: float
    cores: float

    @property
    def off(self) -> float:
        """Ratio of the window in which none of these threads can have run, at least."""
        return self.working - self.cores


def find_off_cpu(inputs: RuleInputs) -> OffCpu | None:
    """None where the threads run, where a known cause keeps them from it, or nothing shows it.

    An op that computes uses a core, so that the server's CPU time is at least as long as the time
    with ops at work. On a GPU ops wait for the device: such servers are left out.
    """
    gaps, cores = inputs.gaps, server_cores(inputs.analysis)
    if gaps is None or inputs.on_device or isinstance(cores, Unavailable):
        return None
    if _is_kept_off(inputs):
        return None
    working = (
        window_ratio(gaps, gaps.timeline.busy_ns)
        + inputs.idle_ratio((IdleCause.PREPROCESS,))
        + _unexplained(inputs)
    )
    found = OffCpu(working, cores)
    is_large = found.off >= thresholds.STARVED_MIN_RATIO
    return found if is_large and cores <= thresholds.OFF_CPU_MAX_RATIO * working else None


def _is_kept_off(inputs: RuleInputs) -> bool:
    """Whether the CPU is full, or the kernel throttled the server."""
    busy, throttled = cpu_busy(inputs.analysis), throttled_ns(inputs.analysis)
    is_full = not isinstance(busy, Unavailable) and busy >= thresholds.CPU_FULL_RATIO
    return is_full or (not isinstance(throttled, Unavailable) and throttled > 0)


def _unexplained(inputs: RuleInputs) -> float:
    """Idle time without an explanation while requests are open, as a ratio of the window."""
    if inputs.gaps is None:
        return 0.0
    table = inputs.analysis.gaps
    mine = table.timeline_index == inputs.analysis.timelines.index(inputs.gaps.timeline)
    mine &= table.cause_index == IdleCause.UNEXPLAINED.index
    mine &= table.waiting_requests > 0
    return window_ratio(inputs.gaps, int((table.end_ns - table.start_ns)[mine].sum()))
