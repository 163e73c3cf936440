"""Requests fail, and the recording does not show why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from diag.findings.failed_answers import FailureCause
from diag.findings.failure_finding import FailedShare, failure_finding
from diag.model.finding import CounterEvidence, Finding, Remedy, RemedyKind, RemedyPlace

if TYPE_CHECKING:
    from diag.findings.failure_finding import FailureInputs

ID = "requests-failed"
# What each status usually means in TensorFlow Serving at 9d981c5c (predict_util.cc, server_core.cc,
# batching_session.cc) and in its runtime.
_USUALLY = {
    "CANCELLED": "clients that gave up",
    "FAILED_PRECONDITION": "with batching, outputs without the batch dimension",
    "INVALID_ARGUMENT": "inputs that do not fit the signature",
    "NOT_FOUND": "a model or version that is not served, asked for by clients or by status probes",
    "RESOURCE_EXHAUSTED": "too little memory for a run",
    "UNAVAILABLE": "a full batching queue",
}


def find_failed(inputs: FailureInputs) -> Finding | None:
    """Failures that no other rule explains: statuses alone, or refusals of unknown reason."""
    failed = inputs.failed
    refused = failed.traced.get(FailureCause.REFUSED, 0)
    early = failed.traced.get(FailureCause.EARLY, 0)
    unexplained = failed.unexplained()
    counted = Counter(unexplained)
    for cause in (FailureCause.REFUSED, FailureCause.EARLY):
        counted.update(failed.counted(cause))
    share = FailedShare(refused + early, failed.requests, counted, failed.answers_total)
    if not share.number:
        return None
    why = "the recording does not show why"
    if early and not refused and not unexplained:
        why = (
            "they ended before they joined a batch; the recording has no call of the batch "
            "scheduler, which would show why"
        )
    elif refused and not early and not unexplained:
        why = (
            "the batch scheduler refused them, either for a full queue or for more rows than "
            "max_batch_size; the recording does not show which"
        )
    return failure_finding(
        inputs,
        share,
        rule=ID,
        why=why,
        remedies=(
            Remedy(
                RemedyKind.CLIENT,
                RemedyPlace.CLIENT_CODE,
                "Read the error messages that clients receive: they name the cause."
                f"{_hint(counted)}",
            ),
        ),
        rollback="Undo the change of the clients.",
        counter_evidence=(
            CounterEvidence("an event in the trace that shows where they ended", found=False),
        ),
    )


def _hint(counted: dict[str, int]) -> str:
    """What the most frequent status usually means."""
    status = max(counted, key=lambda name: (counted[name], name), default="")
    if status not in _USUALLY:
        return ""
    return f" {status} usually means {_USUALLY[status]}."
