"""Idle time as plain rows, and GPU servers in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.gaps import CONFIDENCES, IDLE_CAUSES

if TYPE_CHECKING:
    from diag.analysis import Analysis

# Begin and end in us, cause, confidence, runner-up, name of the event that shows it.
Row = tuple[float, float, str, str, str, str]


def rows(analysis: Analysis, timeline: int = 0) -> list[Row]:
    """The pieces of one timeline."""
    gaps, events = analysis.gaps, analysis.host.events
    return [
        (
            float(gaps.start_ns[i] / 1000),
            float(gaps.end_ns[i] / 1000),
            IDLE_CAUSES[gaps.cause_index[i]].value,
            CONFIDENCES[gaps.confidence_index[i]].value,
            IDLE_CAUSES[gaps.runner_up_index[i]].value if gaps.runner_up_index[i] >= 0 else "",
            events.names[events.name_id[gaps.evidence_row[i]]] if gaps.evidence_row[i] >= 0 else "",
        )
        for i in range(len(gaps))
        if gaps.timeline_index[i] == timeline
    ]


def row_at(analysis: Analysis, at_us: float, timeline: int = 0) -> Row:
    """The piece that covers an instant."""
    (row,) = [row for row in rows(analysis, timeline) if row[0] <= at_us < row[1]]
    return row


def step(number: int, *host: str, begin: int = 1000, end: int = 9000) -> str:
    """An unbatched request with one burst around host events, its root 100 us wider than it."""
    body = "\n".join(f"    {event}" for event in host)
    return f"""
line grpc-{number}
  SessionRun {begin}..{end}us id={number} _p={number}
line tf_Compute/{number}
  ExecutorState::Process {begin + 100}..{end - 100}us id={number} _c={number}
{body}
"""


def gpu(*events: str, ordinal: int = 0) -> str:
    """A GPU plane with one stream."""
    body = "\n".join(f"  {event}" for event in events)
    return f"\nplane /device:GPU:{ordinal}\nline Stream #1(Compute)\n{body}\n"


HOST = "plane /host:CPU\n"
END = "\nline end\n  Something 0..20000us\n"
KERNEL = 'kernel_details="regs:32"'
