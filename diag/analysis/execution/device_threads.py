"""Which thread a line of driver calls belongs to, where two tracers number threads differently.

CUPTI's calls have the thread id that TraceMe uses, so that they are on the line of the thread.
ROCm's calls have the operating system's id and form lines of their own, ``Host Threads/<tid>``
(rocm_collector.cc, TensorFlow 2.21; JAX traces of MI300X). A thread calls the driver while it works
for a step. So the line belongs to the thread whose steps were running at nearly all of its calls,
provided that the steps of no other thread were running at most of them.
"""

from __future__ import annotations

import numpy as np

from diag.analysis.intervals.sets import is_covered, union
from diag.model.events import EventTable, Int32s, Int64s, Ints, Line

API_LINE_PREFIX = "Host Threads/"

_OWN_MIN_RATIO = 0.95  # the others lie at the edge of a span, because of another clock
_OTHER_MAX_RATIO = 0.5
_SAMPLE = 2000  # calls of each line that are compared
_LINES_MAX = 64  # of each sort, those with most calls or spans; each pair is compared


def spans_around(host: EventTable, lines: tuple[Line, ...], row: Ints, spans: Int64s) -> Int64s:
    """(n,) position in ``spans`` of the burst or run of each call's thread, or -1.

    Args:
        host: Events of the host plane.
        lines: Lines of the host plane.
        row: Ascending rows of driver calls.
        spans: Ascending rows of bursts and runs.
    """
    out = np.full(len(row), -1, np.int64)
    api = np.array([line.name.startswith(API_LINE_PREFIX) for line in lines], np.bool_)
    if not len(row) or not len(spans) or not api.any():
        return out
    call_line, span_line = host.line_index[row], host.line_index[spans]
    threads = _most(span_line[~api[span_line]])
    at_work = [union(host.start_ns[s], host.end_ns[s]) for s in _groups(spans, span_line, threads)]
    for line in _most(call_line[api[call_line]]):
        mine = np.flatnonzero(call_line == line)
        at = host.start_ns[row[mine]]
        sample = at[:: max(1, len(at) // _SAMPLE)]
        ratio = np.array([is_covered(each, sample).mean() for each in at_work])
        best = int(ratio.argmax()) if len(ratio) else -1
        if best < 0 or ratio[best] < _OWN_MIN_RATIO:
            continue
        if np.delete(ratio, best).max(initial=0.0) > _OTHER_MAX_RATIO:
            continue
        first = int(np.searchsorted(span_line, threads[best], side="left"))
        own = spans[first : int(np.searchsorted(span_line, threads[best], side="right"))]
        nearest = np.searchsorted(host.start_ns[own], at, side="right") - 1
        inside = (nearest >= 0) & (host.end_ns[own[np.maximum(nearest, 0)]] > at)
        out[mine[inside]] = first + nearest[inside]
    return out


def _most(line: Int32s) -> list[int]:
    """The lines with most rows, at most ``_LINES_MAX``."""
    count = np.bincount(line)
    used = np.flatnonzero(count)
    return [int(i) for i in used[np.argsort(-count[used], kind="stable")][:_LINES_MAX]]


def _groups(spans: Int64s, span_line: Int32s, threads: list[int]) -> list[Int64s]:
    return [spans[span_line == thread] for thread in threads]
