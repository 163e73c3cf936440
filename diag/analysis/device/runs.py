"""Runs with device work: batches, and requests without a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.execution.device_work import DeviceWork
from diag.analysis.intervals.joins import latest_before
from diag.analysis.intervals.nesting import innermost
from diag.analysis.requests.linked_steps import LinkedSteps
from diag.model.events import Bools, EventTable, Int64s
from diag.model.serving import BatchTable, RequestTable


@dataclass(frozen=True, slots=True)
class Runs:
    """Batches and requests recorded whole, with device work.

    Attributes:
        model: (n,) index into ``labels``.
        rows: (n,) executed rows, padding included; -1 unknown.
        padding: (n,) padding rows among them; 0 where unknown.
        requests: (n,) number of requests in it; 0 if some were not recorded, and for work that a
            request ran outside the batch that served it.
        is_whole: (n,) whether it is a batch, or a request without one: a point of t(b).
        of_step: (steps,) the run that each root step is part of, -1 if none.
        labels: Models, and queues whose model is not known.
    """

    model: Int64s
    rows: Int64s
    padding: Int64s
    requests: Int64s
    is_whole: Bools
    of_step: Int64s
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.model)

    @property
    def weight(self) -> Int64s:
        """(n,) requests that wait for it; 1 each where none of them was recorded whole."""
        return self.requests if self.requests.any() else np.ones(len(self), np.int64)


def find_runs(
    host: EventTable,
    device: DeviceWork,
    linked: LinkedSteps,
    batch_table: BatchTable,
    requests: RequestTable,
) -> Runs:
    """Batches in the order of ``Batches``, then requests; only those with device work.

    Args:
        host: Events of the host plane.
        device: Device work by root step.
        linked: Steps, batches and tasks.
        batch_table: With the models of batches.
        requests: With the models of requests without a batch.
    """
    steps, batches = linked.steps, linked.batches
    count = len(batches)
    owner = np.full(len(steps), -1, np.int64)
    owner[batches.run_step] = batches.run_batch
    alone = np.flatnonzero(
        steps.is_root & ~steps.is_orphan & ~steps.is_function & (owner < 0) & device.used
    )
    request = _request_of(host, linked, requests, alone)
    alone, request = alone[request >= 0], request[request >= 0]
    owner[alone] = count + np.arange(len(alone))

    model, labels = _models(linked, batch_table, requests)
    padded = np.where(batches.padded_rows >= 0, batches.padded_rows, batches.rows)
    padding = np.where(batches.rows >= 0, np.maximum(padded - batches.rows, 0), 0)
    unbatched = np.diff(requests.batch_offsets)[request] == 0
    worked = np.zeros(count + len(alone), np.bool_)
    worked[owner[device.used & (owner >= 0)]] = True
    place = np.where(worked, np.cumsum(worked) - 1, -1)
    return Runs(
        model=np.concatenate((model, requests.model_index[request].astype(np.int64)))[worked],
        rows=np.concatenate((padded, requests.rows[request]))[worked],
        padding=np.concatenate((padding, np.zeros(len(alone), np.int64)))[worked],
        requests=np.concatenate((_members(linked), unbatched.astype(np.int64)))[worked],
        is_whole=np.concatenate((np.ones(count, np.bool_), unbatched))[worked],
        of_step=np.where(owner >= 0, place[np.maximum(owner, 0)], -1) if len(place) else owner,
        labels=labels,
    )


def _request_of(
    host: EventTable, linked: LinkedSteps, requests: RequestTable, step: Int64s
) -> Int64s:
    """(n,) request whose root is the step's run, or the session around it; -1 if none."""
    start, end = linked.steps.start_ns[step].copy(), linked.steps.end_ns[step].copy()
    session = linked.task_owners.session_rows
    around = innermost(host, session, linked.steps.row[step])
    inside = np.flatnonzero(around >= 0)
    start[inside] = host.start_ns[session[around[inside]]]
    end[inside] = host.end_ns[session[around[inside]]]
    found = latest_before(requests.start_ns, requests.end_ns, start, end)
    exact = np.flatnonzero(found >= 0)
    exact = exact[requests.end_ns[found[exact]] == end[exact]]
    request = np.full(len(step), -1, np.int64)
    request[exact] = found[exact]
    return request


def _models(
    linked: LinkedSteps, batch_table: BatchTable, requests: RequestTable
) -> tuple[Int64s, tuple[str, ...]]:
    """(batches,) model of each, in the order of ``Batches``, and all labels."""
    batches, keys = linked.batches, linked.queues.keys
    labels = (*requests.models, *(f"queue {key}" for key in keys.label))
    order = np.lexsort((batches.end_ns, batches.start_ns))  # as batch_table.tabulate has it
    model = np.empty(len(batches), np.int64)
    model[order] = batch_table.model_index
    return np.where(model >= 0, model, len(requests.models) + keys.of_batch[: len(model)]), labels


def _members(linked: LinkedSteps) -> Int64s:
    """(batches,) requests of each batch whose enqueues make up all its rows; else 0.

    A request split over batches counts in each.
    """
    tasks, batches = linked.tasks, linked.batches
    in_batch = np.flatnonzero(tasks.batch >= 0)
    rows = np.zeros(len(batches), np.int64)
    np.add.at(rows, tasks.batch[in_batch], np.maximum(tasks.size[in_batch], 0))
    count = np.bincount(tasks.batch[in_batch], minlength=len(batches))
    return np.where(rows == batches.rows, count, 0)
