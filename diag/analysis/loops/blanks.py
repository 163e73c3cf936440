"""Time of a thread's iterations in which it runs no event: Python."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.intervals.sets import is_covered, subtract, union
from diag.analysis.loops.calls import PythonThread
from diag.analysis.loops.spans import Spans
from diag.model.events import Bools, EventTable, Int64s
from diag.model.intervals import NEVER_NS, IntervalSet


@dataclass(frozen=True, slots=True, eq=False)
class Blanks:
    """The blanks of one thread.

    Attributes:
        intervals: When they are.
        place: (n,) int64, which calls a blank is between: equal numbers for the same two, such as
            ``convert_to_tensor`` and the first op of a model.
        before_conversion: (n,) bool, whether the call after it copies an input to a tensor.
    """

    intervals: IntervalSet
    place: Int64s
    before_conversion: Bools

    def __len__(self) -> int:
        return len(self.intervals)


def find_blanks(
    events: EventTable,
    thread: PythonThread,
    spans: Spans,
    known: IntervalSet,
    conversions: IntervalSet,
) -> Blanks:
    """What no event covers.

    Args:
        events: Of the host.
        thread: Whose.
        spans: Its iterations.
        known: Its time with an event.
        conversions: When it copies inputs to tensors.
    """
    blank = subtract(union(spans.start_ns, spans.end_ns), known)
    call = events.name_id[thread.top] + len(thread.token_names)
    first = np.unique(thread.top_of_token, return_index=True)
    has_token = first[0] >= 0
    call[first[0][has_token]] = thread.token_id[first[1][has_token]]
    # One more for the edges of the recording.
    call = np.concatenate(([-1], call, [-1])) + 1
    before = np.searchsorted(events.end_ns[thread.top], blank.start_ns, side="right")
    place = call[before] * (int(call.max()) + 1) + call[before + 1]
    following = np.append(events.start_ns[thread.top], NEVER_NS)[before]
    return Blanks(blank, place, is_covered(conversions, following))
