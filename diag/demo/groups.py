"""A request's time in five groups of stages, by the truth and by diag, between the same edges.

::

    group       truth (clock)                          diag (trace)
    start       call → first op of the request         SessionRun → its first executor burst
    preprocess  first op → preprocessing done          first burst → the batcher; unbatched: stage
                                                       preprocess
    queue       preprocessing done → batch's first op  schedule, the queue stages, batch-formation,
                                                       and launch up to the function's first burst
    compute     batch's first op → model's last op     that burst → the function's end; unbatched:
                                                       the rest of the request
    rest        model's last op → the call returns     batch-split, postprocess, unattributed

A batch's launch ends at its function's first executor burst, because ``FunctionRun`` covers only
the hand-over.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.execution.steps import find_steps
from diag.demo.match import Span, match_requests
from diag.demo.replay import critical_part
from diag.formats.trace import event_names as ev
from diag.model.availability import Unavailable
from diag.model.serving import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.analysis.result import Analysis
    from diag.demo.truth import RequestTruth
    from diag.model.events import Bools, EventTable, Int64s

_BEFORE_THE_RUN = (
    Stage.SCHEDULE,
    Stage.QUEUE_FILL,
    Stage.QUEUE_THREAD,
    Stage.QUEUE_DISPATCH,
    Stage.BATCH_FORMATION,
)
GROUPS = ("start", "preprocess", "queue", "compute", "rest")


@dataclass(frozen=True, slots=True)
class Groups:
    """Nanoseconds of one request, or means over several requests."""

    start: float
    preprocess: float
    queue: float
    compute: float
    rest: float

    @property
    def total(self) -> float:
        """The request's duration."""
        return self.start + self.preprocess + self.queue + self.compute + self.rest


@dataclass(frozen=True, slots=True)
class Pair:
    """One request in diag's table and in the truth.

    Attributes:
        row: Row of ``Analysis.requests``.
        truth: Index into the truth's requests.
    """

    row: int
    truth: int


def pair_requests(
    analysis: Analysis, truths: Sequence[RequestTruth], model: str
) -> tuple[Pair, ...]:
    """Match the complete recorded requests of one model with their truth.

    Args:
        analysis: Analysis of the capture.
        truths: The requests of all models.
        model: Name of the model. Traces name models only with session metadata; without it the
            truth decides which model a request belongs to.
    """
    origin = analysis.capture.origin_unix_ns
    if isinstance(origin, Unavailable):
        return ()
    table = analysis.requests
    named = {model_label(label) for label in table.models}
    known = {truth.model for truth in truths} <= named
    rows = [
        row
        for row in np.flatnonzero(table.complete).tolist()
        if not known or model_label(table.models[table.model_index[row]]) == model
    ]
    spans = [
        Span(origin + int(table.start_ns[row]), origin + int(table.end_ns[row])) for row in rows
    ]
    candidates = [i for i, truth in enumerate(truths) if not known or truth.model == model]
    matched = match_requests(spans, [truths[i] for i in candidates])
    return tuple(
        Pair(row, candidates[found])
        for row, found in zip(rows, matched, strict=True)
        if found >= 0 and truths[candidates[found]].model == model
    )


def model_label(label: str) -> str:
    """The model's name in a label with or without a version: ``light`` for ``light:1``."""
    return label.partition(":")[0]


def truth_groups(truth: RequestTruth) -> Groups:
    """Groups by the server's clocks; of a request that was cut, by the part that ends last."""
    part = critical_part(truth)
    return Groups(
        start=truth.request_unix_ns - truth.run_start_unix_ns,
        preprocess=truth.ready_unix_ns - truth.request_unix_ns,
        queue=part.start_unix_ns - truth.ready_unix_ns,
        compute=part.end_unix_ns - part.start_unix_ns,
        rest=truth.run_end_unix_ns - part.end_unix_ns,
    )


class DiagGroups:
    """Groups of requests by an Analysis."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        host = max(
            (plane for plane in analysis.capture.planes if plane.name == ev.HOST_PLANE),
            key=lambda plane: len(plane.events),
        )
        self._waits = _start_waits(host.events)

    def of(self, row: int) -> Groups:
        """The groups of one row of the request table."""
        table = self._analysis.requests
        times = table.stage_ns[row]

        def stage(*stages: Stage) -> int:
            return int(sum(times[s.index] for s in stages))

        executor = stage(Stage.QUEUE_EXECUTOR)
        start = min(executor, self._waits.get(int(table.start_ns[row]), 0))
        rest = stage(Stage.BATCH_SPLIT, Stage.POSTPROCESS, Stage.UNATTRIBUTED)
        batch = self._last_batch(row)
        if batch < 0:
            preprocess = stage(Stage.PREPROCESS)
            queue, compute = 0, int(times.sum()) - start - preprocess - rest
        else:
            run_start = int(self._analysis.batches.run_start_ns[batch])
            run_ns = int(self._analysis.batches.run_end_ns[batch]) - run_start
            launch = min(executor - start, self._waits.get(run_start, 0))
            queue = launch + stage(*_BEFORE_THE_RUN)
            compute = run_ns - launch
            preprocess = int(times.sum()) - start - queue - compute - rest
        return Groups(start, preprocess, queue, compute, rest)

    def _last_batch(self, row: int) -> int:
        """The request's batch that ends last; -1 if it has none."""
        table, batches = self._analysis.requests, self._analysis.batches
        first, end = table.batch_offsets[row : row + 2]
        members = table.batch_index[first:end]
        return int(members[np.argmax(batches.run_end_ns[members])]) if len(members) else -1


def mean_groups(groups: Sequence[Groups]) -> Groups:
    """The mean of each group over at least one request."""
    return Groups(*(float(column.mean()) for column in np.array([astuple(g) for g in groups]).T))


def _start_waits(events: EventTable) -> dict[int, int]:
    """By the start of each SessionRun and FunctionRun, the ns until its first executor burst."""
    steps = find_steps(events)
    first: Int64s = np.full(len(steps), np.iinfo(np.int64).max)
    np.minimum.at(first, steps.burst_step, events.start_ns[steps.burst_row])
    has_burst: Bools = first < np.iinfo(np.int64).max
    wait = np.maximum(0, first - steps.start_ns)
    return dict(zip(steps.start_ns[has_burst].tolist(), wait[has_burst].tolist(), strict=True))
