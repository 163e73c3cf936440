"""The table of idle gaps: each piece with its cause and the event that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.model.gaps import CONFIDENCES, IDLE_CAUSES
from diag.report.columns import (
    CellKind,
    TableColumn,
    TableColumns,
    number_column,
    text_column,
    unix_column,
)

if TYPE_CHECKING:
    from diag.analysis.result import Analysis

_CAUSE_NAMES = tuple(cause.value for cause in IDLE_CAUSES)
_CONFIDENCE_NAMES = tuple(level.value for level in CONFIDENCES)


def gap_columns(analysis: Analysis) -> TableColumns:
    """One row a piece of idle time, by timeline and start."""
    table, origin = analysis.gaps, analysis.capture.origin_unix_ns
    causes = table.cause_index.tolist()
    names = tuple(timeline.name for timeline in analysis.timelines)
    runners_up = [_CAUSE_NAMES[i] if i >= 0 else None for i in table.runner_up_index.tolist()]
    starvation = [IDLE_CAUSES[index].is_starvation for index in causes]
    return (
        text_column("device", names, table.timeline_index.tolist()),
        unix_column("start_unix_ns", origin, table.start_ns),
        unix_column("end_unix_ns", origin, table.end_ns),
        text_column("cause", _CAUSE_NAMES, causes),
        text_column("confidence", _CONFIDENCE_NAMES, table.confidence_index.tolist()),
        TableColumn("runner_up", CellKind.TEXT, runners_up),
        number_column("waiting_requests", table.waiting_requests),
        number_column("duration_ns", table.end_ns - table.start_ns),
        TableColumn("starvation", CellKind.FLAG, starvation),
        *_evidence_columns(analysis),
    )


def _evidence_columns(analysis: Analysis) -> TableColumns:
    """The host event that shows the cause; all empty where events are missing to show it."""
    origin = analysis.capture.origin_unix_ns
    events, lines = analysis.host.events, analysis.host.lines
    rows = analysis.gaps.evidence_row
    shown = rows >= 0
    found = rows[shown]
    start_ns, end_ns = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    start_ns[shown], end_ns[shown] = events.start_ns[found], events.end_ns[found]
    name_ids = np.full(len(rows), -1, np.int64)
    line_ids = name_ids.copy()
    name_ids[shown], line_ids[shown] = events.name_id[found], events.line_index[found]
    names = [events.names[i] if i >= 0 else None for i in name_ids.tolist()]
    threads = [lines[i].name if i >= 0 else None for i in line_ids.tolist()]
    return (
        TableColumn("evidence_event", CellKind.TEXT, names),
        TableColumn("evidence_thread", CellKind.TEXT, threads),
        unix_column("evidence_start_unix_ns", origin, start_ns, known=shown),
        unix_column("evidence_end_unix_ns", origin, end_ns, known=shown),
    )
