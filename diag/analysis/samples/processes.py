"""Processes on a GPU, by NVML's list of them.

A record has ``pid``, and where known ``sm_percent``, ``memory_bytes``, ``name`` and ``is_server``
(docs/bundle-format.md). A process without ``sm_percent`` did no sampled work and may only hold
memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from diag.analysis.thresholds import AT_WORK_MIN_RATIO
from diag.model.agreement import OtherProcess
from diag.model.availability import Unavailable
from diag.model.samples import SampleSeries

_FIELD = "processes"


@dataclass(frozen=True, slots=True)
class DeviceProcesses:
    """The processes on one GPU.

    Attributes:
        server: The server's process, None if the sampler did not see it here.
        rest: All others, or all if the server's is not known; the busiest first.
        knows_server: Whether the sampler saw the server's process on any GPU of the machine.
    """

    server: OtherProcess | None
    rest: tuple[OtherProcess, ...]
    knows_server: bool

    @property
    def at_work(self) -> tuple[OtherProcess, ...]:
        """Processes of ``rest`` with sampled work."""
        return tuple(each for each in self.rest if share_of(each) >= AT_WORK_MIN_RATIO)


def share_of(process: OtherProcess) -> float:
    """The sampled share of a process, 0 to 1; 0 if it has none."""
    return 0.0 if isinstance(process.share, Unavailable) else process.share


def processes_on(series: SampleSeries, index: int) -> DeviceProcesses:
    """The processes on a device, each with its mean share over the samples that have shares."""
    lists = [each for s in series.samples if (each := _records(s, index)) is not None]
    percents: dict[int, list[float]] = {}
    latest: dict[int, dict[str, Any]] = {}
    for records in lists:
        for record in records:
            pid = record["pid"]
            latest[pid] = latest.get(pid, {}) | record
            percent = _percent(record)
            if percent is not None:
                percents.setdefault(pid, []).append(percent)
    # The driver samples processes less often than they are listed: only some lists have shares.
    with_shares = sum(any(_percent(record) is not None for record in each) for each in lists)
    found = {
        pid: OtherProcess(
            pid=pid,
            name=_known(record, "name", str, "its name was not recorded"),
            # A process without work is not listed: a zero, if the list has shares at all.
            share=sum(percents.get(pid, ())) / with_shares / 100
            if with_shares
            else Unavailable("the driver does not report shares of processes here"),
            memory_bytes=_known(record, "memory_bytes", int, "the driver does not report it here"),
        )
        for pid, record in latest.items()
    }
    own = [pid for pid, record in latest.items() if record.get("is_server") is True]
    rest = [each for pid, each in found.items() if pid not in own]
    return DeviceProcesses(
        server=found[own[0]] if own else None,
        rest=tuple(sorted(rest, key=lambda each: (-share_of(each), each.pid))),
        knows_server=bool(devices_of_server(series)),
    )


NO_PROCESSES = DeviceProcesses(None, (), knows_server=False)


def devices_of_server(series: SampleSeries) -> list[int]:
    """Indices of the devices on which the server's process was seen."""
    return sorted(
        {
            index
            for sample in series.samples
            for index in range(len(sample.get(_FIELD) or ()))
            for record in _records(sample, index) or ()
            if record.get("is_server") is True
        }
    )


def _records(sample: dict[str, Any], index: int) -> list[dict[str, Any]] | None:
    """A device's records in a sample, None if it has no list."""
    lists = sample.get(_FIELD)
    if not isinstance(lists, list | tuple) or index >= len(lists) or lists[index] is None:
        return None
    return list(_valid(lists[index]))


def _valid(records: Any) -> Iterator[dict[str, Any]]:
    if isinstance(records, list | tuple):
        for record in records:
            if isinstance(record, dict) and isinstance(record.get("pid"), int):
                yield record


def _percent(record: dict[str, Any]) -> float | None:
    value = record.get("sm_percent")
    return value if isinstance(value, int | float) else None


def _known(record: dict[str, Any], key: str, kind: type, reason: str) -> Any:
    value = record.get(key)
    return value if isinstance(value, kind) else Unavailable(reason)
