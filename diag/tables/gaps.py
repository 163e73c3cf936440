"""The table of idle gaps: each piece with its cause and the event that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.model.gaps import CONFIDENCES, IDLE_CAUSES
from diag.tables.column import (
    Column,
    ColumnInfo,
    ColumnKind,
    integers,
    objects,
    texts,
    wall_clock,
)

if TYPE_CHECKING:
    from diag.analysis.result import Analysis

_CAUSE_NAMES = tuple(cause.value for cause in IDLE_CAUSES)
_CONFIDENCE_NAMES = tuple(level.value for level in CONFIDENCES)
_IS_STARVATION = np.array([cause.is_starvation for cause in IDLE_CAUSES], np.bool_)

_DEVICE = ColumnInfo(
    "device", "", "The idle timeline: a device plane, or `cpu-execution`.", ColumnKind.TEXT
)
_START = ColumnInfo("start_unix_ns", "ns", "Start of the piece.", ColumnKind.TIME)
_END = ColumnInfo(
    "end_unix_ns", "ns", "End of the piece, half-open; pieces do not overlap.", ColumnKind.TIME
)
_CAUSE = ColumnInfo(
    "cause", "", "Why it was idle; a gap is cut where its cause changes.", ColumnKind.TEXT
)
_CONFIDENCE = ColumnInfo(
    "confidence",
    "",
    "`high`: events show the cause for nine tenths of the piece, and no cause as near to the "
    "device holds for half of it; `medium`: a rule, or missing events, say so; `low`: a guess.",
    ColumnKind.TEXT,
)
_RUNNER_UP = ColumnInfo(
    "runner_up",
    "",
    "The cause that would hold if this one did not; missing where no other evidence touches the "
    "piece.",
    ColumnKind.TEXT,
)
_WAITING = ColumnInfo(
    "waiting_requests", "", "Requests in the server at the start of the piece.", ColumnKind.INTEGER
)
_DURATION = ColumnInfo("duration_ns", "ns", "Length of the piece.", ColumnKind.INTEGER)
_STARVATION = ColumnInfo(
    "starvation", "", "Whether requests were waiting to be fed to the device.", ColumnKind.FLAG
)
_EVENT = ColumnInfo(
    "evidence_event",
    "",
    "The host event that shows the cause best; missing where the evidence is that no event was "
    "recorded.",
    ColumnKind.TEXT,
)
_THREAD = ColumnInfo("evidence_thread", "", "The thread of that event.", ColumnKind.TEXT)
_EVENT_START = ColumnInfo("evidence_start_unix_ns", "ns", "Start of that event.", ColumnKind.TIME)
_EVENT_END = ColumnInfo("evidence_end_unix_ns", "ns", "End of that event.", ColumnKind.TIME)


def gap_columns(analysis: Analysis) -> tuple[Column, ...]:
    """Columns of the table; its rows are ordered by timeline, then start."""
    gaps, origin = analysis.gaps, analysis.capture.origin_unix_ns
    names = tuple(timeline.name for timeline in analysis.timelines)
    return (
        texts(_DEVICE, names, gaps.timeline_index),
        wall_clock(_START, origin, gaps.start_ns),
        wall_clock(_END, origin, gaps.end_ns),
        texts(_CAUSE, _CAUSE_NAMES, gaps.cause_index),
        texts(_CONFIDENCE, _CONFIDENCE_NAMES, gaps.confidence_index),
        texts(_RUNNER_UP, _CAUSE_NAMES, gaps.runner_up_index),
        integers(_WAITING, gaps.waiting_requests),
        integers(_DURATION, gaps.end_ns - gaps.start_ns),
        Column(_STARVATION, _IS_STARVATION[gaps.cause_index]),
        *_evidence_columns(analysis),
    )


def _evidence_columns(analysis: Analysis) -> tuple[Column, ...]:
    """The host event that shows the cause; all missing where no event does."""
    origin = analysis.capture.origin_unix_ns
    events, lines = analysis.host.events, analysis.host.lines
    rows = analysis.gaps.evidence_row
    shown = rows >= 0
    found = rows[shown]
    start_ns, end_ns = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    start_ns[shown], end_ns[shown] = events.start_ns[found], events.end_ns[found]
    names = np.full(len(rows), None, object)
    names[shown] = objects([events.names[i] for i in events.name_id[found].tolist()])
    threads = np.full(len(rows), None, object)
    threads[shown] = objects([lines[i].name for i in events.line_index[found].tolist()])
    return (
        Column(_EVENT, names, shown),
        Column(_THREAD, threads, shown),
        wall_clock(_EVENT_START, origin, start_ns, known=shown),
        wall_clock(_EVENT_END, origin, end_ns, known=shown),
    )
