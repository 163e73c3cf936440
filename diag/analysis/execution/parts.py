"""Steps cut into parts at their calls of in-graph batchers, and intervals over those parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.execution.async_ops import AsyncOps
from diag.analysis.execution.steps import Steps
from diag.analysis.intervals.sets import Lanes
from diag.analysis.intervals.tiling import Layer
from diag.model.events import Bools, Int64s, Ints
from diag.model.serving import Stage


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Spans of root steps outside their BatchFunction calls.

    Attributes:
        step: (n,) root step.
        start_ns: (n,).
        end_ns: (n,).
        is_before: (n,) whether a batch call of the step follows.
        is_after: (n,) whether a batch call of the step precedes.
        first_of_step: (steps + 1,) parts of step s are ``first_of_step[s]:first_of_step[s + 1]``.
        calls: (k,) positions in AsyncOps of the calls between parts; of calls that overlap, the
            one that ends last.
    """

    step: Int64s
    start_ns: Int64s
    end_ns: Int64s
    is_before: Bools
    is_after: Bools
    first_of_step: Int64s
    calls: Int64s

    def __len__(self) -> int:
        return len(self.step)


def split_at_calls(steps: Steps, ops: AsyncOps) -> Parts:
    """Cut root steps at their BatchFunction calls (begin of Start to begin of Done).

    A call whose Done the window cut off lasts to the end of its step.
    """
    roots = np.flatnonzero(steps.is_root)
    call_step, call_start, call_end, calls = _merge_calls(steps, ops)
    step = np.concatenate((roots, call_step))
    # Each part begins with the step or at the end of a call, and ends at the next call or with the
    # step.
    begin = np.concatenate((steps.start_ns[roots], call_end))
    is_after = np.arange(len(step)) >= len(roots)
    arrange = np.lexsort((begin, is_after, step))
    step, begin, is_after = step[arrange], begin[arrange], is_after[arrange]
    end = steps.end_ns[step]
    is_before = np.concatenate((step[1:] == step[:-1], [False])) if len(step) else is_after
    end[is_before] = call_start  # both in the order of (step, call)
    first = np.searchsorted(step, np.arange(len(steps) + 1))
    return Parts(step, begin, np.maximum(begin, end), is_before, is_after, first, calls)


def _merge_calls(steps: Steps, ops: AsyncOps) -> tuple[Int64s, Int64s, Int64s, Int64s]:
    """Step, start and end of each stretch covered by calls of one step, and its last call."""
    call = np.flatnonzero(ops.is_batch & (ops.step >= 0))
    step = ops.step[call]
    low, high = steps.start_ns[step], np.maximum(steps.start_ns[step], steps.end_ns[step])
    start = np.clip(ops.start_ns[call], low, high)
    end = np.clip(np.where(ops.done_ns[call] >= 0, ops.done_ns[call], high), start, high)
    lanes = Lanes.over(steps.start_ns, np.maximum(steps.start_ns, steps.end_ns))
    begin, done = lanes.place(step, start), lanes.place(step, end)
    order = np.lexsort((done, begin))
    call, step, begin, done = call[order], step[order], begin[order], done[order]
    reach = np.maximum.accumulate(done)
    is_first = np.ones(len(call), np.bool_)
    is_first[1:] = (begin[1:] >= reach[:-1]) | (step[1:] != step[:-1])
    first = np.flatnonzero(is_first)
    stretch = np.cumsum(is_first) - 1
    by_end = np.lexsort((begin, done, stretch))
    last = by_end[np.append(first[1:], len(call)) - 1] if len(call) else first
    return step[first], lanes.time(begin[first]), lanes.time(done[last]), call[last]


@dataclass(frozen=True, slots=True, eq=False)
class StepIntervals:
    """Intervals of steps, in any order.

    Attributes:
        step: (n,) step of each.
        start_ns: (n,).
        end_ns: (n,).
    """

    step: Ints
    start_ns: Int64s
    end_ns: Int64s

    def plus(self, other: StepIntervals) -> StepIntervals:
        """The intervals of both."""
        return StepIntervals.concat([self, other])

    @staticmethod
    def concat(parts: list[StepIntervals]) -> StepIntervals:
        """The intervals of all parts."""
        if not parts:
            none = np.empty(0, np.int64)
            return StepIntervals(none, none, none)
        if len(parts) == 1:
            return parts[0]
        return StepIntervals(
            np.concatenate([part.step for part in parts]),
            np.concatenate([part.start_ns for part in parts]),
            np.concatenate([part.end_ns for part in parts]),
        )

    def where(self, keep: Bools) -> StepIntervals:
        """The intervals that a mask selects."""
        return StepIntervals(self.step[keep], self.start_ns[keep], self.end_ns[keep])


class Spread:
    """Makes layers over parts from intervals of steps."""

    def __init__(self, parts: Parts) -> None:
        self._first = parts.first_of_step
        self._is_after = parts.is_after

    def layer(self, stage: Stage, of: StepIntervals, *, after: bool | None = None) -> Layer:
        """Give the intervals to each part of their step; ``tile`` clips them to the part.

        Args:
            stage: Stage of the layer.
            of: The intervals.
            after: Only parts after (True) or not after (False) a batch call; None for all parts.
        """
        if len(self._first) == len(self._is_after) + 1 and not self._is_after.any():
            # Without in-graph batchers every step is one part.
            none = after is True
            kept = of.where(np.zeros(len(of.step), np.bool_)) if none else of
            return Layer(stage.index, kept.step, kept.start_ns, kept.end_ns)
        count = self._first[of.step + 1] - self._first[of.step]
        source = np.repeat(np.arange(len(of.step)), count)
        within = np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count)
        part = self._first[of.step][source] + within
        if after is not None:
            keep = self._is_after[part] == after
            part, source = part[keep], source[keep]
        return Layer(stage.index, part, of.start_ns[source], of.end_ns[source])
