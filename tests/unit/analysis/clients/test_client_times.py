"""Calls of clients joined with requests: pairs, clocks, and logs that do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diag.analysis import analyze
from diag.analysis.clients.clock_offset import find_offset
from diag.analysis.clients.containment import NONE, Spans, match_inside
from diag.analysis.clients.open_calls import count_open
from diag.model.availability import Unavailable
from diag.model.window import Window
from tests.unit.analysis.clients.logs import shifted_load, with_calls
from tests.unit.analysis.traces import capture_of
from tests.unit.findings.servers import sessions

if TYPE_CHECKING:
    from diag.analysis import Analysis

MS = 1_000_000
SERVER = sessions(100, period=3000)


def spans(*pairs: tuple[int, int]) -> Spans:
    array = np.array(pairs, np.int64).reshape(-1, 2)
    return Spans(array[:, 0], array[:, 1])


def with_log(text: str, *calls: tuple[float, float, str]) -> Analysis:
    return analyze(with_calls(capture_of(text), *calls))


def around(
    count: int, before: float, after: float, off: float = 0
) -> list[tuple[float, float, str]]:
    """A call around each request of ``sessions(count, period=3000)``, in µs."""
    return [(i * 3000 - before + off, i * 3000 + 960 + after + off, "OK") for i in range(count)]


def test_each_call_is_used_once_and_as_many_as_possible_are() -> None:
    requests = spans((10, 20), (12, 15), (30, 40))
    assert match_inside(requests, spans((0, 21), (0, 16))).tolist() == [0, 1, NONE]
    assert match_inside(requests, spans((0, 50))).tolist() == [0, NONE, NONE]
    assert match_inside(requests, spans((11, 50), (29, 40))).tolist() == [NONE, 0, 1]


@given(st.data())
@settings(max_examples=200)
def test_no_other_pairing_has_more_pairs(data: st.DataObject) -> None:
    pair = st.tuples(st.integers(0, 12), st.integers(0, 12)).map(sorted)
    inner = data.draw(st.lists(pair, max_size=5))
    outer = data.draw(st.lists(pair, max_size=5))
    found = match_inside(spans(*map(tuple, inner)), spans(*map(tuple, outer)))
    used = [row for row in found.tolist() if row != NONE]
    assert len(used) == len(set(used))
    for (start, end), row in zip(inner, found.tolist(), strict=True):
        assert row == NONE or (outer[row][0] <= start and outer[row][1] >= end)

    def most(at: int, free: frozenset[int]) -> int:
        if at == len(inner):
            return 0
        fits = [r for r in free if outer[r][0] <= inner[at][0] and outer[r][1] >= inner[at][1]]
        return max([most(at + 1, free), *(1 + most(at + 1, free - {r}) for r in fits)])

    assert len(used) == most(0, frozenset(range(len(outer))))


def test_time_outside_the_trace_is_the_call_minus_its_request() -> None:
    times = with_log(SERVER, *around(100, before=700, after=300)).clients.times
    assert not isinstance(times, Unavailable)
    # The first call begins before the window and the last ends after it.
    assert (times.matched, times.calls) == (100, 98)
    assert times.outside.mean_ns == 1 * MS
    assert times.outside.p99_ns == 1 * MS
    assert times.client.mean_ns == times.request.mean_ns + MS  # type: ignore[operator]
    assert times.clock.ns == 0
    assert times.before_low_ns <= 0.7 * MS <= times.before_high_ns


@pytest.mark.parametrize("off_ms", [-4000, -350, -3, 5, 1250, 4500])
@pytest.mark.parametrize("delay_ms", [0.0, 8.0])
def test_a_clock_that_is_off_is_found_within_its_bounds(off_ms: float, delay_ms: float) -> None:
    requests, calls = shifted_load(off_ms * MS, delay_ms * MS)
    offset = find_offset(requests, calls)
    assert offset.low_ns <= -off_ms * MS <= offset.high_ns
    assert offset.error_ns < (0.5 + delay_ms) * MS
    assert offset.fits > 0.99


def test_bounds_of_clocks_that_agree_contain_zero() -> None:
    requests, calls = shifted_load(0, 400 * MS)
    offset = find_offset(requests, calls)
    assert offset.ns == 0
    assert offset.low_ns <= 0 <= offset.high_ns


def test_a_log_of_half_of_the_clients_is_not_used() -> None:
    clients = with_log(SERVER, *around(100, 700, 300)[::2]).clients
    assert isinstance(clients.times, Unavailable)
    assert "of 100 complete requests 50 lie inside a call of the log" in clients.times.reason
    assert clients.answered == 50


def test_a_log_of_other_servers_too_is_not_used() -> None:
    others = [(i * 3000 + 1500, i * 3000 + 2600, "OK") for i in range(99)]
    clients = with_log(SERVER, *around(100, 700, 300), *others).clients
    assert isinstance(clients.times, Unavailable)
    assert "It must be of all clients of this server and of no other" in clients.times.reason


def test_a_log_of_another_time_is_not_used() -> None:
    clients = with_log(SERVER, *around(100, 700, 300, off=60e6)).clients
    assert isinstance(clients.times, Unavailable)
    assert clients.times.reason == (
        "none of the 100 calls in the client log was answered within 5.00 s of the window"
    )


def test_calls_that_failed_are_counted_by_status() -> None:
    failed = [(i * 3000 + 10, i * 3000 + 90, "RESOURCE_EXHAUSTED") for i in range(7)]
    clients = with_log(SERVER, *around(100, 700, 300), *failed, (5, 9, "UNAVAILABLE")).clients
    assert clients.failed == (("RESOURCE_EXHAUSTED", 7), ("UNAVAILABLE", 1))
    assert not isinstance(clients.times, Unavailable)


def test_without_a_log_nothing_is_said() -> None:
    clients = analyze(capture_of(SERVER)).clients
    assert clients.log == clients.times == Unavailable("no client log was given")


def test_open_calls_are_weighted_with_time() -> None:
    counted = count_open(spans((10, 20), (15, 25)), spans((0, 30), (0, 30), (0, 30)), Window(0, 50))
    assert counted.calls_mean == pytest.approx(90 / 50)
    assert counted.requests_mean == pytest.approx(20 / 50)
    assert counted.requests_max == 2
    assert counted.crowded_ratio == pytest.approx(30 / 50)
    assert counted.crowded_mean == pytest.approx(20 / 30)


def test_far_more_calls_than_requests_cost_no_time() -> None:
    calls = Spans(np.zeros(1_000_000, np.int64), np.full(1_000_000, 10**9, np.int64))
    offset = find_offset(spans(*((i, i + 1) for i in range(1000))), calls)
    assert offset.fits == 0
