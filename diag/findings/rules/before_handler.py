"""Clients wait much longer than the trace shows of their requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.metrics import below
from diag.findings.outside import Outside, OutsideCause, find_outside
from diag.findings.slow_probe import SlowProbe, find_slow_probe
from diag.findings.sources import CALLS
from diag.findings.waits import severity_of
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
from diag.model.quantity import duration, number

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "before-handler"
NEEDS = (CALLS,)
_CLIENTS = "clients"
_THREADS = Remedy(
    RemedyKind.FLAG,
    RemedyPlace.SERVER_FLAG,
    "Raise --grpc_max_threads (over REST --rest_api_num_threads) above the number of calls that "
    "clients have open.",
    risk="More requests in the server at a time need more memory and compete for the same cores.",
)
_CHEAPER = Remedy(
    RemedyKind.CLIENT,
    RemedyPlace.CLIENT_CODE,
    "Make requests cheaper to decode: gRPC instead of JSON, tensor_content instead of lists of "
    "numbers.",
    risk="Every client has to change.",
)
_NETWORK = Remedy(
    RemedyKind.CLIENT,
    RemedyPlace.CLIENT_CODE,
    "Look at the clients and the way to them: CPU of the client's process, one channel for all "
    "calls, proxies in between, distance, size of requests.",
)
_PROBE = Remedy(
    RemedyKind.CAPTURE,
    RemedyPlace.CAPTURE_COMMAND,
    "Capture again without --no-probe, from a client's machine: the latency of diag's status calls "
    "tells waits in the server or on the network from those in clients.",
)
_REMEDIES = {
    OutsideCause.THREADS: (_THREADS,),
    OutsideCause.HANDLER: (_CHEAPER,),
    OutsideCause.ON_THE_WAY: (_THREADS, _NETWORK),
    OutsideCause.CLIENT: (_NETWORK,),
    OutsideCause.UNKNOWN: (_PROBE, _THREADS, _NETWORK),
}


def find(inputs: RuleInputs) -> Finding | None:
    """By the client log, joined with the requests of the trace; without one by status calls."""
    if isinstance(inputs.analysis.clients.times, Unavailable):
        slow = find_slow_probe(inputs)
        return None if slow is None else _by_probe(inputs, slow)
    return _by_clients(inputs)


def _by_probe(inputs: RuleInputs, slow: SlowProbe) -> Finding:
    cause = OutsideCause.ON_THE_WAY
    return Finding(
        id=ID,
        cause=cause.value,
        severity=Severity.WARNING,
        confidence=Confidence.LOW,
        confidence_reason=(
            "One source, the status calls of the capture, from where diag runs: a client log "
            "(--client-log) would show what clients wait."
        ),
        what=slow.sentence,
        evidence=slow.evidence,
        counter_evidence=(CounterEvidence("calls of clients that are answered sooner", _NO_LOG),),
        remedies=_REMEDIES[cause],
        gain=Unavailable("how long clients wait is not recorded"),
        verify=below(inputs.analysis, "clients.probe.p50", 0.5),
        rollback=_ROLLBACK,
        # Of no request is it known that it waited: what is seen in requests comes first.
        tier=Tier.VISIBILITY,
        at_stake_ns=float(slow.wait_ns),
    )


_NO_LOG = Unavailable("no client log was given")
_ROLLBACK = "Start the server with the earlier flags."


def _by_clients(inputs: RuleInputs) -> Finding | None:
    outside = find_outside(inputs.analysis)
    if outside is None or outside.share < thresholds.STAGE_MIN_SHARE:
        return None
    if outside.mean_ns < thresholds.OUTSIDE_MIN_NS:
        return None
    confidence, reason = _confidence(outside)
    return Finding(
        id=ID,
        cause=outside.cause.value,
        severity=severity_of(outside.share),
        confidence=confidence,
        confidence_reason=reason,
        what=_sentence(outside),
        evidence=_evidence(outside),
        counter_evidence=_counter_evidence(outside),
        remedies=_REMEDIES[outside.cause],
        gain=Unavailable("what takes this time is not recorded, so that no rest can be computed"),
        verify=below(inputs.analysis, "clients.outside.mean", 0.5),
        rollback=(
            _ROLLBACK if outside.cause in (OutsideCause.THREADS, OutsideCause.ON_THE_WAY) else ""
        ),
        tier=Tier.REQUEST_TIME,
        at_stake_ns=outside.mean_ns,
    )


def _sentence(outside: Outside) -> str:
    times = outside.times
    lead = (
        f"Clients wait {duration(times.client.mean_ns)} on average, of which the trace shows "
        f"{duration(times.request.mean_ns)}: {outside.share:.0%} of their time is "
    )
    side = ", nearly all of it before the request" if outside.is_before else ""
    if outside.cause is OutsideCause.THREADS:
        return lead + (
            f"before the handler, for a handler thread. Clients have "
            f"{number(times.open.calls_mean)} calls open, the server at most "
            f"{times.open.requests_max}."
        )
    if outside.cause is OutsideCause.HANDLER:
        return lead + (
            f"outside{side}, mostly in the handler around Session::Run "
            f"({duration(outside.handler_ns)} by the server's metrics): decoding and encoding."
        )
    if outside.cause is OutsideCause.ON_THE_WAY:
        return lead + (
            f"outside{side}, and a status call of diag takes {duration(outside.probe_ns)} too: "
            "they wait for gRPC threads of the server, or on the network."
        )
    if outside.cause is OutsideCause.CLIENT:
        return lead + (
            f"outside{side}, but a status call of diag takes {duration(outside.probe_ns)}: it is "
            "spent in the clients, or on their way to the server."
        )
    return lead + (
        f"outside{side}: waiting for gRPC threads of the server, on the network or in clients."
    )


def _confidence(outside: Outside) -> tuple[Confidence, str]:
    n = outside.times.matched
    joined = f"{n:,} requests joined with calls of the client log"
    if n < thresholds.FEW_REQUESTS:
        return Confidence.LOW, f"Only {joined}."
    if outside.cause is OutsideCause.UNKNOWN:
        return Confidence.MEDIUM, f"{joined}; nothing tells server, network and clients apart."
    if n < thresholds.MANY_REQUESTS or outside.cause is not OutsideCause.THREADS:
        return Confidence.MEDIUM, f"{joined}; where the time is spent follows from means."
    return Confidence.HIGH, f"{joined}; the server is at its most open requests all the while."


def _evidence(outside: Outside) -> tuple[Evidence, ...]:
    times = outside.times
    where = Source(_CLIENTS)
    values = (
        ("mean time of a call", times.client.mean_ns, "ns"),
        ("mean time of its request in the trace", times.request.mean_ns, "ns"),
        ("mean time outside the trace", outside.mean_ns, "ns"),
        ("share of the client's time", outside.share, "ratio"),
        ("least mean before the request", times.before_low_ns, "ns"),
        ("greatest mean before the request", times.before_high_ns, "ns"),
        ("calls of clients open, mean", times.open.calls_mean, "calls"),
        ("requests open in the server, most", times.open.requests_max, "requests"),
        ("requests open while more calls are", times.open.crowded_mean, "requests"),
    )
    found = [
        Evidence(name, value, unit, where)
        for name, value, unit in values
        if not isinstance(value, Unavailable)
    ]
    if not isinstance(outside.handler_ns, Unavailable):
        source = Source("server_latency")
        found.append(Evidence("mean outside Session::Run", outside.handler_ns, "ns", source))
    if not isinstance(outside.probe_ns, Unavailable):
        found.append(Evidence("probe p50", outside.probe_ns, "ns", Source("probe")))
    return tuple(found)


def _counter_evidence(outside: Outside) -> tuple[CounterEvidence, ...]:
    probe, least = outside.probe_ns, thresholds.OUTSIDE_MAIN_SHARE * outside.mean_ns
    return (
        CounterEvidence(
            "status calls of diag that are fast, which would speak against the server",
            probe if isinstance(probe, Unavailable) else probe < least,
            "" if isinstance(probe, Unavailable) else f"{duration(probe)} at p50",
        ),
    )
