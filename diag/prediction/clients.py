"""Recognise the clients of a closed loop in recorded requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.prediction import thresholds
from diag.simulation.load import Clients

if TYPE_CHECKING:
    from diag.model.events import Int64s
    from diag.simulation.load import Arrivals


def find_clients(requests: Arrivals, end_ns: Int64s) -> Clients | None:
    """The clients of a closed loop; None where requests come on their own.

    N clients that each wait for their answer often have N requests open at once and never more;
    requests that come on their own reach their highest number for moments only. Requests that come
    evenly can look the same, so even gaps tell nothing. Clients that wait long between requests
    look like an open loop.

    Args:
        requests: All complete ones.
        end_ns: (n,) their ends.
    """
    start_ns, sorted_ns = np.sort(requests.start_ns), np.sort(end_ns)
    latency_ns = float(np.mean(end_ns) - np.mean(start_ns))
    # Both edges of the window lack requests that it cut.
    middle = np.linspace(start_ns[0] + 2 * latency_ns, sorted_ns[-1] - 2 * latency_ns, 2000)
    if middle[-1] <= middle[0]:
        return None
    opened = np.searchsorted(start_ns, middle, "right")
    opened -= np.searchsorted(sorted_ns, middle, "right")
    most = int(np.quantile(opened, thresholds.CLIENTS_QUANTILE))
    gaps_ns = np.diff(start_ns)
    if (
        most < thresholds.CLIENTS_MIN
        or float((opened >= most).mean()) < thresholds.CLIENTS_ALL_OPEN_MIN_RATIO
        or float(gaps_ns.std()) < thresholds.CLIENTS_MIN_GAP_VARIATION * float(gaps_ns.mean())
    ):
        return None
    # With N requests open, the next one to come is the N-th after the next one to be answered.
    batch_ns = end_ns - requests.after_ns
    order = np.lexsort((end_ns, batch_ns))[: len(end_ns) - most]
    think_ns = np.maximum(start_ns[most:] - end_ns[order], 0)
    inside = (end_ns[order] >= middle[0]) & (end_ns[order] <= middle[-1])
    order, think_ns = order[inside], think_ns[inside]
    return Clients(
        count=most,
        kinds=requests,
        after_ns=requests.after_ns[order],
        think_ns=think_ns,
        first=np.flatnonzero(np.diff(batch_ns[order], prepend=-1)),
    )
