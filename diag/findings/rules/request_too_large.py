"""Requests have more rows than a batch may have, so that the batch scheduler refuses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.batching import from_to, parameter_remedy, restore
from diag.findings.failed_answers import FailureCause
from diag.findings.failure_finding import failure_finding, share_of
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Setting,
    Source,
)
from diag.model.serving import Origin

if TYPE_CHECKING:
    from diag.findings.failure_finding import FailureInputs

ID = "request-too-large"
_ROWS = Source("trace", "batching_input_task_size of Schedule*")


def find_failed(inputs: FailureInputs) -> Finding | None:
    """Requests that the scheduler refused for their number of rows.

    Source: shared_batch_scheduler.h, ScheduleWithoutSplit and ScheduleWithEagerSplit, TensorFlow
    2.21: INVALID_ARGUMENT where a task has more rows than max_batch_size (input_batch_size_limit).
    """
    share = share_of(inputs.failed, FailureCause.TOO_LARGE)
    if not share.traced:
        return None
    limit, failures = inputs.failed.largest_request, inputs.analysis.failures
    to: int | Unavailable
    largest = int(failures.refused_rows.max())
    evidence = [Evidence("rows of the largest refused request", largest, "rows", _ROWS)]
    if largest < 0:
        what, evidence = "they have more rows than max_batch_size", []
    elif isinstance(limit, Unavailable):
        what = f"they have up to {largest:,} rows, too many for a batch"
    else:
        what = f"they have up to {largest:,} rows, and max_batch_size is {limit:,}"
        evidence.append(Evidence("max_batch_size", limit, "setting", Source("batches")))
    origin = "" if isinstance(limit, Unavailable) else Origin.FILE.value
    several = inputs.failed.several_models
    to = largest if largest >= 0 else Unavailable("the rows of the requests are not recorded")
    if several:
        to = Unavailable("which model refused how many rows is not recorded")
    setting = Setting("max_batch_size", limit, to, origin=origin)
    which = " of the model that refuses them" if several else ""
    accepted = failures.accepted_rows
    return failure_finding(
        inputs,
        share,
        rule=ID,
        why=what,
        remedies=(
            parameter_remedy(
                inputs.analysis,
                f"Allow such requests: max_batch_size{which}{from_to(setting)}, and the last entry "
                "of allowed_batch_sizes with it.",
                setting,
                "Batches get larger too: they take longer and need more memory. To keep them at "
                "today's size, set enable_large_batch_splitting to true and "
                "max_execution_batch_size to today's max_batch_size.",
            ),
            Remedy(
                RemedyKind.CLIENT,
                RemedyPlace.CLIENT_CODE,
                "Or send fewer rows in one request: split it in the client.",
            ),
        ),
        rollback=restore(setting),
        evidence=tuple(evidence),
        counter_evidence=(
            CounterEvidence(
                "accepted requests with as many rows",
                found=accepted >= largest >= 0,
                detail=f"the largest has {accepted:,}" if accepted >= 0 else "",
            ),
        ),
    )
