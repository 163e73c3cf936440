"""CPU of the server's machine, by the samples of the same window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.analysis.result import Analysis

HOST = "host"
# The server's cgroup, counted up (the same file).
_THROTTLED = "cgroup_throttled_ns"
# Of the whole machine, 0 to 100 (diag/capture/samplers/host/reader.py).
CPU_PERCENT = "cpu_percent"
# Of the whole machine, a number (the same file).
_RUNNABLE = "runnable_threads"
# Of one core, may exceed 100 (the same file).
SERVER_CPU_PERCENT = "server_cpu_percent"


def cpu_busy(analysis: Analysis) -> float | Unavailable:
    """Share of the machine's CPU time in use over the window, 0 to 1."""
    return _of_percent(_mean(analysis, CPU_PERCENT))


def server_cores(analysis: Analysis) -> float | Unavailable:
    """Mean number of cores that the server's process used over the window."""
    return _of_percent(_mean(analysis, SERVER_CPU_PERCENT))


def machine_cores(analysis: Analysis) -> int | Unavailable:
    """Cores of the server's machine, by its samples."""
    series = analysis.capture.host_samples
    if isinstance(series, Unavailable):
        return series
    values = (sample.get(CPU_PERCENT) for sample in series.samples)
    cores = max((len(value) for value in values if isinstance(value, list)), default=0)
    return cores or Unavailable("the samples do not have each core")


def runnable_threads(analysis: Analysis) -> float | Unavailable:
    """Threads of the machine that run or could run, mean."""
    return _mean(analysis, _RUNNABLE)


def throttled_ns(analysis: Analysis) -> float | Unavailable:
    """Time that the kernel kept the server from the CPU for its limit, by the cgroup's counter."""
    for source in analysis.samples:
        if source.source == HOST and not isinstance(source.fields, Unavailable):
            for field in source.fields:
                if field.field == _THROTTLED:
                    return field.increase
    return Unavailable("the cgroup of the server was not sampled")


def _mean(analysis: Analysis, name: str) -> float | Unavailable:
    for source in analysis.samples:
        if source.source == HOST and not isinstance(source.fields, Unavailable):
            for field in source.fields:
                if field.field == name:
                    return field.mean
    return Unavailable("the server's machine was not sampled")


def _of_percent(value: float | Unavailable) -> float | Unavailable:
    return value if isinstance(value, Unavailable) else value / 100
