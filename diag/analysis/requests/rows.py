"""Rows of the request table, column by column, before they are put together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.requests.batcher_visits import BatcherVisits
from diag.analysis.requests.linked_steps import LinkedSteps
from diag.model.events import Bools, Int64s
from diag.model.serving import MODES, STAGES, Mode, RequestTable, Stage

LINK_BATCH_ID = "ScheduleOutputTask._p = ProcessBatch._c"
LINK_CALL = "ProcessAsync step_id, then ScheduleOutputTask._p = ProcessBatch._c"
LINK_STEP = "SessionRun._p = ExecutorState::Process._c"
LINK_NONE = "root event only"
LINKS = (LINK_BATCH_ID, LINK_CALL, LINK_STEP, LINK_NONE)


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns of RequestTable for one kind of root, with (request, batch) pairs beside them.

    Attributes are those of RequestTable; ``holder`` and ``batch`` are (pairs,), the row of a pair
    and its batch.
    """

    start_ns: Int64s
    end_ns: Int64s
    rows: Int64s
    model: Int64s
    mode: Int64s
    complete: Bools
    link: Int64s
    stage_ns: NDArray[np.int64]
    stage_known: NDArray[np.bool_]
    holder: Int64s
    batch: Int64s


def plain(
    start: Int64s,
    end: Int64s,
    rows: Int64s,
    mode: Mode,
    link: str,
    model: Int64s,
    stage_ns: NDArray[np.int64],
) -> Rows:
    """Rows without a batch, all of them complete."""
    n = len(start)
    none = np.empty(0, np.int64)
    return Rows(
        start,
        end,
        rows,
        model,
        np.full(n, MODES.index(mode)),
        np.ones(n, np.bool_),
        np.full(n, LINKS.index(link)),
        stage_ns,
        np.ones((n, len(STAGES)), np.bool_),
        none,
        none,
    )


def visit_rows(
    visits: BatcherVisits,
    mode: Mode,
    link: str,
    model: Int64s,
    stage_ns: NDArray[np.int64],
    known: NDArray[np.bool_],
    holder: Int64s,
    linked: LinkedSteps,
) -> Rows:
    """Rows of visits in a batcher; ``holder`` is (tasks,), the row each task belongs to or -1."""
    pair_holder, pair_batch = pairs(holder, linked)
    n = len(visits)
    return Rows(
        visits.start_ns,
        visits.end_ns,
        visits.rows,
        model,
        np.full(n, MODES.index(mode)),
        visits.is_linked,
        np.full(n, LINKS.index(link)),
        stage_ns,
        known,
        pair_holder,
        pair_batch,
    )


def pairs(holder: Int64s, linked: LinkedSteps) -> tuple[Int64s, Int64s]:
    """(request, batch) pairs in request, then enqueue order."""
    task = np.flatnonzero((holder >= 0) & (linked.tasks.batch >= 0))
    task = task[np.lexsort((linked.tasks.enqueue_ns[task], holder[task]))]
    return holder[task], linked.tasks.batch[task]


def concatenate(tables: list[Rows], labels: tuple[str, ...]) -> RequestTable:
    """One table ordered by start, with the time of stages that are not known in unattributed."""

    def column(name: str) -> NDArray[np.int64]:
        return np.concatenate([getattr(table, name) for table in tables])

    base = np.cumsum([0] + [len(table.start_ns) for table in tables])
    start, end = column("start_ns"), column("end_ns")
    order = np.lexsort((end, start))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    holder = np.concatenate(
        [table.holder + shift for table, shift in zip(tables, base[:-1], strict=True)]
    )
    holder, batch = rank[holder], column("batch")
    by_request = np.argsort(holder, kind="stable")
    offsets = np.searchsorted(holder[by_request], np.arange(len(order) + 1))
    stage_ns, known = column("stage_ns")[order], column("stage_known")[order].astype(np.bool_)
    # An unknown stage holds no time: what it would have been is in unattributed or a neighbour.
    hidden = np.where(known, 0, stage_ns)
    stage_ns = stage_ns - hidden
    stage_ns[:, Stage.UNATTRIBUTED.index] += hidden.sum(axis=1)
    return RequestTable(
        start_ns=start[order],
        end_ns=end[order],
        rows=column("rows")[order],
        model_index=column("model")[order].astype(np.int32),
        mode_index=column("mode")[order].astype(np.int32),
        complete=column("complete")[order].astype(np.bool_),
        linked_by_index=column("link")[order].astype(np.int32),
        batch_offsets=offsets.astype(np.int64),
        batch_index=batch[by_request].astype(np.int32),
        stage_ns=stage_ns,
        stage_known=known,
        models=labels,
        links=LINKS,
    )
