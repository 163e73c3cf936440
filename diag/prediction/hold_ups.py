"""Times in which batches were held up: the machine stood still, or took a thread its core."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.intervals.sets import union

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from diag.model.events import Int64s


@dataclass(frozen=True, slots=True)
class HoldUps:
    """Times of a recording; 0 is the begin of the window.

    Attributes:
        from_ns: When every batch that ran was held up, ascending and disjoint.
        until_ns: When each of these times ended.
        of_batch: When a batch was held up and another one was not: begin and end, by the number of
            the batch.
    """

    from_ns: list[int]
    until_ns: list[int]
    of_batch: dict[int, tuple[int, int]]

    def keeps_ns(self, start_ns: int, end_ns: float, batch: int) -> float:
        """How much longer a batch takes that would run in this time without them.

        Args:
            start_ns: When it starts.
            end_ns: When it would end.
            batch: The recorded batch whose start is nearest.
        """
        first, after = bisect_right(self.until_ns, start_ns), bisect_left(self.from_ns, end_ns)
        kept = sum(self.until_ns[i] - max(start_ns, self.from_ns[i]) for i in range(first, after))
        if batch in self.of_batch:
            from_ns, until_ns = self.of_batch[batch]
            if from_ns < end_ns:
                kept += max(0, until_ns - max(start_ns, from_ns))
        return kept


def find_hold_ups(
    start_ns: Int64s,
    usual_ns: NDArray[np.float64],
    work_ns: NDArray[np.float64],
    taken_ns: NDArray[np.float64],
) -> HoldUps:
    """Hold-ups of recorded batches. The instant in a batch is not known; the middle is taken.

    Args:
        start_ns: (n,) begin of each batch.
        usual_ns: (n,) the most that it takes without being held up.
        work_ns: (n,) what it took, as if it had run alone; more than usual if it was held up.
        taken_ns: (n,) what it took.
    """
    held = np.flatnonzero(work_ns - usual_ns >= 1)
    if not len(held):
        return HoldUps([], [], {})
    from_ns = (start_ns + usual_ns / 2)[held].astype(np.int64)
    until_ns = from_ns + (work_ns - usual_ns)[held].astype(np.int64)
    found = union(from_ns, until_ns)
    running = np.searchsorted(np.sort(start_ns), found.end_ns, "left")
    running -= np.searchsorted(np.sort(start_ns + taken_ns), found.start_ns, "right")
    of = np.searchsorted(found.start_ns, from_ns, "right") - 1
    is_of_all = np.bincount(of, minlength=len(found)) >= running
    alone = ~is_of_all[of]
    times = zip(from_ns[alone].tolist(), until_ns[alone].tolist(), strict=True)
    return HoldUps(
        found.start_ns[is_of_all].tolist(),
        found.end_ns[is_of_all].tolist(),
        dict(zip(held[alone].tolist(), times, strict=True)),
    )
