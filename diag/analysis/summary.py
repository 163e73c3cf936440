"""Means, percentiles and shares over the tables of an analysis."""

from __future__ import annotations

import numpy as np

from diag.analysis.distribution import describe
from diag.analysis.fit import fit
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
    Queue,
    RequestTable,
)
from diag.model.window import Window


def summarize_models(requests: RequestTable, window: Window) -> tuple[ModelSummary, ...]:
    """One ledger for each model, over its complete requests; models by name."""
    out = []
    for index, model in sorted(enumerate(requests.models), key=lambda item: item[1]):
        mine = (requests.model_index == index) & requests.complete
        if mine.any():
            out.append(_ledger(model, mine, requests, window))
    return tuple(out)


def _ledger(model: str, mine: Bools, requests: RequestTable, window: Window) -> ModelSummary:
    """The ledger over the selected requests, at least one; ``mine`` has shape (requests,)."""
    duration = requests.duration_ns[mine]
    n = len(duration)
    slow, middle = _around_p99_and_p50(duration)
    tail: float | Unavailable = Unavailable(f"{n} requests, {MIN_SAMPLES_P99} needed")
    if n >= MIN_SAMPLES_P99:
        tail = float(duration[slow].mean() - duration[middle].mean())
    total = max(1, int(duration.sum()))
    return ModelSummary(
        model=model,
        modes=tuple(MODES[m] for m in np.unique(requests.mode_index[mine])),
        requests=n,
        rate_per_second=n / max(window.duration_ns, 1) * 1e9,
        latency=describe(duration),
        tail_ns=tail,
        tail_slow=int(slow.sum()),
        tail_middle=int(middle.sum()),
        stages=tuple(
            StageSummary(
                stage=stage,
                known=bool(requests.stage_known[mine, stage.index].any()),
                share=float(stage_ns.sum() / total),
                time=describe(stage_ns),
                tail_ns=_stage_tail(stage_ns, slow, middle, tail),
            )
            for stage in STAGES
            for stage_ns in (requests.stage_ns[mine, stage.index],)
        ),
    )


def _around_p99_and_p50(duration_ns: Int64s) -> tuple[Bools, Bools]:
    """Select the requests around the 99th percentile (1 % of all) and around the median (10 %).

    Both selections contain the percentile's own request, with as many others on either side: a
    single request says little about its percentile, and the slowest requests are not those at p99.
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
    """One entry for each queue with recorded batches.

    Args:
        batches: All.
        models: Names, by ``Queue.model_index``.
    """
    out = []
    for index, queue in enumerate(batches.queues):
        mine = batches.queue_index == index
        rows = batches.rows[mine & (batches.rows >= 0)]
        if not len(rows):
            continue
        reasons = np.bincount(batches.close_reason_index[mine], minlength=len(CLOSE_REASONS))
        out.append(
            BatchSummary(
                queue=queue,
                model=models[queue.model_index] if queue.model_index >= 0 else f"queue {queue.key}",
                batches=int(mine.sum()),
                rows_mean=float(rows.mean()),
                fill_ratio=_fill_ratio(queue, float(rows.mean())),
                padding_ratio=_padding_ratio(batches, mine),
                closed_by={
                    reason: int(n) for reason, n in zip(CLOSE_REASONS, reasons, strict=True)
                },
                service=describe((batches.end_ns - batches.start_ns)[mine]),
                line=fit(batches.executed_rows[mine], (batches.end_ns - batches.start_ns)[mine]),
            )
        )
    return tuple(out)


def _fill_ratio(queue: Queue, rows_mean: float) -> float | Unavailable:
    limit = queue.max_batch_size
    if isinstance(limit, Parameter) and limit.value > 0:
        return rows_mean / limit.value
    return Unavailable("max_batch_size is not known")


def _padding_ratio(batches: BatchTable, mine: Bools) -> float | Unavailable:
    """Padding rows over executed rows of the selected batches that recorded both."""
    padded = mine & (batches.padded_rows >= batches.rows) & (batches.rows >= 0)
    executed = int(batches.padded_rows[padded].sum())
    if not executed:
        return Unavailable("no batch recorded its padded size")
    return 1 - float(batches.rows[padded].sum() / executed)


def summarize_gaps(
    timelines: tuple[Timeline, ...], gaps: GapTable, waiting_ns: tuple[int, ...]
) -> tuple[GapSummary, ...]:
    """Idle time of each timeline by cause; starved and no-demand time are disjoint parts of it.

    Args:
        timelines: All.
        gaps: All pieces of their idle time.
        waiting_ns: By timeline, idle time with an open request that may use the timeline.
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
