"""Waits in the batch queue: what diag found, compared with a replay from the truth alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.demo.groups import DiagGroups
from diag.demo.replay import BatcherSettings, Wait, replay_queue
from diag.demo.tolerance import Deviation, tolerance_ns
from diag.model.serving import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.analysis.result import Analysis
    from diag.demo.groups import Pair
    from diag.demo.truth import RequestTruth


def compare_queue(
    analysis: Analysis,
    truths: Sequence[RequestTruth],
    pairs: Sequence[Pair],
    settings: BatcherSettings,
    request_ns: float,
) -> tuple[Deviation, ...]:
    """Mean fill, thread and dispatch waits: from the trace and from the replay.

    Args:
        analysis: Analysis of the capture.
        truths: Every request of every model; requests outside the window share batches with those
            inside.
        pairs: At least one recorded request of one model with its truth.
        settings: Parameters of that model's queue.
        request_ns: Mean duration of a request.
    """
    model = truths[pairs[0].truth].model
    mine = [i for i, t in enumerate(truths) if t.model == model and t.status == "OK"]
    waits = dict(zip(mine, replay_queue([truths[i] for i in mine], settings), strict=True))
    by_diag = DiagGroups(analysis)
    replayed = [waits[pair.truth] for pair in pairs]
    recorded = [_diag_wait(analysis, by_diag, pair.row) for pair in pairs]
    allowed = tolerance_ns(request_ns)
    return tuple(
        Deviation(
            name,
            float(np.mean([getattr(wait, field) for wait in recorded])),
            float(np.mean([getattr(wait, field) for wait in replayed])),
            allowed,
        )
        for name, field in (
            ("queue: fill", "fill_ns"),
            ("queue: thread", "thread_ns"),
            ("queue: dispatch", "dispatch_ns"),
        )
    )


def _diag_wait(analysis: Analysis, groups: DiagGroups, row: int) -> Wait:
    """Waits by the trace; dispatch includes schedule, formation and launch, as in the replay."""
    times = analysis.requests.stage_ns[row]
    fill = int(times[Stage.QUEUE_FILL.index])
    thread = int(times[Stage.QUEUE_THREAD.index])
    return Wait(fill, thread, int(groups.of(row).queue) - fill - thread)
