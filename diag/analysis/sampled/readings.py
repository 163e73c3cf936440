"""What a sampler said of one GPU, on the trace's clock, with all that is not known of when.

A reading is a share of time over a span that is itself only known within bounds: where it ends,
for the clocks' difference and for values that were read some time after they were made; and how
long it is, for drivers do not tell their period.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

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
        weight_ns: Time that it stands for.
        resolution_ns: What one reading averages over, as far as it is known.
        averaging: The same in words, and how it is known.
        is_stamped: Whether each end is a time that the sampler gave itself: all are off by one and
            the same, and a span is no shorter than its distance from the one before.
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
    averaging: str
    is_stamped: bool = False

    def __len__(self) -> int:
        return len(self.low)

    def where(self, keep: Bools) -> Readings:
        """Those that are selected."""
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
        """Those whose span lies in the window if it is in the middle of where it may be."""
        end = self.middle_end_ns
        begins = end - self.middle_length_ns >= window.start_ns
        return self.where(np.asarray(begins & (end <= window.end_ns), np.bool_))

    @property
    def middle_end_ns(self) -> Int64s:
        """The end of each span, if it is in the middle of where it may be."""
        return np.asarray((self.end_min_ns + self.end_max_ns) // 2, np.int64)

    @property
    def middle_length_ns(self) -> Int64s:
        """Likewise its length."""
        return np.asarray((self.length_min_ns + self.length_max_ns) // 2, np.int64)

    @property
    def share(self) -> Float64s:
        """The value itself; of a one-sided reading its least."""
        sure = self.high < 1.0
        return np.asarray(np.where(sure, (self.low + self.high) / 2, self.low), np.float64)

    def joined(self) -> Readings | None:
        """The longest run of back-to-back spans that the sampler stamped, as one reading.

        The clocks' difference shifts all of them alike, so that over the run it weighs less than
        over each. Spans that are longer than their stamps are apart, by up to some slack, overlap:
        a mean of them is a mean over the run, shifted back by up to that slack. (A length that is
        no whole number of distances weighs times unevenly; work would have to keep in step with
        the stamps to make that show.) None if no two are back to back.
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


# Stamps of a driver are whole microseconds, those of ours nanoseconds of a thread that may wait.
JOINT_NS = 1_000


def no_readings(field: str, resolution_ns: int | Unavailable, averaging: str) -> Readings:
    """What a sampler gives that said nothing that can be placed."""
    share, time = np.empty(0, np.float64), np.empty(0, np.int64)
    return Readings(field, share, share, time, time, time, time, time, resolution_ns, averaging)
