"""A server that did not get to run: blank intervals, with and without the cgroup's counter."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from diag.analysis import analyze
from diag.analysis.idle.causes.machine import find_blanks
from diag.model.capture import BatchingParameters
from diag.model.samples import SampleSeries
from diag.model.window import ClockSync, Window
from tests.unit.analysis.idle.tables import KERNEL, gpu, row_at
from tests.unit.analysis.traces import QUEUE_A, capture_of

if TYPE_CHECKING:
    from diag.analysis import Analysis

UNIX_NS = 1_700_000_000_000_000_000
MS = 1_000_000

# Decoding begins at 2 ms; from 3 ms to 11 ms nothing happens on any thread.
FROZEN = f"""
env profile_start_time={UNIX_NS}
plane /host:CPU
line grpc
  SessionRun 1..15ms id=1 _p=1
line tf_Compute/1
  ExecutorState::Process 2..14.9ms id=1 _c=1
    d:DecodeJpeg 3..11ms
    k 12..12.1ms correlation_id=1
line end
  Something 0..20ms
""" + gpu(f"k 12.2..14ms correlation_id=1 {KERNEL}")


def sampled(*readings: tuple[int, Any], error_ns: int = 0) -> Analysis:
    """The frozen server with readings (ms, throttled ns) of its cgroup."""
    series = SampleSeries(
        source="host",
        period_ns=5 * MS,
        units={"cgroup_throttled_ns": "ns, counted up"},
        samples=tuple(
            {"unix_ns": UNIX_NS + at * MS, "cgroup_throttled_ns": counted}
            for at, counted in readings
        ),
    )
    capture = replace(
        capture_of(FROZEN), host_samples=series, clocks=(ClockSync("host", 0, error_ns),)
    )
    return analyze(capture)


def test_blank_while_the_throttled_time_grows_as_much_is_throttled() -> None:
    found = row_at(sampled((1, 0), (2, 0), (12, 8 * MS), (13, 8 * MS)), 5000)
    assert found == (3000, 11000, "throttled", "high", "preprocess", "")


def test_throttled_time_that_grows_less_than_half_of_it_explains_nothing() -> None:
    assert row_at(sampled((2, 0), (12, 3 * MS)), 5000)[2] == "preprocess"


def test_samples_count_only_as_surely_as_their_clock() -> None:
    readings = ((0, 0), (2, 0), (12, 8 * MS), (16, 8 * MS))
    assert row_at(sampled(*readings, error_ns=1 * MS), 5000)[2] == "throttled"
    # Within 5 ms the last reading before the blank may have been in it.
    assert row_at(sampled(*readings[1:3], error_ns=5 * MS), 5000)[2] == "preprocess"


def test_readings_that_no_counter_shows_do_no_harm() -> None:
    assert row_at(sampled((2, 2**80), (12, -(2**80))), 5000)[2] == "preprocess"
    assert row_at(sampled((2, None), (12, "x")), 5000)[2] == "preprocess"


def test_without_a_counter_a_busy_op_is_not_called_throttled() -> None:
    assert row_at(analyze(capture_of(FROZEN)), 5000)[2] == "preprocess"


def test_without_a_counter_a_batch_that_no_free_thread_takes_is() -> None:
    text = f"""
    line grpc
      BatchingSessionRun 1..19ms
        ScheduleOutputTask 1..1.01ms size=1 _p={QUEUE_A + 1}
    line b/1
      ProcessBatch 13..18ms batch_size_before_padding=1 _c={QUEUE_A + 1}
        SessionRun 13..18ms id=1 _p=1
    line tf_Compute/1
      ExecutorState::Process 13..18ms id=1 _c=1
        m:MatMul 13..18ms
    line end
      Something 0..20ms
    """
    known = BatchingParameters(max_batch_size=1, batch_timeout_micros=0, num_batch_threads=1)
    found = row_at(analyze(capture_of(text).with_batching_parameters(known)), 5000)
    assert found == (1010, 13000, "throttled", "medium", "queue-dispatch", "")
    # By an estimated timeout the batch may have filled for all that time.
    assert row_at(analyze(capture_of(text)), 5000)[2] != "throttled"


def test_nothing_is_throttled_while_no_request_is_open() -> None:
    text = FROZEN.replace("SessionRun 1..15ms id=1 _p=1", "Other 1..15ms").replace(
        "ExecutorState::Process 2..14.9ms id=1 _c=1", "Other 2..14.9ms"
    )
    assert row_at(analyze(capture_of(text)), 5000)[2] != "throttled"


def blanks_of(*events: tuple[float, float], window_ms: float = 100) -> list[tuple[float, float]]:
    """Blanks in ms of one line with these events."""
    body = "\n".join(f"  e {begin}..{end}ms" for begin, end in events)
    (host,) = capture_of(f"line t\n{body}").planes
    start, end = find_blanks(host.events, Window(0, int(window_ms * MS))).edges
    return list(zip((start / MS).tolist(), (end / MS).tolist(), strict=True))


def test_a_blank_lies_between_two_marks_at_least_5_ms_apart() -> None:
    assert blanks_of((0, 5), (9.9, 10), (15.1, 40)) == [(0, 5), (10, 15.1), (15.1, 40)]
    assert blanks_of((0, 4.9), (9.8, 14.7)) == []
    assert blanks_of((0, 4.999999), (9.999999, 9.999999)) == [(4.999999, 9.999999)]


def test_blanks_agree_with_a_search_through_all_marks() -> None:
    random = np.random.default_rng(7)
    for _ in range(20):
        marks = np.sort(random.integers(0, 10**8, int(random.integers(2, 60))))
        spans = [(a / MS, b / MS) for a, b in zip(marks[::2], marks[1::2], strict=False)]
        at = sorted(t for span in spans for t in span)
        wanted = [(a, b) for a, b in pairwise(at) if b - a >= 5]
        assert blanks_of(*spans) == wanted
