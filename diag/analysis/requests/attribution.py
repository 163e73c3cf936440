"""Every request of the window, with its time cut into stages, and the batches they went through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.batching.batch_table import tabulate
from diag.analysis.batching.batching import Batching
from diag.analysis.execution.execution import Execution
from diag.analysis.requests.batcher_visits import preprocess_of_runs
from diag.analysis.requests.failures import find_failures
from diag.analysis.requests.free_steps import find_free_steps
from diag.analysis.requests.kinds import KINDS, NO_ROOTS, KindInputs, RequestKind
from diag.analysis.requests.linked_steps import LinkedSteps, link_steps
from diag.analysis.requests.model_names import ModelNames
from diag.analysis.requests.rows import RequestSources, Rows, concatenate
from diag.model.capture import Capture
from diag.model.failures import Failures
from diag.model.serving import BatchTable, RequestTable


@dataclass(frozen=True, slots=True, eq=False)
class AttributedRequests:
    """The requests and batches of the window.

    Attributes:
        table: The request table.
        batches: The batch table.
        sources: The events, steps and tasks behind the rows of ``table``.
        linked: All steps, batches and tasks.
        censored: Requests of which parts were recorded but not the root event.
        failures: Requests that did not run, by how far they came.
    """

    table: RequestTable
    batches: BatchTable
    sources: RequestSources
    linked: LinkedSteps
    censored: int
    failures: Failures


def attribute_requests(
    capture: Capture,
    execution: Execution,
    batching: Batching,
    kinds: tuple[RequestKind, ...] = KINDS,
    *,
    has_any: bool = True,
) -> AttributedRequests:
    """Find the requests of every kind, in this order, and attribute their time.

    Args:
        capture: What was recorded.
        execution: What ran.
        batching: Batches and queues.
        kinds: The kinds to look for.
        has_any: False for a program that is no server: then nothing is a request, or part of one.
    """
    linked = link_steps(execution, batching)
    names = ModelNames(capture, execution.events.names)
    inputs = KindInputs(execution, linked, names)
    free = find_free_steps(execution, linked)
    tables: list[Rows] = []
    censored = 0
    for kind in kinds:
        roots = kind.find(inputs, free) if has_any else NO_ROOTS
        free = free & ~np.isin(np.arange(len(free)), roots.taken)
        tables.append(kind.tile(inputs, roots))
        censored += roots.censored
    table, sources = concatenate(tables, linked.tasks, names.labels)
    batches, table = tabulate(
        linked.batches,
        linked.queues,
        table,
        preprocess_of_runs(linked.batches, linked.run_stage_ns),
    )
    failures = find_failures(inputs)
    return AttributedRequests(table, batches, sources, linked, censored, failures)
