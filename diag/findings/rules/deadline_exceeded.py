"""The deadlines of requests pass before they are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.failed_answers import FailureCause
from diag.findings.failure_finding import failure_finding, share_of
from diag.model.finding import Finding, Remedy, RemedyKind, RemedyPlace

if TYPE_CHECKING:
    from diag.findings.failure_finding import FailedShare, FailureInputs

ID = "deadline-exceeded"


def find_failed(inputs: FailureInputs) -> Finding | None:
    """Answers DEADLINE_EXCEEDED, or batches dropped because all their deadlines had passed.

    A run that takes too long ends with DEADLINE_EXCEEDED (Session::Run with
    RunOptions.timeout_in_ms); only the metrics show that. A batch of which every request waited too
    long is dropped before its inputs are merged, with RESOURCE_EXHAUSTED (ProcessBatch in
    tensorflow_serving/batching/batching_session.cc at 9d981c5c).
    """
    share = share_of(inputs.failed, FailureCause.DEADLINE)
    if not share.number:
        return None
    return failure_finding(
        inputs,
        share,
        rule=ID,
        why=_where(share),
        remedies=(
            Remedy(
                RemedyKind.CLIENT,
                RemedyPlace.CLIENT_CODE,
                "Remove the waiting that the further findings name, or give requests more time: a "
                "longer deadline in gRPC clients, --rest_api_timeout_in_ms for REST.",
                risk="With a longer deadline, an overloaded server has more requests to hold.",
            ),
            Remedy(
                RemedyKind.DEPLOYMENT,
                RemedyPlace.FLEET,
                "Or add a replica, if requests wait because the server is at capacity.",
                risk="None for latency; it costs a machine.",
            ),
        ),
        rollback="Put the earlier deadline back.",
    )


def _where(share: FailedShare) -> str:
    if not share.traced:
        return "their deadline passed before the model's run ended"
    if share.exceeds:
        return "their deadline passed, for some of them in the batching queue"
    return "their deadline passed while they waited in the batching queue"
