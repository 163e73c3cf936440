"""Time of requests as clients saw it, next to what the trace shows of the same requests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.clients.clock_offset import ClockOffset, find_offset
from diag.analysis.clients.containment import NONE, Spans, match_inside
from diag.analysis.clients.open_calls import OpenCalls, count_open
from diag.analysis.distribution import Distribution, describe
from diag.analysis.thresholds import CLIENT_CLOCK_MAX_NS, CLIENT_MATCH_MIN_RATIO
from diag.model.availability import Unavailable
from diag.model.quantity import duration

if TYPE_CHECKING:
    from diag.model.capture import Capture
    from diag.model.serving import RequestTable
    from diag.model.window import Window


@dataclass(frozen=True, slots=True)
class ClientTimes:
    """Calls of a client log joined with the requests of the trace, by time.

    A pair may be of two requests that ran at the same time: means over all pairs are not touched by
    that, single differences and their percentiles are.

    Attributes:
        calls: Answered calls that lie whole in the window.
        matched: Requests that lie inside a call of their own.
        clock: What to add to the clients' times to get the server's.
        client: Time of the matched calls, ns.
        request: Time of their requests in the trace, ns.
        outside: Call minus request, ns: in the server before and after the request of the trace, on
            the network and in the client. It does not depend on the clocks.
        before_low_ns: Least mean of the part before the request, by ``clock``.
        before_high_ns: The most.
        open: How many calls and requests were open at a time.
    """

    calls: int
    matched: int
    clock: ClockOffset
    client: Distribution
    request: Distribution
    outside: Distribution
    before_low_ns: float
    before_high_ns: float
    open: OpenCalls


@dataclass(frozen=True, slots=True)
class ClientView:
    """What the client log says.

    Attributes:
        log: Its name; Unavailable without one.
        times: Unavailable where it does not fit to the trace.
        answered: Calls that were answered and ended in the window.
        failed: Calls that were not answered and ended in the window, by status.
    """

    log: str | Unavailable
    times: ClientTimes | Unavailable
    answered: int = 0
    failed: tuple[tuple[str, int], ...] = ()


def client_view(capture: Capture, table: RequestTable) -> ClientView:
    """Join the capture's client log with its requests.

    The clients' clock may differ by up to ``CLIENT_CLOCK_MAX_NS``.
    """
    log, origin = capture.client_log, capture.origin_unix_ns
    if isinstance(log, Unavailable):
        return ClientView(log, log)
    if isinstance(origin, Unavailable):
        return ClientView(log.name, origin)
    window = capture.window
    calls = Spans(log.start_unix_ns - origin, log.end_unix_ns - origin)
    near = (calls.end_ns >= window.start_ns - CLIENT_CLOCK_MAX_NS) & (
        calls.start_ns < window.end_ns + CLIENT_CLOCK_MAX_NS
    )
    answered = calls.taken(np.flatnonzero(near & log.answered))
    requests = Spans(table.start_ns, table.end_ns)
    complete = requests.taken(np.flatnonzero(table.complete))
    if not len(answered) or not len(complete):
        times: ClientTimes | Unavailable = Unavailable(_nothing(len(near), len(answered)))
        clock_ns = 0
    else:
        clock = find_offset(complete, answered)
        clock_ns = clock.ns
        times = _join(requests, complete, answered, clock, window)
    ended = calls.end_ns + clock_ns
    in_window = (ended >= window.start_ns) & (ended < window.end_ns)
    failed = Counter(log.status_index[in_window & ~log.answered].tolist())
    return ClientView(
        log.name,
        times,
        int(np.count_nonzero(in_window & log.answered)),
        tuple((log.statuses[index], n) for index, n in failed.most_common()),
    )


def _nothing(calls: int, answered: int) -> str:
    if not answered:
        return (
            f"none of the {calls:,} calls in the client log was answered within "
            f"{duration(CLIENT_CLOCK_MAX_NS)} of the window"
        )
    return "the trace has no complete request to join the client log with"


def _join(
    requests: Spans, complete: Spans, answered: Spans, clock: ClockOffset, window: Window
) -> ClientTimes | Unavailable:
    """The times of the pairs, if nearly all requests and calls have a partner."""
    calls = answered.moved(clock.ns)
    calls = calls.taken(calls.between(window.start_ns, window.end_ns))
    partner = match_inside(complete, calls)
    rows = np.flatnonzero(partner != NONE)
    whole = (calls.start_ns >= window.start_ns) & (calls.end_ns <= window.end_ns)
    n_whole, n_joined = int(np.count_nonzero(whole)), int(np.count_nonzero(whole[partner[rows]]))
    if (
        len(rows) < CLIENT_MATCH_MIN_RATIO * len(complete)
        or n_joined < CLIENT_MATCH_MIN_RATIO * n_whole
    ):
        return Unavailable(
            f"the client log does not fit to the trace: of {len(complete):,} complete requests "
            f"{len(rows):,} lie inside a call of the log, and of {n_whole:,} answered calls in the "
            f"window {n_joined:,} contain a request. It must be of all clients of this server and "
            "of no other server"
        )
    served, called = complete.taken(rows), calls.taken(partner[rows])
    before_ns = float((served.start_ns - called.start_ns).mean())
    spread_ns = clock.high_ns - clock.ns, clock.ns - clock.low_ns
    return ClientTimes(
        calls=n_whole,
        matched=len(rows),
        clock=clock,
        client=describe(called.duration_ns),
        request=describe(served.duration_ns),
        outside=describe(called.duration_ns - served.duration_ns),
        before_low_ns=max(0.0, before_ns - spread_ns[0]),
        before_high_ns=before_ns + spread_ns[1],
        open=count_open(requests, calls, window),
    )
