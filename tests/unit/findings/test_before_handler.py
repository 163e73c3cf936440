"""Time outside the trace: when it is a finding, and whom it names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from diag.analysis import analyze
from diag.analysis.distribution import describe
from diag.analysis.samples.metrics import ModelMetrics
from diag.analysis.samples.probe import ProbeLatency
from diag.findings import conclude, find
from diag.findings.metrics import measure
from diag.model.availability import Unavailable
from diag.model.caveat import recorded_caveat
from diag.model.finding import Finding, Severity, Tier
from diag.model.gaps import Confidence
from tests.unit.analysis.clients.logs import with_calls
from tests.unit.analysis.traces import capture_of
from tests.unit.findings.servers import AT_ONCE, sessions, unbatched, unfounded_numbers

if TYPE_CHECKING:
    from diag.analysis import Analysis

SERVER = sessions(120, end=990, run=(30, 980), period=3000)


def logged(
    before: float, after: float = 50, *more: tuple[float, float, str], text: str = SERVER
) -> Analysis:
    capture = capture_of(text).with_batching_parameters(AT_ONCE)
    calls = [(i * 3000 - before, i * 3000 + 990 + after, "OK") for i in range(120)]
    return analyze(with_calls(capture, *calls, *more))


def found(analysis: Analysis, rule: str = "before-handler") -> Finding | None:
    return next((each for each in find(analysis) if each.id == rule), None)


def test_calls_that_wait_before_their_request_are_the_verdict() -> None:
    analysis = logged(9000)
    finding = found(analysis)
    assert finding is not None
    assert finding is find(analysis)[0] or finding == find(analysis)[0]
    assert finding.severity is Severity.CRITICAL
    assert finding.what == (
        "Clients wait 10.0 ms on average, of which the trace shows 990 µs: 90% of their time is "
        "outside: waiting for gRPC threads of the server, on the network or in clients."
    )
    verdict = conclude(analysis, find(analysis))
    assert unfounded_numbers(verdict.sentence, verdict.evidence) == []
    assert measure(analysis, "clients.outside.mean") == 9_050_000
    assert measure(analysis, "clients.latency.mean") == 10_040_000


def test_less_than_a_ms_or_a_small_share_is_what_every_call_takes() -> None:
    assert found(logged(900)) is None
    long = sessions(120, end=2900, run=(30, 2890), period=3000)
    capture = capture_of(long).with_batching_parameters(AT_ONCE)
    calls = [(i * 3000 - 1150, i * 3000 + 2950, "OK") for i in range(120)]
    assert found(analyze(with_calls(capture, *calls))) is None


def test_without_a_log_it_is_silent_and_its_metrics_say_why() -> None:
    analysis = analyze(capture_of(SERVER))
    assert found(analysis) is None
    for metric in ("clients.outside.mean", "clients.latency.mean", "clients.refused"):
        assert measure(analysis, metric) == Unavailable("no client log was given")


def test_a_server_that_always_has_the_same_requests_open_lacks_handler_threads() -> None:
    capture = capture_of(unbatched(4, 40))
    calls = [
        (i * 1000 - 30_000 - lane, i * 1000 + 1050, "OK") for lane in range(4) for i in range(40)
    ]
    finding = found(analyze(with_calls(capture, *calls)))
    assert finding is not None
    assert finding.cause == "handler-threads"
    assert finding.confidence is Confidence.HIGH
    assert finding.what.startswith("Clients wait 31.1 ms on average, of which the trace shows 999 ")
    assert "before the handler, for a handler thread. Clients have " in finding.what
    assert finding.what.endswith("calls open, the server at most 4.")
    assert finding.remedies[0].action.startswith("Raise --grpc_max_threads")


def test_decoding_in_the_handler_is_named_where_the_metrics_show_it() -> None:
    metrics = (ModelMetrics("m", {"OK": 120}, 8e6, 1e6, 7e6),)
    analysis = replace(logged(9000), metrics=metrics)
    finding = found(analysis)
    assert finding is not None
    assert finding.cause == "handler"
    assert "mostly in the handler around Session::Run (7.00 ms by the server's metrics)" in (
        finding.what
    )
    assert finding.remedies[0].action.startswith("Make requests cheaper to decode")


def refused(n: int) -> list[tuple[float, float, str]]:
    return [(i * 3000 + 10, i * 3000 + 90, "RESOURCE_EXHAUSTED") for i in range(n)]


def test_refusals_that_only_clients_saw_are_of_the_grpc_threads() -> None:
    analysis = logged(200, 50, *refused(30))
    finding = found(analysis, "grpc-threads-exhausted")
    assert finding is not None
    assert finding == find(analysis)[0]
    assert finding.what.startswith("20% of the calls in the client log were refused with RESOURCE_")
    assert finding.confidence is Confidence.MEDIUM
    assert measure(analysis, "clients.refused") == 30
    both = replace(
        analysis.capture, caveats=(recorded_caveat("grpc-threads-exhausted", "2 calls refused"),)
    )
    twice = found(replace(analysis, capture=both), "grpc-threads-exhausted")
    assert twice is not None
    assert twice.confidence is Confidence.HIGH


@pytest.mark.parametrize("counted", [30, 31])
def test_refusals_that_the_server_counted_are_of_its_queue(counted: int) -> None:
    metrics = (ModelMetrics("m", {"OK": 120, "RESOURCE_EXHAUSTED": counted}, 1e6, 1e6, 1e5),)
    analysis = replace(logged(200, 50, *refused(30)), metrics=metrics)
    assert found(analysis, "grpc-threads-exhausted") is None


def probed(analysis: Analysis, p50_ms: float, least_ms: float, n: int = 20) -> Analysis:
    times = np.full(n, int(p50_ms * 1e6))
    times[0] = int(least_ms * 1e6)
    return replace(
        analysis, probe=ProbeLatency(describe(times), int(times.min()), int(times.max()), "")
    )


def test_fast_status_calls_name_clients_and_slow_ones_the_server_or_the_network() -> None:
    fast, slow = found(probed(logged(9000), 0.6, 0.4)), found(probed(logged(9000), 8.0, 0.4))
    assert fast is not None
    assert slow is not None
    assert (fast.cause, slow.cause) == ("client-or-network", "grpc-threads-or-network")
    assert "but a status call of diag takes 600 µs: it is spent in the clients" in fast.what
    assert "a status call of diag takes 8.00 ms too: they wait for gRPC threads" in slow.what
    assert fast.counter_evidence[0].found is True
    assert slow.counter_evidence[0].found is False


def test_slow_status_calls_alone_are_told_after_what_requests_show() -> None:
    analysis = probed(analyze(capture_of(SERVER)), 120.0, 0.6)
    finding = found(analysis)
    assert finding is not None
    assert finding.tier is Tier.VISIBILITY
    assert finding.confidence is Confidence.LOW
    assert finding.what == (
        "A status call of diag takes 120 ms at p50 and 600 µs at the least: calls wait before the "
        "handler, for gRPC threads of the server or on the network."
    )
    assert unfounded_numbers(finding.what, finding.evidence) == []
    assert measure(analysis, "clients.probe.p50") == 120_000_000


@pytest.mark.parametrize(("p50", "least", "n"), [(120, 118, 20), (5, 0.6, 20), (120, 0.6, 9)])
def test_calls_over_a_distance_quick_ones_or_few_are_not_slow(
    p50: float, least: float, n: int
) -> None:
    assert found(probed(analyze(capture_of(SERVER)), p50, least, n)) is None
