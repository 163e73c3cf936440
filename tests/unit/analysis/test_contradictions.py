"""Given batching parameters that the trace contradicts: named, and not used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from diag.analysis import analyze
from diag.findings import find
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.gaps import Confidence
from diag.model.samples import MetricSample, MetricsPair
from diag.model.serving import Conflict, Origin, Parameter
from diag.report.wording.caveats import describe_caveat
from tests.conftest import sample_path
from tests.unit.analysis.test_queue_waits import given, schedule
from tests.unit.analysis.traces import QUEUE_A, QUEUE_B, analyzed, capture_of

if TYPE_CHECKING:
    from diag.analysis import Analysis

LIVE = Path(__file__).parents[2] / "recordings" / "live"
FOREVER = 9223372036854776


def found(analysis: Analysis) -> list[tuple[str, str, Conflict, int]]:
    """Parameter, given value, conflict and observed value, over all queues."""
    return [
        (each.parameter, each.given, each.conflict, each.observed)
        for summary in analysis.queues
        for each in summary.queue.contradictions
    ]


def waiting(
    wait_us: int, count: int = 24, *, threads: int = 1, step: int = 37, queue: int = QUEUE_A
) -> str:
    """Batches of 1 row, some of 2, that wait so long, up to 0.4 ms more; a thread is free."""
    tasks, batches = [], []
    for number in range(1, count + 1):
        at = 20_000 * number
        tasks.append((at, 1 + (number % 6 == 0), number))
        taken = at + wait_us + step * (number % 11)
        batches.append((f"b/{number % threads}", taken, taken + 3000, number))
    return schedule(tasks, batches, queue)


def test_a_file_that_fits_is_used() -> None:
    analysis = analyzed(waiting(5010), given(timeout_us=5000))
    assert found(analysis) == []
    assert analysis.queues[0].queue.batch_timeout_ns == Parameter(5_000_000, Origin.FILE)


@pytest.mark.parametrize("timeout_us", [0, 500, 3700])
def test_waits_longer_than_the_timeout_with_a_thread_free(timeout_us: int) -> None:
    analysis = analyzed(waiting(5010), given(timeout_us=timeout_us))
    name, value, conflict, observed = found(analysis)[0]
    assert (name, value) == ("batch_timeout_micros", str(timeout_us))
    assert (conflict, 5010 <= observed <= 5400) == (Conflict.WAITED_LONGER, True)
    queue = analysis.queues[0].queue
    assert queue.batch_timeout_ns == Parameter(5_010_000, Origin.ESTIMATED)
    # The rest of that file is not in force either.
    assert isinstance(queue.max_batch_size, Unavailable)


@pytest.mark.parametrize("timeout_us", [5600, 20_000, FOREVER, (1 << 63) - 1])
def test_batches_that_start_before_the_timeout_without_being_full(timeout_us: int) -> None:
    analysis = analyzed(waiting(5010), given(timeout_us=timeout_us))
    assert [each[:3] for each in found(analysis)] == [
        ("batch_timeout_micros", str(timeout_us), Conflict.STARTED_EARLIER)
    ]
    queue = analysis.queues[0].queue
    assert queue.batch_timeout_ns == Parameter(5_010_000, Origin.ESTIMATED)


def test_late_threads_are_no_contradiction() -> None:
    # Without the CPU a thread comes 0 to 17 ms late: no timeout makes such waits.
    analysis = analyzed(waiting(1010, 40, step=1700), given(timeout_us=1000))
    assert found(analysis) == []


def test_two_odd_batches_are_no_contradiction() -> None:
    text = waiting(5010) + schedule(
        [(900_000, 1, 98), (950_000, 1, 99)],
        [("b/1", 900_100, 901_000, 98), ("b/1", 950_100, 951_000, 99)],
    )
    assert found(analyzed(text, given(timeout_us=5000, threads=2))) == []


def test_a_batch_larger_than_the_given_size() -> None:
    analysis = analyzed(waiting(5010), given(size=1))
    assert found(analysis) == [("max_batch_size", "1", Conflict.LARGER_BATCH, 2)]
    assert isinstance(analysis.queues[0].fill_ratio, Unavailable)


def overflowing(rows: int, count: int = 8) -> str:
    """Batches of so many rows, each closed by the next one's first task, 1 ms before its turn."""
    tasks, batches = [], []
    for number in range(1, count + 1):
        at = 4000 * number
        tasks += [(at + i * 100, 1, number) for i in range(rows)]
        batches.append(("b/1", at + 5000, at + 9000, number))
    return schedule(tasks, batches)


@pytest.mark.parametrize("size", [5, 32, 1000])
def test_batches_that_are_closed_with_room_for_more(size: int) -> None:
    analysis = analyzed(overflowing(4), given(size=size, timeout_us=9000))
    assert ("max_batch_size", str(size), Conflict.FULL_EARLIER, 4) in found(analysis)
    assert analysis.queues[0].queue.max_batch_size == Parameter(4, Origin.ESTIMATED)


def test_full_batches_fit_their_size() -> None:
    assert found(analyzed(overflowing(4), given(size=4, timeout_us=9000))) == []


def test_full_batches_that_start_early_do_not_doubt_the_timeout() -> None:
    tasks, batches = [], []
    for number in range(1, 9):
        at, rows = 20_000 * number, 4 if number % 2 else 1
        tasks.append((at, rows, number))
        taken = at + (50 if rows == 4 else 5100)
        batches.append(("b/1", taken, taken + 900, number))
    analysis = analyzed(schedule(tasks, batches), given(size=8))
    assert found(analysis) == [("max_batch_size", "8", Conflict.FULL_EARLIER, 4)]


def test_more_threads_than_given() -> None:
    text = schedule([(0, 4, 1), (10, 4, 2)], [("b/1", 50, 3000, 1), ("b/2", 60, 3000, 2)])
    analysis = analyzed(text, given(threads=1))
    assert found(analysis) == [("num_batch_threads", "1", Conflict.MORE_THREADS, 2)]
    assert analysis.queues[0].queue.num_batch_threads == Parameter(2, Origin.ESTIMATED)


def queueing(count: int = 12, busy_us: int = 6000) -> str:
    """Full batches that come faster than one thread runs them."""
    tasks = [(1000 * number, 4, number) for number in range(count)]
    batches = [
        ("b/1", busy_us * number + 10, busy_us * (number + 1), number) for number in range(count)
    ]
    return schedule(tasks, batches)


def test_ready_batches_that_wait_although_threads_should_be_free() -> None:
    analysis = analyzed(queueing(), given(threads=8))
    assert found(analysis) == [("num_batch_threads", "8", Conflict.FEWER_THREADS, 1)]
    assert analysis.queues[0].queue.num_batch_threads == Parameter(1, Origin.ESTIMATED)


def test_threads_that_had_nothing_to_do_are_no_contradiction() -> None:
    analysis = analyzed(waiting(5010), given(threads=8))
    assert found(analysis) == []
    assert analysis.queues[0].queue.num_batch_threads == Parameter(8, Origin.FILE)


def test_more_batches_in_the_queue_than_it_takes() -> None:
    parameters = given(max_enqueued_batches=2)
    assert found(analyzed(queueing(), parameters)) == [
        ("max_enqueued_batches", "2", Conflict.LONGER_QUEUE, 10)
    ]
    assert found(analyzed(queueing(), replace(parameters, max_enqueued_batches=10))) == []


def refused(count: int) -> str:
    """Requests that come while two batches are in the queue, and are refused."""
    return "".join(
        f"line grpc-{i}\n  BatchingSessionRun {3000 + 10 * i}..{3009 + 10 * i}us\n"
        f"    ScheduleWithoutSplit {3001 + 10 * i}..{3002 + 10 * i}us batching_input_task_size=4\n"
        for i in range(count)
    )


@pytest.mark.parametrize(("count", "limit", "is_told"), [(3, 100, True), (2, 100, False)])
def test_a_queue_that_refuses_tasks_is_no_longer_than_it_was(
    count: int, limit: int, is_told: bool
) -> None:
    text = queueing(6) + refused(count)
    analysis = analyzed(text, given(max_enqueued_batches=limit))
    told = ("max_enqueued_batches", "100", Conflict.SHORTER_QUEUE, 4)
    assert found(analysis) == [told] * is_told


def test_a_task_larger_than_any_that_was_taken_says_nothing_of_the_queue() -> None:
    text = queueing(6) + refused(3).replace("task_size=4", "task_size=9")
    assert found(analyzed(text, given(max_enqueued_batches=100))) == []


@pytest.mark.parametrize(("limit", "is_told"), [(2, False), (100, True)])
def test_a_live_server_that_refused_requests_had_no_long_queue(limit: int, is_told: bool) -> None:
    """Its max_enqueued_batches was 2."""
    capture = open_bundle(LIVE / "split_over_nofile.zip")
    parameters = BatchingParameters(8, 2000, limit, 2, enable_large_batch_splitting=True)
    analysis = analyze(capture.with_batching_parameters(parameters))
    assert (Conflict.SHORTER_QUEUE in [each[2] for each in found(analysis)]) is is_told
    if is_told:
        first = find(analysis)[0]
        assert first.remedies[0].action.startswith(
            "Let more batches wait: max_enqueued_batches to 100 (10 if it is not set)."
        )


def test_tasks_are_split_although_splitting_is_off() -> None:
    text = f"""
    line grpc
      BatchingSessionRun 0..9000us
        ScheduleWithEagerSplit 0..50us batching_input_task_size=4
          ScheduleOutputTask 10..12us size=4 _p={QUEUE_A + 1}
    line b/1
      ProcessBatch 60..1000us batch_size_before_padding=4 _c={QUEUE_A + 1}
    """
    assert [each[::2] for each in found(analyzed(text, given()))] == [
        ("enable_large_batch_splitting", Conflict.SPLIT)
    ]
    on = given(enable_large_batch_splitting=True, max_execution_batch_size=4)
    assert found(analyzed(text, on)) == []


def test_one_queue_of_two_contradicts() -> None:
    text = waiting(5010) + waiting(8010, queue=QUEUE_B).replace("line b/", "line c/")
    analysis = analyzed(text, given(timeout_us=5000))
    first, second = (summary.queue for summary in analysis.queues)
    assert first.batch_timeout_ns == Parameter(5_000_000, Origin.FILE)
    assert second.batch_timeout_ns == Parameter(8_010_000, Origin.ESTIMATED)
    assert second.contradictions[0].conflict is Conflict.WAITED_LONGER
    (caveat,) = (c for c in analysis.caveats if c.code == "contradicted-parameters")
    assert caveat.fact("queues") == ("queue bbbb0000",)
    assert " contradict the trace of queue bbbb0000: batch_timeout_micros" in describe_caveat(
        caveat
    )


def test_a_default_that_contradicts_is_called_so() -> None:
    analysis = analyzed(waiting(8010), BatchingParameters(num_batch_threads=2))
    assert [each[:2] for each in found(analysis)] == [("batch_timeout_micros", "0")]
    (caveat,) = (c for c in analysis.caveats if c.code == "contradicted-parameters")
    assert "batch_timeout_micros is 0 by default, but batches waited 8." in describe_caveat(caveat)


# Recorded samples: the values that the server ran with are in sample_traces/README.md.
TRUE = {
    "batch-timeout": BatchingParameters(32, 10_000, 100, 2),
    "padding": BatchingParameters(32, 4000, 100, 2, allowed_batch_sizes=(8, 16, 32)),
}


@pytest.mark.parametrize("sample", TRUE)
@pytest.mark.parametrize(
    ("change", "conflict"),
    [
        ({}, None),
        ({"batch_timeout_micros": 2000}, Conflict.WAITED_LONGER),
        ({"batch_timeout_micros": None}, Conflict.WAITED_LONGER),
        ({"batch_timeout_micros": 20_000}, Conflict.STARTED_EARLIER),
        ({"batch_timeout_micros": FOREVER}, Conflict.STARTED_EARLIER),
        ({"max_batch_size": 4}, Conflict.LARGER_BATCH),
        ({"num_batch_threads": 1}, Conflict.MORE_THREADS),
        ({"allowed_batch_sizes": (5, 32)}, Conflict.PADDED_OTHERWISE),
    ],
    ids=str,
)
def test_wrong_values_for_a_recorded_server(
    sample: str, change: dict[str, int], conflict: Conflict | None
) -> None:
    true = TRUE[sample]
    capture = open_bundle(
        sample_path(sample) / "server.xplane.pb",
        batching_parameters=replace(true, **change),  # type: ignore[arg-type]
    )
    analysis = analyze(capture)
    assert [each[2] for each in found(analysis)] == ([conflict] if conflict else [])
    queue, first = analysis.queues[0].queue, find(analysis)[0]
    timeout = queue.batch_timeout_ns
    assert isinstance(timeout, Parameter)
    true_ns = 1000 * (true.batch_timeout_micros or 0)
    assert true_ns <= timeout.value < true_ns + 1_000_000
    assert isinstance(queue.num_batch_threads, Parameter)
    assert queue.num_batch_threads.value == 2
    assert first.id == "batch-timeout-dominates"
    assert first.confidence is (Confidence.MEDIUM if conflict else Confidence.HIGH)


def function(count: int = 24, wait_us: int = 40_010) -> str:
    """A BatchFunction op whose batches wait so long."""
    text, batches = "", "line batch_threads_/1\n"
    for number in range(1, count + 1):
        at = number * 100_000
        text += f"""
        line tf_Compute/{number}
          ExecutorState::ProcessAsync::Start {at}..{at + 100}us kernel_type=BatchFunction \
name=b/Batch _p={number}
            ScheduleOutputTask {at}..{at + 10}us size={1 + (number % 6 == 0)} _p={QUEUE_A + number}
          ExecutorState::ProcessAsync::Done {at + 60_000}..{at + 60_010}us _c={number}
        """
        batches += f"""
          ProcessBatch {at + wait_us + 30 * (number % 11)}..{at + 59_000}us _c={QUEUE_A + number} \
batch_size_before_padding={1 + (number % 6 == 0)}
        """
    return text + batches


def gauges(**values: float) -> MetricsPair:
    labels = (("op_name", "b/Batch"),)
    prefix = ":tensorflow:serving:batching:"
    samples = (MetricSample(prefix + name, labels, value) for name, value in values.items())
    return MetricsPair((), tuple(samples))


TRUE_GAUGES = {"batch_timeout_micros": 40_000, "max_batch_size": 8, "num_batch_threads": 2}


def told_both(parameters: BatchingParameters | None, **values: float) -> Analysis:
    capture = replace(capture_of(function()), metrics=gauges(**{**TRUE_GAUGES, **values}))
    return analyze(capture.with_batching_parameters(parameters) if parameters else capture)


def test_the_servers_own_gauge_wins_over_a_file() -> None:
    analysis = told_both(given(size=8, timeout_us=500, threads=2))
    queue = analysis.queues[0].queue
    assert queue.batch_timeout_ns == Parameter(40_000_000, Origin.METRICS)
    assert queue.num_batch_threads == Parameter(2, Origin.METRICS)
    assert [each[2] for each in found(analysis)] == [Conflict.WAITED_LONGER]  # named once
    (caveat,) = (c for c in analysis.caveats if c.code == "contradicted-parameters")
    assert (caveat.fact("source"), caveat.fact("instead")) == ("file", "metrics")
    assert "the values are those of the server's metrics. " in describe_caveat(caveat)


def test_a_file_that_the_trace_allows_still_yields_to_the_gauge() -> None:
    analysis = told_both(given(size=16, timeout_us=40_000, threads=2))
    assert found(analysis) == [("max_batch_size", "16", Conflict.SERVER_DIFFERS, 8)]
    assert analysis.queues[0].queue.max_batch_size == Parameter(8, Origin.METRICS)


@pytest.mark.parametrize(
    ("value", "conflict"),
    [
        (-1.0, Conflict.NOT_POSSIBLE),
        (0.5, Conflict.NOT_POSSIBLE),
        (float("inf"), Conflict.NOT_POSSIBLE),
        (float("nan"), Conflict.NOT_POSSIBLE),
        (1e300, Conflict.NOT_POSSIBLE),
        (2000.0, Conflict.WAITED_LONGER),
        (9.223372036854775807e18, Conflict.STARTED_EARLIER),
    ],
)
def test_the_trace_wins_over_a_gauge(value: float, conflict: Conflict) -> None:
    analysis = told_both(None, batch_timeout_micros=value)
    assert [each[2] for each in found(analysis)] == [conflict]
    timeout = analysis.queues[0].queue.batch_timeout_ns
    assert timeout == Parameter(40_010_000, Origin.ESTIMATED)
    (caveat,) = (c for c in analysis.caveats if c.code == "contradicted-parameters")
    assert describe_caveat(caveat).startswith("The server's metrics contradict the trace: ")


def test_fields_left_out_of_a_file_have_no_defaults_in_a_graph() -> None:
    capture = capture_of(function()).with_batching_parameters(BatchingParameters(8))
    queue = analyze(capture).queues[0].queue
    assert queue.contradictions == ()
    assert queue.batch_timeout_ns == Parameter(40_010_000, Origin.ESTIMATED)
    assert queue.max_batch_size == Parameter(8, Origin.FILE)


def test_a_file_for_a_server_that_does_not_batch() -> None:
    text = "line grpc\n" + "".join(
        f"  SessionRun {i * 1000}..{i * 1000 + 990}us id={i} _p={i}\n" for i in range(4)
    )
    (caveat,) = (c for c in analyzed(text, given()).caveats if c.code == "batching-not-in-force")
    assert caveat.fact("requests_count") == 4
    assert "batching-not-in-force" not in [c.code for c in analyzed(text).caveats]
    batched = analyzed(text + waiting(5010), given())
    assert "batching-not-in-force" not in [c.code for c in batched.caveats]
