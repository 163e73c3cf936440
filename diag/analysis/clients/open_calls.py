"""How many calls of clients, and how many requests in the server, were open at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.analysis.clients.containment import Spans
    from diag.model.events import Int64s
    from diag.model.window import Window


@dataclass(frozen=True, slots=True)
class OpenCalls:
    """Over the window, weighted with time.

    Attributes:
        calls_mean: Calls of clients, answered ones.
        requests_mean: Requests in the trace.
        requests_max: The most requests at a time.
        crowded_ratio: Part of the window with more calls open than ``requests_max``.
        crowded_mean: Requests in that part, mean; Unavailable where there is no such part.
    """

    calls_mean: float
    requests_mean: float
    requests_max: int
    crowded_ratio: float
    crowded_mean: float | Unavailable


def count_open(requests: Spans, calls: Spans, window: Window) -> OpenCalls:
    """Count both over the window; neither may be empty."""
    at = np.concatenate((requests.start_ns, requests.end_ns, calls.start_ns, calls.end_ns))
    of_requests, of_calls = len(requests), len(calls)
    ones = np.ones(max(of_requests, of_calls), np.int64)
    none = np.zeros_like(ones)
    n, m = ones[:of_requests], ones[:of_calls]
    request_steps = np.concatenate((n, -n, none[:of_calls], none[:of_calls]))
    call_steps = np.concatenate((none[:of_requests], none[:of_requests], m, -m))
    order = np.argsort(at, kind="stable")
    edges = np.clip(at[order], window.start_ns, window.end_ns)
    lasting: Int64s = np.diff(edges, append=window.end_ns)
    open_requests, open_calls = np.cumsum(request_steps[order]), np.cumsum(call_steps[order])
    counted = lasting > 0
    most = int(open_requests[counted].max(initial=0))
    crowded = counted & (open_calls > most)
    crowded_ns, total_ns = int(lasting[crowded].sum()), max(1, window.duration_ns)
    return OpenCalls(
        calls_mean=float(open_calls @ lasting) / total_ns,
        requests_mean=float(open_requests @ lasting) / total_ns,
        requests_max=most,
        crowded_ratio=crowded_ns / total_ns,
        crowded_mean=(
            float(open_requests[crowded] @ lasting[crowded]) / crowded_ns
            if crowded_ns
            else Unavailable("never were more calls open than requests at most")
        ),
    )
