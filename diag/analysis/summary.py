"""Means, percentiles and shares over the tables; a percentile only where n can carry it."""

from __future__ import annotations

import numpy as np

from diag.analysis.distribution import describe
from diag.analysis.result import (
    BatchSummary,
    GapSummary,
    ModelSummary,
    StageSummary,
)
from diag.analysis.thresholds import MIN_SAMPLES_P99
from diag.model.availability import Unavailable
from diag.model.events import Bools, Int64s
from diag.model.gaps import IDLE_CAUSES, GapTable, IdleCause, Timeline
from diag.model.serving import (
    CLOSE_REASONS,
    MODES,
    STAGES,
    BatchTable,
    Parameter,
    RequestTable,
)
from diag.model.window import Window


def summarize_models(requests: RequestTable, window: Window) -> tuple[ModelSummary, ...]:
    """One ledger for each model, over its complete requests; models by name."""
    out = []
    for index, model in sorted(enumerate(requests.models), key=lambda item: item[1]):
        mine = (requests.model_index == index) & requests.complete
        if not mine.any():
            continue
        duration = requests.duration_ns[mine]
        stage_ns, known = requests.stage_ns[mine], requests.stage_known[mine]
        slow, middle = _around_p99_and_p50(duration)
        tail: float | Unavailable = Unavailable(
            f"{len(duration)} requests, {MIN_SAMPLES_P99} needed"
        )
        if len(duration) >= MIN_SAMPLES_P99:
            tail = float(duration[slow].mean() - duration[middle].mean())
        total = max(1, int(duration.sum()))
        stages = tuple(
            StageSummary(
                stage=stage,
                known=bool(known[:, stage.index].any()),
                share=float(stage_ns[:, stage.index].sum() / total),
                time=describe(stage_ns[:, stage.index]),
                tail_ns=_stage_tail(stage_ns[:, stage.index], slow, middle, tail),
            )
            for stage in STAGES
        )
        out.append(
            ModelSummary(
                model=model,
                modes=tuple(MODES[m] for m in np.unique(requests.mode_index[mine])),
                requests=len(duration),
                rate_per_second=len(duration) / max(window.duration_ns, 1) * 1e9,
                latency=describe(duration),
                tail_ns=tail,
                stages=stages,
            )
        )
    return tuple(out)


def _around_p99_and_p50(duration_ns: Int64s) -> tuple[Bools, Bools]:
    """The requests around the 99th percentile (1 % of all) and around the median (10 %).

    Half of each lies on either side of the percentile's own request, which is always among them:
    one request says little about what its percentile is made of, and the very slowest ones are not
    what p99 is.
    """
    n = len(duration_ns)
    rank = np.empty(n, np.int64)
    rank[np.argsort(duration_ns, kind="stable")] = np.arange(n)
    slow = np.abs(rank - (-(-99 * n // 100) - 1)) <= n // 200
    middle = np.abs(rank - (-(-50 * n // 100) - 1)) <= n // 20
    return slow, middle


def _stage_tail(
    stage_ns: Int64s, slow: Bools, middle: Bools, tail: float | Unavailable
) -> float | Unavailable:
    if isinstance(tail, Unavailable):
        return tail
    return float(stage_ns[slow].mean() - stage_ns[middle].mean())


def summarize_queues(batches: BatchTable, models: tuple[str, ...]) -> tuple[BatchSummary, ...]:
    """One entry a queue with recorded batches."""
    out = []
    for index, queue in enumerate(batches.queues):
        mine = batches.queue_index == index
        rows = batches.rows[mine & (batches.rows >= 0)]
        if not len(rows):
            continue
        limit = queue.max_batch_size
        fill: float | Unavailable = (
            float(rows.mean() / limit.value)
            if isinstance(limit, Parameter) and limit.value > 0
            else Unavailable("max_batch_size is not known")
        )
        padded = mine & (batches.padded_rows >= batches.rows) & (batches.rows >= 0)
        executed = int(batches.padded_rows[padded].sum())
        padding: float | Unavailable = Unavailable("no batch recorded its padded size")
        if executed:
            padding = 1 - float(batches.rows[padded].sum() / executed)
        reasons = np.bincount(batches.close_reason_index[mine], minlength=len(CLOSE_REASONS))
        out.append(
            BatchSummary(
                queue=queue,
                model=models[queue.model_index] if queue.model_index >= 0 else f"queue {queue.key}",
                batches=int(mine.sum()),
                rows_mean=float(rows.mean()),
                fill_ratio=fill,
                padding_ratio=padding,
                closed_by={
                    reason: int(n) for reason, n in zip(CLOSE_REASONS, reasons, strict=True)
                },
                service=describe((batches.end_ns - batches.start_ns)[mine]),
            )
        )
    return tuple(out)


def summarize_gaps(
    timelines: tuple[Timeline, ...], gaps: GapTable, waiting_ns: tuple[int, ...]
) -> tuple[GapSummary, ...]:
    """Idle time of each timeline by cause; starved and no-demand time are disjoint parts of it.

    Args:
        timelines: All.
        gaps: Their pieces.
        waiting_ns: By timeline, idle with at least one request open that concerns it.
    """
    out = []
    length = gaps.end_ns - gaps.start_ns
    for index, timeline in enumerate(timelines):
        mine = gaps.timeline_index == index
        sums = np.zeros(len(IDLE_CAUSES), np.int64)
        np.add.at(sums, gaps.cause_index[mine], length[mine])
        by_cause = {cause: int(sums[i]) for i, cause in enumerate(IDLE_CAUSES)}
        starved_ns = sum(ns for cause, ns in by_cause.items() if cause.is_starvation)
        out.append(
            GapSummary(
                timeline=timeline,
                idle_ns=int(length[mine].sum()),
                by_cause_ns=by_cause,
                starved_ns=starved_ns,
                no_demand_ns=by_cause[IdleCause.NO_DEMAND],
                waiting_ns=waiting_ns[index],
                recoverable_ns_per_second=(
                    starved_ns / max(timeline.window.duration_ns, 1) * 1_000_000_000
                ),
            )
        )
    return tuple(out)
