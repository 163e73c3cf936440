"""Samples of one GPU's utilization on the trace's clock, with bounds on the time of each.

A reading is a share of time over a span that is only known within bounds: its end, because clocks
differ and values are read some time after they were made; and its length, because drivers do not
report their period.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from diag.model.agreement import Averaging
from diag.model.availability import Unavailable
from diag.model.events import Bools, Int64s
from diag.model.window import Window

Float64s = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings of one device by one field, in order of time; all arrays have shape (n,).

    Attributes:
        field: Name of the sampled field.
        low: Least share of time, 0 to 1, that the value allows.
        high: Greatest share.
        end_min_ns: Earliest end of the span that it is the share of, ns on the trace's clock.
        end_max_ns: Latest end.
        length_min_ns: Shortest length of the span.
        length_max_ns: Longest length.
        weight_ns: Time that it represents.
        resolution_ns: Time that one reading averages over, as far as it is known.
        averaging: The same in detail; Unavailable, with the reason, if there are no readings.
        is_stamped: Whether the sampler itself stamped each end: then all ends have the same error,
            and a span is at least as long as its distance from the one before.
    """

    field: str
    low: Float64s
    high: Float64s
    end_min_ns: Int64s
    end_max_ns: Int64s
    length_min_ns: Int64s
    length_max_ns: Int64s
    weight_ns: Int64s
    resolution_ns: int | Unavailable
    averaging: Averaging | Unavailable
    is_stamped: bool = False

    def __len__(self) -> int:
        return len(self.low)

    def where(self, keep: Bools) -> Readings:
        """The selected readings; ``keep`` has shape (n,)."""
        return replace(
            self,
            low=self.low[keep],
            high=self.high[keep],
            end_min_ns=self.end_min_ns[keep],
            end_max_ns=self.end_max_ns[keep],
            length_min_ns=self.length_min_ns[keep],
            length_max_ns=self.length_max_ns[keep],
            weight_ns=self.weight_ns[keep],
        )

    def within(self, window: Window) -> Readings:
        """Readings whose span lies in the window, taking the middle of its bounds."""
        end = self.middle_end_ns
        begins = end - self.middle_length_ns >= window.start_ns
        return self.where(np.asarray(begins & (end <= window.end_ns), np.bool_))

    @property
    def middle_end_ns(self) -> Int64s:
        """(n,) the middle of the bounds on each span's end, ns on the trace's clock."""
        return np.asarray((self.end_min_ns + self.end_max_ns) // 2, np.int64)

    @property
    def middle_length_ns(self) -> Int64s:
        """(n,) the middle of the bounds on each span's length, ns."""
        return np.asarray((self.length_min_ns + self.length_max_ns) // 2, np.int64)

    @property
    def share(self) -> Float64s:
        """(n,) the sampled value, 0 to 1; its least value where only that is known."""
        sure = self.high < 1.0
        return np.asarray(np.where(sure, (self.low + self.high) / 2, self.low), np.float64)

    def joined(self) -> Readings | None:
        """The longest run of back-to-back spans that the sampler stamped, as one reading.

        The clocks' difference shifts all spans alike, so it matters less for the whole run than
        for each span. Spans that are longer than the distance of their stamps overlap; their mean
        is a mean over the run, shifted back by up to the overlap. (If the length is not a multiple
        of the distance, times have uneven weights; that only matters for work in step with the
        stamps.) None if no two spans are back to back.
        """
        if len(self) < 2 or not self.is_stamped:
            return None
        begin = self.end_max_ns - self.length_min_ns
        follows = abs(begin[1:] - self.end_max_ns[:-1]) <= JOINT_NS
        edge = np.flatnonzero(np.diff(np.concatenate(([False], follows, [False])).astype(np.int8)))
        if not len(edge):
            return None
        first, last = edge[::2], edge[1::2]
        run = int(np.argmax(last - first))
        pick = slice(int(first[run]), int(last[run]) + 1)
        weight = self.length_min_ns[pick]
        total = weight.sum(keepdims=True)
        slack = (self.length_max_ns[pick] - weight).max()
        return replace(
            self,
            low=(self.low[pick] * weight).sum(keepdims=True) / total,
            high=(self.high[pick] * weight).sum(keepdims=True) / total,
            end_min_ns=self.end_min_ns[pick][-1:] - slack,
            end_max_ns=self.end_max_ns[pick][-1:],
            length_min_ns=total,
            length_max_ns=total,
            weight_ns=total,
        )


# Drivers stamp in whole microseconds; diag stamps in ns, by a thread that may be delayed.
JOINT_NS = 1_000


def no_readings(
    field: str, why: Unavailable, resolution_ns: int | Unavailable | None = None
) -> Readings:
    """Readings of a sampler without a value that has a known time.

    Args:
        field: Name of the sampled field.
        why: There are none.
        resolution_ns: What one would average over, if that is known all the same.
    """
    share, time = np.empty(0, np.float64), np.empty(0, np.int64)
    resolution = why if resolution_ns is None else resolution_ns
    return Readings(field, share, share, time, time, time, time, time, resolution, why)
