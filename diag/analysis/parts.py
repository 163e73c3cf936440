"""Steps cut at their calls into the batcher, and intervals laid over the pieces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.steps import AsyncOps, Steps
from diag.analysis.tiling import Layer
from diag.model.events import Bools, Int64s
from diag.model.serving import Stage


@dataclass(frozen=True, slots=True)
class Parts:
    """Spans of root steps outside their BatchFunction calls.

    Attributes:
        step: (n,) root step.
        start_ns: (n,).
        end_ns: (n,).
        is_before: (n,) a batch call of the step follows.
        is_after: (n,) a batch call of the step precedes.
        first_of_step: (steps + 1,) parts of step s are ``first_of_step[s]:first_of_step[s + 1]``.
    """

    step: Int64s
    start_ns: Int64s
    end_ns: Int64s
    is_before: Bools
    is_after: Bools
    first_of_step: Int64s

    def __len__(self) -> int:
        return len(self.step)


def split_at_calls(steps: Steps, ops: AsyncOps) -> Parts:
    """Cut root steps at their BatchFunction calls (begin of Start to begin of Done)."""
    roots = np.flatnonzero(steps.is_root)
    call = np.flatnonzero(ops.is_batch & (ops.step >= 0) & (ops.done_ns >= 0))
    order = call[np.lexsort((ops.done_ns[call], ops.step[call]))]
    step = np.concatenate((roots, ops.step[order]))
    # Each part begins where the step or a call's end is, and ends at the next call or the end.
    begin = np.concatenate((steps.start_ns[roots], ops.done_ns[order]))
    is_after = np.arange(len(step)) >= len(roots)
    arrange = np.lexsort((is_after, step))
    step, begin, is_after = step[arrange], begin[arrange], is_after[arrange]
    end = steps.end_ns[step]
    is_before = np.concatenate((step[1:] == step[:-1], [False])) if len(step) else is_after
    end[is_before] = ops.start_ns[order]  # both in the order of (step, call)
    first = np.searchsorted(step, np.arange(len(steps) + 1))
    return Parts(step, begin, np.maximum(begin, end), is_before, is_after, first)


@dataclass(frozen=True, slots=True)
class StepIntervals:
    """Intervals of steps; ``step`` is (n,), so are ``start_ns`` and ``end_ns``."""

    step: Int64s
    start_ns: Int64s
    end_ns: Int64s

    def plus(self, other: StepIntervals) -> StepIntervals:
        """Both, unordered."""
        return StepIntervals(
            np.concatenate((self.step, other.step)),
            np.concatenate((self.start_ns, other.start_ns)),
            np.concatenate((self.end_ns, other.end_ns)),
        )

    def where(self, keep: Bools) -> StepIntervals:
        """Those for which ``keep`` holds."""
        return StepIntervals(self.step[keep], self.start_ns[keep], self.end_ns[keep])


class Spread:
    """Turns intervals of steps into layers over the parts of those steps."""

    def __init__(self, parts: Parts) -> None:
        self._first = parts.first_of_step
        self._is_after = parts.is_after

    def layer(self, stage: Stage, of: StepIntervals, *, after: bool | None = None) -> Layer:
        """The same intervals for each part of their step; clipping drops what lies outside.

        ``after`` limits it to parts after (True) or not after (False) a batch call.
        """
        count = self._first[of.step + 1] - self._first[of.step]
        source = np.repeat(np.arange(len(of.step)), count)
        within = np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count)
        part = self._first[of.step][source] + within
        if after is not None:
            keep = self._is_after[part] == after
            part, source = part[keep], source[keep]
        return Layer(stage.index, part, of.start_ns[source], of.end_ns[source])
