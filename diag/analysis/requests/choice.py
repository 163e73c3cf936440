"""Which rows of the request table are asked for."""

from __future__ import annotations

import numpy as np

from diag.model.events import Int64s
from diag.model.serving import RequestTable


def slowest(requests: RequestTable, count: int) -> Int64s:
    """The longest requests, longest first; of equal ones the earlier first.

    Requests that are not complete are among them: their length is known, their stages in part.
    """
    return np.argsort(-requests.duration_ns, kind="stable")[:count]


def open_at(requests: RequestTable, at_ns: int) -> Int64s:
    """The requests open at an instant, in order of start; ``at_ns`` counts from the origin."""
    return np.flatnonzero((requests.start_ns <= at_ns) & (requests.end_ns > at_ns))
