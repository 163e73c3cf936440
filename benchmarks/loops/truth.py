"""What a program logged of its own steps: iterations, and their time by kind of step."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from diag.model.events import Int64s

KINDS = ("wait", "read", "result", "input", "prepare", "model", "answer")


@dataclass(frozen=True, slots=True)
class Truth:
    """The iterations that lie in a window, of all threads.

    An iteration reaches from one ``next()`` to the next one, or, where the loop has none, from the
    end of a model call to the end of the next one.

    Attributes:
        start_ns: (n,) unix time.
        end_ns: (n,).
        shares: Ratio of the iterations' time by kind of step.
        wait_share: Ratio in which no element of the pipeline was made yet; None if not logged.
    """

    start_ns: Int64s
    end_ns: Int64s
    shares: Mapping[str, float]
    wait_share: float | None

    @property
    def mean_ns(self) -> float:
        """Of an iteration without its wait for a request."""
        spent = float((self.end_ns - self.start_ns).sum()) * (1 - self.shares["wait"])
        return spent / max(1, len(self.start_ns))


def read_truth(path: Path, window: tuple[int, int], *, has_made: bool = False) -> Truth:
    """Read a log.

    Args:
        path: As ``programs/step_log.py`` writes it.
        window: Begin and end, unix ns; iterations cut by it do not count.
        has_made: Whether each element of a pipeline is logged when it is made.
    """
    steps = read_steps(path)
    starts, ends = [], []
    spent = dict.fromkeys(KINDS, 0)
    for thread in np.unique(steps.thread).tolist():
        start, end = _iterations(steps, steps.thread == thread)
        whole = (start >= window[0]) & (end <= window[1])
        starts.append(start[whole])
        ends.append(end[whole])
        for kind in KINDS:
            mine = (steps.thread == thread) & (steps.kind == kind)
            spent[kind] += _within(steps.begin[mine], steps.end[mine], starts[-1], ends[-1])
    start, end = np.concatenate(starts), np.concatenate(ends)
    total = max(1, int((end - start).sum()))
    waits = _waits_ns(steps, start) / total if has_made else None
    return Truth(start, end, {kind: ns / total for kind, ns in spent.items()}, waits)


@dataclass(frozen=True, slots=True)
class Steps:
    """All steps as columns, in the order of their begin; unix ns; and numbers of elements."""

    thread: Int64s
    kind: np.typing.NDArray[np.str_]
    begin: Int64s
    end: Int64s
    number: Int64s


def read_steps(path: Path) -> Steps:
    """The steps on the wall clock, as it was at the program's start."""
    document = json.loads(path.read_text())
    rows = sorted(document["steps"], key=lambda row: row[2])
    shift = document["clocks"][0][1] - document["clocks"][0][0]
    thread, kind, begin, end, number = zip(*rows, strict=True)
    return Steps(
        np.array(thread, np.int64),
        np.array(kind),
        np.array(begin, np.int64) + shift,
        np.array(end, np.int64) + shift,
        np.array(number, np.int64),
    )


def _iterations(steps: Steps, mine: np.typing.NDArray[np.bool_]) -> tuple[Int64s, Int64s]:
    inputs = steps.begin[mine & (steps.kind == "input")]
    edges = inputs if len(inputs) else steps.end[mine & (steps.kind == "model")]
    return edges[:-1], edges[1:]


def _within(begin: Int64s, end: Int64s, starts: Int64s, ends: Int64s) -> int:
    """Time of steps in iterations; both are ordered, and neither overlap themselves."""
    if not len(starts):
        return 0
    low, high = np.maximum(begin, starts[0]), np.minimum(end, ends[-1])
    return int(np.maximum(high - low, 0).sum())


def _waits_ns(steps: Steps, starts: Int64s) -> int:
    """Time in ``next()`` before the element was made: the k-th call takes the k-th element."""
    calls, made = steps.kind == "input", steps.kind == "made"
    begin, end = steps.begin[calls], steps.end[calls]
    ready = steps.end[made][np.argsort(steps.number[made], kind="stable")]
    count = min(len(begin), len(ready))
    wait = np.clip(ready[:count] - begin[:count], 0, (end - begin)[:count])
    return int(wait[np.isin(begin[:count], starts)].sum())
