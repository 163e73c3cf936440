"""All gRPC threads of the server are in use, so that it refuses calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.metrics import check
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Severity,
    Source,
    Tier,
)
from diag.model.gaps import Confidence

if TYPE_CHECKING:
    from diag.findings.failure_finding import FailureInputs

ID = "grpc-threads-exhausted"
FLAG = "--grpc_max_threads"


def find_failed(inputs: FailureInputs) -> Finding | None:
    """The capture's own calls were refused, as the bundle recorded.

    gRPC refuses such a call before TensorFlow Serving sees it (RESOURCE_EXHAUSTED, "Server
    Threadpool Exhausted"): it is neither in the trace nor in the metrics. The pool has
    --grpc_max_threads threads, by default 4 for each CPU (model_servers/server.cc at 9d981c5c).
    """
    caveats = inputs.analysis.capture.caveats
    recorded = next((each for each in caveats if each.code == ID), None)
    if recorded is None:
        return None
    analysis = inputs.analysis
    return Finding(
        id=ID,
        cause=ID,
        severity=Severity.CRITICAL,
        confidence=Confidence.MEDIUM,
        confidence_reason=(
            "One source, the calls of the capture: trace and metrics do not show such refusals."
        ),
        what=(
            "The server refused calls of the capture because all its gRPC threads were in use: "
            "requests of clients are refused likewise, with RESOURCE_EXHAUSTED."
        ),
        evidence=(Evidence("recorded", recorded.recorded_text, "text", Source("caveats", ID)),),
        counter_evidence=(
            CounterEvidence(
                "requests that clients saw refused",
                Unavailable("only the clients know; the server counts none"),
            ),
        ),
        remedies=(
            Remedy(
                RemedyKind.FLAG,
                RemedyPlace.SERVER_FLAG,
                f"Raise {FLAG} above the number of requests that are open at a time (by default it "
                "is 4 for each CPU).",
                risk="More requests in the server at a time need more memory.",
            ),
            Remedy(
                RemedyKind.CLIENT,
                RemedyPlace.CLIENT_CODE,
                "Or let clients keep fewer requests open at a time.",
            ),
        ),
        gain=Unavailable("how many requests are refused is not in the recording"),
        verify=(check(analysis, "requests.failed", high=0.0),),
        rollback=f"Start the server with the earlier {FLAG}, or without it.",
        tier=Tier.FAILURES,
        at_stake_ns=0.0,
    )
