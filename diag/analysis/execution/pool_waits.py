"""How long closures waited for a thread of the runtime's pools, by the pools' own marks.

``ThreadpoolListener`` marks when a closure is handed to a pool (Record) and when a thread begins to
run it (StartRegion with the same id): their distance is the wait for a thread
(xla/tsl/profiler/backends/cpu/threadpool_listener.cc; TensorFlow 2.18 to 2.21, all tracer levels).
It confirms, or contradicts, the ``queue-executor`` stage, which is step time without any burst: a
closure that waits while another of its step runs holds up no request.
"""

from __future__ import annotations

import numpy as np

from diag.analysis.columns.joins import latest_before
from diag.analysis.result import PoolWait
from diag.analysis.summary import describe
from diag.formats import event_names as ev
from diag.model.events import EventTable

POOLS_MAX = 10


def measure_pool_waits(events: EventTable, lines: tuple[str, ...]) -> tuple[PoolWait, ...]:
    """The pools with most waiting, longest first; none where no closure has both of its marks."""
    handed, begun = (
        events.rows_named(name) for name in (ev.THREADPOOL_RECORD, ev.THREADPOOL_START_REGION)
    )
    at = events.start_ns
    pair = latest_before(
        events.stat("_p").at(handed), at[handed], events.stat("_c").at(begun), at[begun]
    )
    begun, pair = begun[pair >= 0], pair[pair >= 0]
    wait_ns = at[begun] - at[handed[pair]]
    pools, pool_of_line = np.unique([line.partition("/")[0] for line in lines], return_inverse=True)
    pool = pool_of_line[events.line_index[begun]]
    total = np.bincount(pool, weights=wait_ns, minlength=len(pools))
    count = np.bincount(pool, minlength=len(pools))
    ranked = [i for i in np.argsort(-total, kind="stable") if count[i]][:POOLS_MAX]
    return tuple(PoolWait(str(pools[i]), describe(wait_ns[pool == i])) for i in ranked)
