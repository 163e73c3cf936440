"""Latency of the capture's status calls: of the window, by the server's clock."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from diag.analysis.samples.probe import probe_latency
from diag.model.availability import Unavailable
from diag.model.samples import SampleSeries
from diag.model.window import ClockSync
from tests.unit.analysis.traces import capture_of

if TYPE_CHECKING:
    from diag.model.capture import Capture

MS = 1_000_000
ORIGIN = 1_795_893_011_000_000_000


def with_calls(*calls: tuple[int, object], missing: str = "", off_ms: int | None = 0) -> Capture:
    """A capture of 10 ms, with status calls at times in ms and their latency in ns."""
    samples = tuple({"unix_ns": ORIGIN + at * MS, "latency_ns": ns} for at, ns in calls)
    series = SampleSeries(
        "probe", 100 * MS, {"latency_ns": "ns"}, samples, {"samples": missing} if missing else {}
    )
    clocks = () if off_ms is None else (ClockSync("probe", off_ms * MS, 0),)
    capture = capture_of("line grpc\n  SessionRun 0..10000us id=1")
    return replace(capture, origin_unix_ns=ORIGIN, probe_samples=series, clocks=clocks)


def test_calls_in_the_window_count() -> None:
    calls = [(at, 1000 + at) for at in range(12)]
    found = probe_latency(with_calls((-5, 9), *calls, (100, 10**12)))
    assert not isinstance(found, Unavailable)
    assert (found.time.n, found.least_ns, found.most_ns) == (10, 1000, 1009)
    assert found.time.p50_ns == 1004
    assert found.ended == ""


def test_the_clock_of_the_capturing_machine_is_taken_into_account() -> None:
    found = probe_latency(with_calls((5, 7), (15, 8), off_ms=-10))
    assert not isinstance(found, Unavailable)
    assert (found.time.n, found.least_ns) == (1, 8)
    unknown = probe_latency(with_calls((5, 7), (15, 8), off_ms=None))
    assert not isinstance(unknown, Unavailable)
    assert unknown.time.n == 2


def test_values_that_are_no_latency_are_left_out() -> None:
    hostile = with_calls((1, "x"), (2, -1), (3, 1.5), (4, [1]), (5, 1 << 63), (6, 12))
    found = probe_latency(hostile)
    assert not isinstance(found, Unavailable)
    assert (found.time.n, found.least_ns) == (2, 12)


def test_without_a_call_in_the_window_it_is_not_available() -> None:
    reason = "no status call of the capture was answered within the window"
    assert probe_latency(with_calls((50, 3))) == Unavailable(reason)
    assert isinstance(probe_latency(capture_of("line a\n  SessionRun 0..1us id=1")), Unavailable)


def test_why_calls_ended_is_kept() -> None:
    found = probe_latency(with_calls((1, 5), missing="none after reading 1: refused"))
    assert not isinstance(found, Unavailable)
    assert found.ended == "none after reading 1: refused"
