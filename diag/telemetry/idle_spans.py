"""Idle time as traces: one for each device, or for model execution on the CPU."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from diag.analysis.result import Analysis
from diag.model.events import Int64s
from diag.model.gaps import CONFIDENCES, IDLE_CAUSES
from diag.model.spans import Span
from diag.telemetry.span_keys import SpanKeys, child

# Tempo refuses a trace of more than 5 MB (max_bytes_per_trace, its default); a span has about 300.
GAPS_MAX = 1_000


def longest_gaps(analysis: Analysis, timeline: int, count: int = GAPS_MAX) -> Int64s:
    """Rows of the longest gaps of a timeline, in order of time."""
    gaps = analysis.gaps
    mine = np.flatnonzero(gaps.timeline_index == timeline)
    length_ns = gaps.end_ns[mine] - gaps.start_ns[mine]
    return np.sort(mine[np.argsort(-length_ns, kind="stable")[:count]])


def idle_spans(analysis: Analysis, keys: SpanKeys, origin_unix_ns: int) -> Iterator[Span]:
    """A span of the window for each timeline, and its longest pieces of idle time as children."""
    gaps = analysis.gaps
    for index, timeline in enumerate(analysis.timelines):
        key = keys.root("timeline", index)
        window = timeline.window
        yield Span(
            key,
            b"",
            f"idle time of {timeline.name}",
            origin_unix_ns + window.start_ns,
            origin_unix_ns + window.end_ns,
            (
                ("diag.device", timeline.name),
                ("diag.busy_ns", timeline.busy_ns),
                ("diag.idle_ns", window.duration_ns - timeline.busy_ns),
            ),
        )
        for row in longest_gaps(analysis, index).tolist():
            runner_up = int(gaps.runner_up_index[row])
            cause = IDLE_CAUSES[gaps.cause_index[row]]
            yield Span(
                child(key, row),
                key.span_id,
                f"idle {cause.value}",
                origin_unix_ns + int(gaps.start_ns[row]),
                origin_unix_ns + int(gaps.end_ns[row]),
                (
                    ("diag.device", timeline.name),
                    ("diag.idle.cause", cause.value),
                    ("diag.idle.confidence", CONFIDENCES[gaps.confidence_index[row]].value),
                    *(
                        (("diag.idle.runner_up", IDLE_CAUSES[runner_up].value),)
                        if runner_up >= 0
                        else ()
                    ),
                    ("diag.waiting_requests", int(gaps.waiting_requests[row])),
                ),
            )
