"""Whether runs on the CPU take longer by as much as there are more of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diag.findings import thresholds
from diag.model.serving import Stage

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs
    from diag.model.events import Bools, Int64s


class Crowd(NamedTuple):
    """Runs with about as many others at once.

    Attributes:
        at_once: Runs at once while one of them runs, itself included, mean.
        mean_ns: Time of a run, mean.
        runs: Number of such runs.
    """

    at_once: float
    mean_ns: float
    runs: int


class Oversubscribed(NamedTuple):
    """Runs of one size with few others at once, and with many.

    Attributes:
        few: Fewest at once.
        many: All with ``CROWD_MIN_RATIO`` times as many at once, or more.
        share: Of the runs of this size that are in ``many``.
    """

    few: Crowd
    many: Crowd
    share: float

    @property
    def growth(self) -> float:
        """Time with many over time with few, for each run more: 1 if it grows just as fast."""
        return (self.many.mean_ns / self.few.mean_ns) / (self.many.at_once / self.few.at_once)

    @property
    def alone_ns(self) -> float:
        """Time of a run alone, by the time with few and as many parts of the cores."""
        return self.few.mean_ns / self.few.at_once

    @property
    def most_ns(self) -> float:
        """What the mean run gains at most if runs that begin together run one by one."""
        one_by_one = (self.many.at_once + 1) / 2 * self.alone_ns
        return self.share * max(0.0, self.many.mean_ns - one_by_one)

    @property
    def least_ns(self) -> float:
        """What it gains at least: each waits for all others that run at once today."""
        return self.share * max(0.0, self.many.mean_ns - self.many.at_once * self.alone_ns)


def find_oversubscribed(inputs: RuleInputs) -> Oversubscribed | None:
    """None where time does not grow so, or the recording has no runs of both kinds.

    Of batches, those with the most frequent number of executed rows; without batches, requests
    whose time is not spent waiting for an inter-op thread.
    """
    start, end, rows = _runs(inputs)
    if not len(start):
        return None
    depth = _at_once(start, end)
    sizes, count = np.unique(rows, return_counts=True)
    mine = rows == sizes[count.argmax()]
    depth, length = depth[mine], (end - start)[mine]
    rounded = np.round(depth)
    levels, runs = np.unique(rounded, return_counts=True)
    frequent = levels[runs >= thresholds.CROWD_MIN_RUNS]
    if not len(frequent):
        return None

    def crowd(mine: Bools) -> Crowd:
        return Crowd(float(depth[mine].mean()), float(length[mine].mean()), int(mine.sum()))

    few = crowd(np.asarray(rounded == frequent[0], np.bool_))
    crowded = np.asarray(depth >= thresholds.CROWD_MIN_RATIO * few.at_once, np.bool_)
    if crowded.sum() < thresholds.CROWD_MIN_RUNS:
        return None
    found = Oversubscribed(few, crowd(crowded), float(crowded.mean()))
    return found if found.growth >= thresholds.CROWD_MIN_GROWTH else None


def _runs(inputs: RuleInputs) -> tuple[Int64s, Int64s, Int64s]:
    """Begin, end and rows of each batch, or of each request without one."""
    batches, requests = inputs.analysis.batches, inputs.analysis.requests
    if len(batches):
        rows = np.where(batches.padded_rows >= 0, batches.padded_rows, batches.rows)
        return batches.start_ns, batches.end_ns, rows
    whole = requests.complete & (requests.end_ns > requests.start_ns)
    if inputs.shares.by_stage[Stage.QUEUE_EXECUTOR] >= thresholds.CHECK_SLACK:
        whole &= False
    return requests.start_ns[whole], requests.end_ns[whole], requests.rows[whole]


def _at_once(start: Int64s, end: Int64s) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """(n,) mean number of the intervals that are open during each of them, itself included."""
    first, last = np.sort(start), np.sort(end)
    begun, ended = (np.append(0, np.cumsum(edges - first[0])) for edges in (first, last))

    def open_before(at: Int64s) -> Int64s:
        """Time of all intervals before each point, added up."""
        a, b = np.searchsorted(first, at), np.searchsorted(last, at)
        return np.asarray((a - b) * (at - first[0]) - begun[a] + ended[b], np.int64)

    return np.asarray((open_before(end) - open_before(start)) / np.maximum(end - start, 1))
