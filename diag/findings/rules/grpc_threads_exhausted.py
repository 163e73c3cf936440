"""All gRPC threads of the server are in use, so that it refuses calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.failed import refused_before_handler
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
    from diag.analysis.result import Analysis
    from diag.findings.failure_finding import FailureInputs
    from diag.model.caveat import Caveat

ID = "grpc-threads-exhausted"
FLAG = "--grpc_max_threads"


def find_failed(inputs: FailureInputs) -> Finding | None:
    """Calls of clients were refused by their log, or calls of the capture, as the bundle recorded.

    gRPC refuses such a call before TensorFlow Serving sees it (RESOURCE_EXHAUSTED, "Server
    Threadpool Exhausted"): it is neither in the trace nor in the metrics. The pool has
    --grpc_max_threads threads, by default 4 for each CPU (model_servers/server.cc at 9d981c5c).
    """
    analysis = inputs.analysis
    recorded = next((each for each in analysis.capture.caveats if each.code == ID), None)
    refused = refused_before_handler(analysis)
    by_clients = not isinstance(refused, Unavailable) and refused > 0
    if recorded is None and not by_clients:
        return None
    calls = analysis.clients.answered + sum(n for _, n in analysis.clients.failed)
    ratio = refused / calls if isinstance(refused, int) and refused else 0.0
    evidence = [
        *_client_evidence(analysis, refused, ratio, calls),
        *([] if recorded is None else [_recorded_evidence(recorded)]),
    ]
    both = by_clients and recorded is not None
    return Finding(
        id=ID,
        cause=ID,
        severity=Severity.CRITICAL,
        confidence=Confidence.HIGH if both else Confidence.MEDIUM,
        confidence_reason=_reason(by_clients=by_clients, both=both),
        what=_sentence(ratio, both=both) if by_clients else _OF_CAPTURE,
        evidence=tuple(evidence),
        counter_evidence=(
            CounterEvidence(
                "requests that clients saw refused",
                by_clients
                if not isinstance(refused, Unavailable)
                else Unavailable("only the clients know, and no --client-log was given"),
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
        gain=Unavailable("what the refused requests would take is not in the recording"),
        verify=(check(analysis, "clients.refused" if by_clients else "requests.failed", high=0.0),),
        rollback=f"Start the server with the earlier {FLAG}, or without it.",
        tier=Tier.FAILURES,
        at_stake_ns=ratio * 1e9,
    )


_OF_CAPTURE = (
    "The server refused calls of the capture because all its gRPC threads were in use: "
    "requests of clients are refused likewise, with RESOURCE_EXHAUSTED."
)


def _sentence(ratio: float, *, both: bool) -> str:
    """A status alone does not tell the server's threads from the limit of a proxy."""
    cause = (
        "all its gRPC threads were in use."
        if both
        else "all its gRPC threads were in use, or a proxy before it has a limit of its own."
    )
    return (
        f"{ratio:.0%} of the calls in the client log were refused with RESOURCE_EXHAUSTED before "
        f"the server counted them: {cause}"
    )


def _reason(*, by_clients: bool, both: bool) -> str:
    if both:
        return "Two sources, the client log and the calls of the capture."
    if by_clients:
        return "One source, the client log: a proxy in between can refuse calls likewise."
    return "One source, the calls of the capture: trace and metrics do not show such refusals."


def _client_evidence(
    analysis: Analysis, refused: int | Unavailable, ratio: float, calls: int
) -> list[Evidence]:
    if isinstance(refused, Unavailable) or not refused:
        return []
    return [
        Evidence("calls refused before the handler", refused, "calls", Source("client_failures")),
        Evidence("share of the calls in the client log", ratio, "ratio", Source("client_failures")),
        Evidence("calls in the window", calls, "calls", Source("clients")),
    ]


def _recorded_evidence(recorded: Caveat) -> Evidence:
    return Evidence("recorded", recorded.recorded_text, "text", Source("caveats", ID))
