"""Host events that explain idle time by themselves: driver calls, compiling, loading of models.

An event counts if it works for a request: a driver call belongs to the step that launched it, any
other event to the executor burst or run around it on its thread, or to the batch or the
``BatchingSessionRun`` around it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.execution.device_launches import Launches, enclosing_steps
from diag.analysis.execution.model_loading import find_model_loading
from diag.analysis.execution.op_class import rows_of_type
from diag.analysis.execution.steps import Steps
from diag.analysis.intervals.nesting import innermost
from diag.analysis.intervals.sets import union
from diag.analysis.thresholds import COMPILE_OP_MIN_NS
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, EventTable, Int64s, Plane
from diag.model.intervals import IntervalSet


@dataclass(frozen=True, slots=True, eq=False)
class Calls:
    """Events of one kind that work for requests.

    Attributes:
        row: (n,) ascending rows of the host plane.
        start_ns: (n,).
        end_ns: (n,).
        step: (n,) root step, -1 if only a batch or a request encloses it.
        device: (n,) ordinal of the GPU it went to, -1 if the event does not say.
    """

    row: Int64s
    start_ns: Int64s
    end_ns: Int64s
    step: Int64s
    device: Int64s

    def __len__(self) -> int:
        return len(self.row)

    def concerning(self, ordinal: int, steps: Bools) -> Calls:
        """Calls to this GPU; and calls that name no GPU, if they belong to one of these steps."""
        of_step = (self.step < 0) | np.append(steps, True)[self.step]
        keep = np.where(self.device >= 0, self.device == ordinal, of_step)
        return self.where(keep.astype(np.bool_))

    def where(self, keep: Bools) -> Calls:
        """The calls that a mask selects."""
        return Calls(
            self.row[keep],
            self.start_ns[keep],
            self.end_ns[keep],
            self.step[keep],
            self.device[keep],
        )

    @property
    def open(self) -> IntervalSet:
        """When any of these calls was open."""
        return union(self.start_ns, self.end_ns)


@dataclass(frozen=True, slots=True, eq=False)
class HostCalls:
    """Host calls by kind.

    Attributes:
        allocator: Allocating or freeing device memory or pinned host memory.
        cold_start: Compiling, autotuning, loading modules, instantiating graphs.
        copy: Calls that hand a copy to the driver.
        sync: Calls that wait for a stream, an event or a context.
        load: Ops that restore a model's variables or fill its tables.
        loading: (steps,) steps that load or warm up a model rather than answer a request.
        loading_runs: Number of runs that load or warm up a model.
        warm_ups: Ascending rows of ``BatchingSessionRun`` events that warm up a model.
    """

    allocator: Calls
    cold_start: Calls
    copy: Calls
    sync: Calls
    load: Calls
    loading: Bools
    warm_ups: Int64s
    loading_runs: int

    @property
    def of_the_driver(self) -> tuple[Calls, ...]:
        """Calls that only a step with GPU work makes."""
        return self.allocator, self.cold_start, self.copy, self.sync


def find_host_calls(
    host: Plane, steps: Steps, launches: Launches, loads_told: int = 0
) -> HostCalls:
    """Find the calls by name, and the step of each; for loads, see ``find_model_loading``."""
    events = host.events
    finder = _CallFinder(events, steps, launches)
    copies = np.union1d(_named(events, ev.COPY_CALLS), events.stat(ev.STAT_MEMCPY_DETAILS).rows)
    compiling = rows_of_type(events, ev.COMPILE_OPS)
    long = events.end_ns[compiling] - events.start_ns[compiling] >= COMPILE_OP_MIN_NS
    cold = np.union1d(_named(events, ev.MODULE_LOAD_CALLS + ev.COMPILE_EVENTS), compiling[long])
    lines = tuple(line.name for line in host.lines)
    loading = find_model_loading(events, lines, steps, loads_told)
    return HostCalls(
        allocator=finder.calls(_named(events, ev.ALLOCATOR_CALLS + ev.ALLOCATOR_EVENTS)),
        cold_start=finder.calls(cold),
        copy=finder.calls(copies),
        sync=finder.calls(_named(events, ev.SYNC_CALLS)),
        load=finder.calls(rows_of_type(events, ev.LOAD_OPS)),
        loading=loading.steps,
        loading_runs=int((loading.steps & ~steps.is_orphan & steps.is_root).sum())
        + len(loading.sessions),
        warm_ups=loading.sessions,
    )


def _named(events: EventTable, beginnings: tuple[str, ...]) -> Int64s:
    """Ascending rows of events whose name begins with one of these."""
    return events.rows_where(lambda name: name.startswith(beginnings))


class _CallFinder:
    """Finds the step, batch or request that each event works for."""

    def __init__(self, events: EventTable, steps: Steps, launches: Launches) -> None:
        self._events, self._steps, self._launches = events, steps, launches
        self._around = events.rows_named(ev.PROCESS_BATCH, ev.BATCHING_SESSION_RUN)

    def calls(self, row: Int64s) -> Calls:
        events, steps = self._events, self._steps
        step = self._launching(row)
        rest = np.flatnonzero(step < 0)
        step[rest] = enclosing_steps(events, row[rest], steps)
        kept = (step >= 0) | (innermost(events, self._around, row) >= 0)
        row, step = row[kept], step[kept]
        device = events.stat(ev.STAT_DEVICE_ID).at(row)
        return Calls(row, events.start_ns[row], events.end_ns[row], step, device)

    def _launching(self, row: Int64s) -> Int64s:
        """(n,) step of calls with a correlation id, -1 for other events."""
        step = np.full(len(row), -1, np.int64)
        if len(self._launches.row):
            at = np.searchsorted(self._launches.row, row.astype(np.int32))
            at[at == len(self._launches.row)] = 0
            found = self._launches.row[at] == row
            step[found] = self._launches.step[at[found]]
        return step
