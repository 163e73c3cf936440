"""When batch threads held a batch, including batches that the window cut off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.batching.batches import Batches
from diag.analysis.intervals.nesting import innermost
from diag.analysis.intervals.sets import union
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, EventTable, Int64s
from diag.model.window import Window


@dataclass(frozen=True, slots=True, eq=False)
class HeldSpans:
    """Spans in which batch threads held a batch.

    Attributes:
        line: (n,) line index of the thread.
        start_ns: (n,).
        end_ns: (n,).
    """

    line: Int64s
    start_ns: Int64s
    end_ns: Int64s

    def where(self, chosen: Bools | slice) -> HeldSpans:
        """The spans that a mask or a slice selects."""
        return HeldSpans(self.line[chosen], self.start_ns[chosen], self.end_ns[chosen])


def held_spans(events: EventTable, batches: Batches, window: Window) -> HeldSpans:
    """Every span in which a batch thread held a batch.

    The first spans are those of ``batches``, in that order. A batch that the window cut off leaves
    its merge or its run without a ProcessBatch around it: its thread held it from there to the edge
    of the window.
    """
    inner = events.rows_named(
        ev.MERGE_INPUT_TENSORS, ev.CONCAT_INPUT_TENSORS, ev.SESSION_RUN, ev.FUNCTION_RUN
    )
    loose = inner[innermost(events, batches.row, inner) < 0]
    line = events.line_index[loose].astype(np.int64)
    spans = [(batches.line, batches.start_ns, batches.end_ns)]
    for thread in np.unique(batches.line):
        rows = loose[line == thread]
        first = batches.start_ns[batches.line == thread].min()
        early = events.start_ns[rows] < first
        start, end = union(
            np.where(early, window.start_ns, events.start_ns[rows]),
            np.where(early, events.end_ns[rows], window.end_ns),
        ).edges
        spans.append((np.full(len(start), thread), start, end))
    return HeldSpans(
        np.concatenate([s[0] for s in spans]),
        np.concatenate([s[1] for s in spans]),
        np.concatenate([s[2] for s in spans]),
    )
