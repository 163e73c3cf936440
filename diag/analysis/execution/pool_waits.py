"""How long closures waited for a thread of the runtime's pools, by the pools' own events.

These waits can be compared with the stage ``queue-executor``, which is step time without any burst.
They may be longer, as a closure that waits while another one of its step runs delays no request.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.distribution import Distribution, describe
from diag.analysis.execution.closures import Closures
from diag.model.events import EventTable

POOLS_MAX = 10


@dataclass(frozen=True, slots=True)
class PoolWait:
    """Waits of the closures that one pool began to run within the window.

    Attributes:
        pool: The name its threads share, before the slash: ``tf_Compute`` is the inter-op pool,
            ``…Eigen`` pools serve single ops.
        wait: From Record to StartRegion, one sample a closure.
    """

    pool: str
    wait: Distribution


def measure_pool_waits(
    events: EventTable, lines: tuple[str, ...], closures: Closures
) -> tuple[PoolWait, ...]:
    """The pools with most waiting, longest first; empty if no closure has both of its events."""
    at, begun = events.start_ns, closures.begun
    wait_ns = at[begun] - at[closures.handed]
    pools, pool_of_line = np.unique([line.partition("/")[0] for line in lines], return_inverse=True)
    pool = pool_of_line[events.line_index[begun]]
    total = np.bincount(pool, weights=wait_ns, minlength=len(pools))
    count = np.bincount(pool, minlength=len(pools))
    ranked = [i for i in np.argsort(-total, kind="stable") if count[i]][:POOLS_MAX]
    return tuple(PoolWait(str(pools[i]), describe(wait_ns[pool == i])) for i in ranked)
