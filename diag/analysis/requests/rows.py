"""Rows of the request table: each kind of request gives its own, and they become one table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.batching.batches import Tasks
from diag.model.events import Bools, Int64s
from diag.model.serving import MODES, Mode, RequestTable, Stage


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The requests of one kind, as columns; those not explained here are as in RequestTable.

    Attributes:
        mode: How these requests reached their model.
        start_ns: (n,).
        end_ns: (n,).
        rows: (n,).
        model: (n,) index into the labels of ``ModelNames``.
        complete: (n,).
        link: (n,) index into ``links``.
        links: By what evidence a request was linked to its batch or step.
        stage_ns: (n, len(STAGES)).
        stage_known: (n, len(STAGES)).
        root: (n,) event row of the root.
        step: (n,) root step that is the request or that it ran by itself, -1 if none.
        of_task: (tasks,) the row whose request enqueued each task, -1 if none of these.
    """

    mode: Mode
    start_ns: Int64s
    end_ns: Int64s
    rows: Int64s
    model: Int64s
    complete: Bools
    link: Int64s
    links: tuple[str, ...]
    stage_ns: NDArray[np.int64]
    stage_known: NDArray[np.bool_]
    root: Int64s
    step: Int64s
    of_task: Int64s

    def __len__(self) -> int:
        return len(self.start_ns)


@dataclass(frozen=True, slots=True, eq=False)
class RequestSources:
    """What each request was made of, in the order of the request table.

    Attributes:
        root: (n,) event row of the root.
        step: (n,) root step that is the request or that it ran by itself, -1 if none.
        of_task: (tasks,) the request that enqueued each task, -1 for a request that the window cut.
    """

    root: Int64s
    step: Int64s
    of_task: Int64s


def concatenate(
    tables: list[Rows], tasks: Tasks, labels: tuple[str, ...]
) -> tuple[RequestTable, RequestSources]:
    """Put the rows of all kinds in order of start, then end, then kind.

    Time of stages that are not known goes to ``unattributed``. The table's ``batch_index`` holds
    positions in ``Batches``, by request and time of enqueue.

    Args:
        tables: The rows of each kind.
        tasks: All tasks.
        labels: Names of the models.
    """

    def column(name: str) -> NDArray[np.int64]:
        return np.concatenate([getattr(table, name) for table in tables])

    start, end = column("start_ns"), column("end_ns")
    order = np.lexsort((end, start))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    of_task = _merge_task_owners(tables, rank, len(tasks))
    request, batch = _batches_of_requests(of_task, tasks)
    links = tuple(dict.fromkeys(text for table in tables for text in table.links))
    link = [np.array([links.index(text) for text in t.links], np.int32)[t.link] for t in tables]
    mode = [np.full(len(table), MODES.index(table.mode), np.int32) for table in tables]
    stage_ns, known = column("stage_ns")[order], column("stage_known")[order].astype(np.bool_)
    hidden = np.where(known, 0, stage_ns)
    stage_ns = stage_ns - hidden
    stage_ns[:, Stage.UNATTRIBUTED.index] += hidden.sum(axis=1)
    table = RequestTable(
        start_ns=start[order],
        end_ns=end[order],
        rows=column("rows")[order],
        model_index=column("model")[order].astype(np.int32),
        mode_index=np.concatenate(mode)[order],
        complete=column("complete")[order].astype(np.bool_),
        linked_by_index=np.concatenate(link)[order],
        batch_offsets=np.searchsorted(request, np.arange(len(order) + 1)).astype(np.int64),
        batch_index=batch.astype(np.int32),
        stage_ns=stage_ns,
        stage_known=known,
        models=labels,
        links=links,
    )
    return table, RequestSources(column("root")[order], column("step")[order], of_task)


def _merge_task_owners(tables: list[Rows], rank: Int64s, tasks: int) -> Int64s:
    """(tasks,) request that enqueued each task, or -1; a task is one request's at most."""
    of_task, base = np.full(tasks, -1, np.int64), 0
    for table in tables:
        mine = np.flatnonzero(table.of_task >= 0)
        of_task[mine] = rank[base + table.of_task[mine]]
        base += len(table)
    return of_task


def _batches_of_requests(of_task: Int64s, tasks: Tasks) -> tuple[Int64s, Int64s]:
    """(request, batch) pairs, ordered by request, then by time of enqueue."""
    task = np.flatnonzero((of_task >= 0) & (tasks.batch >= 0))
    task = task[np.lexsort((tasks.enqueue_ns[task], of_task[task]))]
    return of_task[task], tasks.batch[task]
