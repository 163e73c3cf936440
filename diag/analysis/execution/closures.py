"""When closures were handed to the runtime's thread pools, and when a thread began to run them.

``ThreadpoolListener`` records when a closure is handed to a pool (Record) and when a thread begins
to run it (StartRegion with the same id). The time between them is the wait for a thread
(xla/tsl/profiler/backends/cpu/threadpool_listener.cc; TensorFlow 2.18 to 2.21, all tracer levels).
"""

from __future__ import annotations

from dataclasses import dataclass

from diag.analysis.intervals.joins import latest_before
from diag.formats.trace import event_names as ev
from diag.model.events import EventTable, Int64s


@dataclass(frozen=True, slots=True, eq=False)
class Closures:
    """Closures of which both events were recorded.

    Attributes:
        handed: (n,) row of the Record event.
        begun: (n,) ascending row of the StartRegion event.
    """

    handed: Int64s
    begun: Int64s


def find_closures(events: EventTable) -> Closures:
    """Pair the events by id; where an id repeats, by time."""
    handed, begun = (
        events.rows_named(name) for name in (ev.THREADPOOL_RECORD, ev.THREADPOOL_START_REGION)
    )
    at = events.start_ns
    pair = latest_before(
        events.stat(ev.STAT_PRODUCER_ID).at(handed),
        at[handed],
        events.stat(ev.STAT_CONSUMER_ID).at(begun),
        at[begun],
    )
    return Closures(handed[pair[pair >= 0]], begun[pair >= 0])
