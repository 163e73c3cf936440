"""In-graph batching inside the server's own: requests wait in one queue after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diag.findings import thresholds
from diag.model.serving import MODES, Mode

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs
    from diag.model.events import Bools

_SESSION = MODES.index(Mode.BATCHING_SESSION)


class NestedBatching(NamedTuple):
    """What the inner queue costs.

    Attributes:
        batches: Batches of BatchFunction ops that ran inside a batch of a BatchingSession.
        outer_tasks: Requests in a batch of the session, mean.
        inner_tasks: Calls in a batch of the op, mean.
        wait_ns: From the first call of an inner batch to its start, mean.
        wait_share: The same as a ratio of the mean request.
    """

    batches: int
    outer_tasks: float
    inner_tasks: float
    wait_ns: float
    wait_share: float


def find_nested_batching(inputs: RuleInputs) -> NestedBatching | None:
    """None unless inner batches wait for a notable part of a request's time.

    An inner batch is of a BatchFunction op, was called during the run of a session's batch, ended
    before that run did, and is no request's own batch: the runs of requests of another model that
    calls a BatchFunction are these requests.
    """
    analysis = inputs.analysis
    requests, batches = analysis.requests, analysis.batches
    if not bool((requests.mode_index == _SESSION).any()):
        return None
    is_function = np.array([queue.is_function for queue in batches.queues], np.bool_)
    of_function = is_function[batches.queue_index] if len(batches) else np.zeros(0, np.bool_)
    own = np.zeros(len(batches), np.bool_)
    own[requests.batch_index] = True
    inner = of_function & ~own & (batches.first_enqueue_ns >= 0)
    inner &= _is_inside(analysis, ~of_function)
    if 2 * int(inner.sum()) < int(of_function.sum()) or not inner.any():
        return None
    wait_ns = float((batches.start_ns - batches.first_enqueue_ns)[inner].mean())
    share = wait_ns / max(1.0, inputs.shares.mean_ns)
    if share < thresholds.PART_MIN_SHARE or wait_ns < thresholds.PART_MIN_NS:
        return None
    return NestedBatching(
        batches=int(inner.sum()),
        outer_tasks=float(batches.tasks[~of_function].mean()),
        inner_tasks=float(batches.tasks[inner].mean()),
        wait_ns=wait_ns,
        wait_share=share,
    )


def is_mostly_nested(inputs: RuleInputs, wait_ns: float) -> bool:
    """Whether the inner queue has at least half as much of a wait as the outer one.

    Args:
        inputs: With batches of both.
        wait_ns: Of the mean request, in both queues.
    """
    nested = find_nested_batching(inputs)
    return nested is not None and nested.wait_ns >= (wait_ns - nested.wait_ns) / 2


def _is_inside(analysis: Analysis, outer: Bools) -> Bools:
    """(batches,) whether first call and end lie in the run of one of the outer batches."""
    batches = analysis.batches
    known = outer & (batches.run_start_ns >= 0) & (batches.run_end_ns >= 0)
    order = np.argsort(batches.run_start_ns[known], kind="stable")
    start = batches.run_start_ns[known][order]
    if not len(start):
        return np.zeros(len(batches), np.bool_)
    # Of the runs that began before a call, the one that ends last: if any holds it, that one does.
    end = np.maximum.accumulate(batches.run_end_ns[known][order])
    before = np.searchsorted(start, batches.first_enqueue_ns, side="right") - 1
    return np.asarray((before >= 0) & (end[np.maximum(before, 0)] >= batches.end_ns), np.bool_)
