"""Event names of earlier TensorFlow versions, read as the names of later ones.

TensorFlow 2.3 wrote rows into the names of the batch scheduler's events: ``Schedule:2`` is the
enqueue of a task of two rows, ``ProcessBatch:3`` the processing of a batch of three
(TF:tensorflow/core/kernels/batching_util/shared_batch_scheduler.h, 2.3).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import numpy as np

from diag.formats.trace import event_names as ev
from diag.model.events import EventTable, Int64s, StatColumn

_WITH_ROWS: Final = {
    "Schedule": (ev.SCHEDULE_OUTPUT_TASK, ev.STAT_SIZE),
    "ProcessBatch": (ev.PROCESS_BATCH, ev.STAT_BATCH_SIZE_BEFORE_PADDING),
}
_ROWS: Final = re.compile(r"(Schedule|ProcessBatch):([0-9]{1,9})")


def with_later_names(events: EventTable) -> EventTable:
    """The events with the names and stats that later versions would have given them."""
    old = [(i, match) for i, name in enumerate(events.names) if (match := _ROWS.fullmatch(name))]
    if not old:
        return events
    names = (*events.names, *(name for name, _ in _WITH_ROWS.values()))
    new_id = np.arange(len(events.names), dtype=events.name_id.dtype)
    rows = np.full((len(_WITH_ROWS), len(events.names)), -1, np.int64)
    for kind, word in enumerate(_WITH_ROWS):
        for i, match in old:
            if match[1] == word:
                new_id[i] = len(events.names) + kind
                rows[kind, i] = int(match[2])
    stats = dict(events.stats)
    for kind, (_, stat) in enumerate(_WITH_ROWS.values()):
        found = np.flatnonzero(rows[kind][events.name_id] >= 0)
        stats[stat] = _merged(events.stat(stat), found, rows[kind][events.name_id[found]])
    name_id = new_id[events.name_id]
    name_id.flags.writeable = False
    return replace(events, names=names, name_id=name_id, stats=stats)


def _merged(column: StatColumn, rows: Int64s, values: Int64s) -> StatColumn:
    """The column with further values; where a row has both, the column's own counts."""
    new = ~np.isin(rows, column.rows)
    every = np.concatenate((column.rows, rows[new].astype(np.int32)))
    order = np.argsort(every, kind="stable")
    merged = np.concatenate((column.values, values[new]))[order]
    out = StatColumn(every[order], merged)
    out.rows.flags.writeable = out.values.flags.writeable = False
    return out
