"""The longest gaps of each timeline, and the state of the requests that waited in them."""

from __future__ import annotations

import numpy as np

from diag.analysis.idle.demand import Demand
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.idle.request_state import RequestStateLookup
from diag.model.events import Int64s
from diag.model.gaps import IDLE_CAUSES, GapTable, LongGap, WaitingRequest

LONGEST = 10
# Requests listed for each gap, of which the total is also given.
WAITING_MAX = 8
_BLOCK = 1024


def find_longest(
    inputs: IdleInputs, gaps: GapTable, demands: tuple[Demand, ...]
) -> tuple[LongGap, ...]:
    """The ten longest gaps of each timeline, by timeline, longest first, then earliest first."""
    states = RequestStateLookup(inputs)
    out: list[LongGap] = []
    for index, demand in enumerate(demands):
        low, high = np.searchsorted(
            gaps.timeline_index, np.array([index, index + 1], gaps.timeline_index.dtype)
        ).tolist()
        found = _longest_stretches(gaps.start_ns[low:high], gaps.end_ns[low:high])
        for first, last in found:
            pieces = np.arange(low + first, low + last + 1)
            out.append(_describe(gaps, pieces, demand, states))
    return tuple(out)


def _longest_stretches(start_ns: Int64s, end_ns: Int64s) -> list[tuple[int, int]]:
    """First and last piece of the longest stretches of touching pieces.

    Longest first, then earliest first.
    """
    if not len(start_ns):
        return []
    apart = start_ns[1:] != end_ns[:-1]
    first, last = np.append(True, apart), np.append(apart, True)
    length = end_ns[last]
    length -= start_ns[first]
    count = min(LONGEST, len(length))
    # There may be millions. At least ``count`` are as long as the maximum of the ``count``-th
    # best block, so only those as long as that are sorted.
    reach = np.sort(np.maximum.reduceat(length, np.arange(0, len(length), _BLOCK)))
    some = np.flatnonzero(length >= (reach[-count] if len(reach) >= count else 0))
    some = some[np.argsort(-length[some], kind="stable")][:count]
    begins, ends = np.flatnonzero(first)[some], np.flatnonzero(last)[some]
    return list(zip(begins.tolist(), ends.tolist(), strict=True))


def _describe(
    gaps: GapTable, pieces: Int64s, demand: Demand, states: RequestStateLookup
) -> LongGap:
    start_ns, end_ns = int(gaps.start_ns[pieces[0]]), int(gaps.end_ns[pieces[-1]])
    middle_ns = start_ns + (end_ns - start_ns) // 2
    is_open = np.flatnonzero((demand.start_ns <= middle_ns) & (demand.end_ns > middle_ns))
    oldest = is_open[np.argsort(demand.start_ns[is_open], kind="stable")][:WAITING_MAX]
    waiting = tuple(
        _waiting(
            int(demand.request[i]), int(demand.task[i]), int(demand.start_ns[i]), middle_ns, states
        )
        for i in oldest.tolist()
    )
    causes = tuple(
        (IDLE_CAUSES[gaps.cause_index[piece]], int(gaps.end_ns[piece] - gaps.start_ns[piece]))
        for piece in pieces.tolist()
    )
    return LongGap(
        timeline_index=int(gaps.timeline_index[pieces[0]]),
        start_ns=start_ns,
        end_ns=end_ns,
        causes=causes,
        waiting=waiting,
        waiting_total=len(is_open),
    )


def _waiting(
    request: int, task: int, since_ns: int, at_ns: int, states: RequestStateLookup
) -> WaitingRequest:
    if request >= 0:
        state = states.of_request(request, at_ns)
    else:
        state = states.of_tasks([task], at_ns) if task >= 0 else None
    if state is None:
        return WaitingRequest(request, "open", since_ns, states.thread_of(request))
    return WaitingRequest(request, state.stage, state.since_ns, state.thread)
