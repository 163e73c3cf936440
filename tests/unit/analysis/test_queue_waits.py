"""Waits in the batching queue by the scheduler's rules, on schedules made by hand (in us)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from diag.analysis import analyze
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.samples import MetricSample, MetricsPair
from diag.model.serving import Origin, Parameter, Stage
from tests.unit.analysis.traces import (
    ASYNC_START,
    QUEUE_A,
    QUEUE_B,
    analyzed,
    capture_of,
    closed_by,
    stages_us,
)

if TYPE_CHECKING:
    from diag.analysis import Analysis

WAITS = ("queue-fill", "queue-thread", "queue-dispatch")


def schedule(
    tasks: list[tuple[int, int, int]],
    batches: list[tuple[str, int, int, int]],
    queue: int = QUEUE_A,
) -> str:
    """A trace of requests and batches of one queue.

    Args:
        tasks: (enqueue, rows, number of the batch); each is a request of its own.
        batches: (thread, begin, end, number); rows are those of its tasks.
        queue: High half of the ids.
    """
    end = max(end for _, _, end, _ in batches) + 10
    text = ""
    for enqueue, rows, number in tasks:
        text += f"""
        line grpc-{enqueue}-{queue}-{number}
          BatchingSessionRun {enqueue}..{end}us
            ScheduleOutputTask {enqueue}..{enqueue + 1}us size={rows} _p={queue + number}
        """
    for thread in sorted({thread for thread, *_ in batches}):
        text += f"line {thread}\n"
        for name, begin, stop, number in batches:
            if name == thread:
                rows = sum(rows for _, rows, n in tasks if n == number)
                text += f"ProcessBatch {begin}..{stop}us batch_size_before_padding={rows} "
                text += f"_c={queue + number}\n"
                text += f"SessionRun {begin}..{stop}us id={begin} _p={begin}\n"
    return text


def waits(analysis: Analysis) -> list[tuple[float, float, float]]:
    """Fill, thread and dispatch of each request, in order of start."""
    rows = [stages_us(analysis, i) for i in range(len(analysis.requests))]
    return [tuple(row.get(stage, 0) for stage in WAITS) for row in rows]  # type: ignore[misc]


def given(
    size: int = 4, timeout_us: int = 5000, threads: int = 1, **more: int | bool
) -> BatchingParameters:
    return BatchingParameters(
        max_batch_size=size,
        batch_timeout_micros=timeout_us,
        num_batch_threads=threads,
        **more,  # type: ignore[arg-type]
    )


def test_batch_that_waits_out_its_timeout() -> None:
    text = schedule([(0, 1, 1), (3000, 1, 1)], [("b/1", 5400, 6000, 1)])
    analysis = analyzed(text, given())
    assert waits(analysis) == [(5000, 0, 400), (2000, 0, 400)]
    assert closed_by(analysis) == ["timeout"]


def test_task_that_comes_after_the_timeout_does_not_wait_to_fill() -> None:
    text = schedule([(0, 1, 1), (5200, 1, 1)], [("b/1", 5400, 6000, 1)])
    assert waits(analyzed(text, given())) == [(5000, 0, 400), (0, 0, 200)]


def test_batch_that_is_full_before_its_timeout() -> None:
    text = schedule([(0, 2, 1), (1000, 2, 1)], [("b/1", 1050, 2000, 1)])
    analysis = analyzed(text, given())
    assert waits(analysis) == [(1000, 0, 50), (0, 0, 50)]
    assert closed_by(analysis) == ["size"]


def test_batch_closed_by_a_task_that_did_not_fit_it() -> None:
    text = schedule([(0, 3, 1), (700, 2, 2)], [("b/1", 800, 900, 1), ("b/1", 5800, 6000, 2)])
    analysis = analyzed(text, given())
    assert waits(analysis) == [(700, 0, 100), (5000, 0, 100)]
    assert closed_by(analysis) == ["size", "timeout"]


def test_ready_batch_waits_while_every_thread_is_busy() -> None:
    text = schedule([(0, 4, 1), (1000, 1, 2)], [("b/1", 100, 9000, 1), ("b/1", 9100, 9900, 2)])
    analysis = analyzed(text, given())
    assert waits(analysis) == [(0, 0, 100), (5000, 3000, 100)]
    assert closed_by(analysis) == ["size", "thread"]


def test_one_free_thread_of_two_makes_it_a_wait_for_dispatch() -> None:
    text = schedule([(0, 4, 1), (1000, 1, 2)], [("b/1", 100, 9000, 1), ("b/2", 6900, 9900, 2)])
    assert waits(analyzed(text, given(threads=2)))[1] == (5000, 0, 900)


def test_threads_busy_for_a_part_of_the_wait() -> None:
    tasks = [(0, 4, 1), (10, 4, 2), (1000, 1, 3)]
    text = schedule(tasks, [("b/1", 100, 9000, 1), ("b/2", 200, 7000, 2), ("b/2", 7300, 9000, 3)])
    assert waits(analyzed(text, given(threads=2)))[2] == (5000, 1000, 300)


def test_without_timeout_batches_are_ready_at_once() -> None:
    text = schedule(
        [(0, 1, 1), (200, 1, 2), (500, 1, 2)], [("b/1", 100, 900, 1), ("b/1", 950, 1500, 2)]
    )
    analysis = analyzed(text, given(timeout_us=0))
    assert waits(analysis) == [(0, 0, 100), (0, 700, 50), (0, 400, 50)]
    assert closed_by(analysis) == ["thread", "thread"]  # there is no timeout to wait for


def test_queues_that_share_threads_wait_for_each_other() -> None:
    text = f"""
    line grpc-1
      BatchingSessionRun 0..5000us
        ScheduleOutputTask 0..1us size=1 _p={QUEUE_A + 1}
    line grpc-2
      BatchingSessionRun 100..5000us
        ScheduleOutputTask 100..101us size=1 _p={QUEUE_B + 1}
    line b/1
      ProcessBatch 50..3000us batch_size_before_padding=1 _c={QUEUE_A + 1}
      ProcessBatch 3010..4000us batch_size_before_padding=1 _c={QUEUE_B + 1}
    """
    analysis = analyzed(text, given(timeout_us=0))
    assert waits(analysis) == [(0, 0, 50), (0, 2900, 10)]
    assert [queue.model for queue in analysis.queues] == ["queue aaaa0000", "queue bbbb0000"]


def test_queues_with_threads_of_their_own_do_not() -> None:
    a = schedule([(0, 1, 1)], [("a/1", 50, 3000, 1)])
    b = schedule([(100, 1, 1)], [("b/1", 510, 4000, 1)], QUEUE_B)
    assert waits(analyzed(a + b, given(timeout_us=0))) == [(0, 0, 50), (0, 0, 410)]


def test_splitting_fills_batches_to_max_execution_batch_size() -> None:
    text = f"""
    line grpc
      BatchingSessionRun 0..9000us
        ScheduleWithEagerSplit 0..50us batching_input_task_size=6
          ScheduleOutputTask 10..12us size=4 _p={QUEUE_A + 1}
          ScheduleOutputTask 20..22us size=2 _p={QUEUE_A + 2}
    line b/1
      ProcessBatch 60..1000us batch_size_before_padding=4 _c={QUEUE_A + 1}
        SessionRun 60..1000us id=1 _p=1
      ProcessBatch 5120..8000us batch_size_before_padding=2 _c={QUEUE_A + 2}
        SessionRun 5120..8000us id=2 _p=2
    """
    parameters = given(size=16, enable_large_batch_splitting=True, max_execution_batch_size=4)
    analysis = analyzed(text, parameters)
    assert waits(analysis) == [(5000, 0, 100)]  # of the part that ended last
    assert closed_by(analysis) == ["size", "timeout"]
    assert analysis.queues[0].queue.max_batch_size == Parameter(4, Origin.FILE)
    assert analysis.queues[0].fill_ratio == 0.75


def test_limit_for_requests_is_not_that_of_batches_without_splitting() -> None:
    text = schedule([(0, 4, 1)], [("b/1", 10, 100, 1)])
    analysis = analyzed(text, given(size=16, max_execution_batch_size=4))
    assert analysis.queues[0].queue.max_batch_size == Parameter(16, Origin.FILE)


def test_fields_left_out_of_the_file_have_the_servers_defaults() -> None:
    text = schedule([(0, 4, 1)], [("b/1", 10, 100, 1)])
    queue = analyzed(text, BatchingParameters()).queues[0].queue
    assert queue.max_batch_size == Parameter(1000, Origin.DEFAULT)
    assert queue.batch_timeout_ns == Parameter(0, Origin.DEFAULT)
    assert queue.num_batch_threads == Parameter(1, Origin.ESTIMATED)


def test_timeout_is_estimated_by_the_shortest_wait_that_nothing_else_ended() -> None:
    text = schedule(
        [(0, 1, 1), (10_000, 1, 2), (20_000, 1, 3), (22_900, 1, 3)],
        [("b/1", 5600, 6000, 1), ("b/1", 15_200, 16_000, 2), ("b/1", 23_000, 26_000, 3)],
    )
    queue = analyzed(text).queues[0].queue
    assert queue.batch_timeout_ns == Parameter(5_200_000, Origin.ESTIMATED)
    assert queue.num_batch_threads == Parameter(1, Origin.ESTIMATED)
    assert isinstance(queue.max_batch_size, Unavailable)


def test_waits_below_a_poll_are_estimated_as_no_timeout() -> None:
    text = schedule([(0, 1, 1), (1000, 1, 2)], [("b/1", 700, 800, 1), ("b/1", 1400, 1500, 2)])
    assert analyzed(text).queues[0].queue.batch_timeout_ns == Parameter(0, Origin.ESTIMATED)


def test_size_is_estimated_when_batches_of_it_were_taken_early() -> None:
    tasks = [(0, 4, 1), (1000, 4, 2), (2000, 1, 3), (20_000, 1, 4)]
    batches = [
        ("b/1", 50, 300, 1),
        ("b/1", 1050, 1300, 2),
        ("b/1", 7050, 7300, 3),
        ("b/1", 25_100, 25_200, 4),
    ]
    analysis = analyzed(schedule(tasks, batches))
    queue = analysis.queues[0].queue
    assert queue.max_batch_size == Parameter(4, Origin.ESTIMATED)
    assert closed_by(analysis) == ["size", "size", "timeout", "timeout"]
    assert "estimated-parameters" in [caveat.code for caveat in analysis.caveats]


def test_a_wait_little_shorter_than_an_estimated_timeout_does_not_show_that_a_batch_was_full() -> (
    None
):
    tasks = [(0, 1, 1), (10_000, 1, 2), (13_000, 1, 2), (20_000, 1, 3), (23_000, 1, 3)]
    batches = [("b/1", 5900, 6000, 1), ("b/1", 15_100, 15_200, 2), ("b/1", 25_200, 25_300, 3)]
    analysis = analyzed(schedule(tasks, batches))
    queue = analysis.queues[0].queue
    assert queue.batch_timeout_ns == Parameter(5_900_000, Origin.ESTIMATED)
    assert isinstance(queue.max_batch_size, Unavailable)
    assert [row[0] for row in waits(analysis)] == [5900, 5100, 2100, 5200, 2200]


def test_no_caveat_about_estimates_when_all_is_told() -> None:
    text = schedule([(0, 4, 1)], [("b/1", 10, 100, 1)])
    assert "estimated-parameters" not in [c.code for c in analyzed(text, given()).caveats]


@pytest.mark.parametrize("op_name", ["", "batch"])
def test_gauges_of_the_op_tell_an_in_graph_queue_its_parameters(op_name: str) -> None:
    labels = (("op_name", op_name),) if op_name else ()
    prefix = ":tensorflow:serving:batching:"
    after = tuple(
        MetricSample(prefix + name, labels, value)
        for name, value in (
            ("batch_timeout_micros", 5000.0),
            ("max_batch_size", 8.0),
            ("num_batch_threads", 2.0),
        )
    )
    capture = capture_of(f"""
    line grpc
      SessionRun 0..9000us id=7 _p=7
    line tf_Compute/1
      ExecutorState::Process 0..200us id=7 _c=7
        {ASYNC_START} 90..110us step_id=7 _p=70 kernel_type=BatchFunction name=model/batch
          ScheduleOutputTask 100..101us size=1 _p={QUEUE_A + 1}
      ExecutorState::ProcessAsync::Done 8000..8050us step_id=7 _c=70
    line b/1
      ProcessBatch 5300..8100us batch_size_before_padding=1 _c={QUEUE_A + 1}
        FunctionRun 5400..5410us id=8 _p=80
    """)
    analysis = analyze(replace(capture, metrics=MetricsPair((), after)))
    queue = analysis.queues[0].queue
    assert queue.batch_timeout_ns == Parameter(5_000_000, Origin.METRICS)
    assert queue.max_batch_size == Parameter(8, Origin.METRICS)
    assert queue.num_batch_threads == Parameter(2, Origin.METRICS)
    assert waits(analysis) == [(5000, 0, 200)]


def split_function(largest_rows: int) -> str:
    """Two batches of a splitting BatchFunction, each taken at once when it has so many rows."""
    text = ""
    for number in (1, 2):
        at = number * 10_000
        text += f"""
        line tf_Compute/{number}
          {ASYNC_START} {at}..{at + 100}us kernel_type=BatchFunction name=b/Batch _p={number}
            ScheduleWithEagerSplit {at}..{at + 50}us batching_input_task_size={largest_rows}
              ScheduleOutputTask {at}..{at + 10}us size={largest_rows} _p={QUEUE_A + number}
          ExecutorState::ProcessAsync::Done {at + 2000}..{at + 2010}us _c={number}
        line batch_threads_/{number}
          ProcessBatch {at + 100}..{at + 1900}us _c={QUEUE_A + number} \
batch_size_before_padding={largest_rows}
        """
    return text


def gauges(**values: int) -> MetricsPair:
    labels = (("op_name", "b/Batch"),)
    return MetricsPair(
        (),
        tuple(
            MetricSample(f":tensorflow:serving:batching:{name}", labels, float(value))
            for name, value in values.items()
        ),
    )


def test_the_gauge_of_a_splitting_queue_only_bounds_its_batches() -> None:
    # Requests may have 64 rows, but batches close at 16, long before the timeout of 50 ms.
    capture = replace(
        capture_of(split_function(16)),
        metrics=gauges(max_batch_size=64, batch_timeout_micros=50_000, num_batch_threads=2),
    )
    analysis = analyze(capture)
    assert analysis.batches.queues[0].max_batch_size == Parameter(16, Origin.ESTIMATED)
    assert closed_by(analysis) == ["size", "size"]


def test_a_gauge_that_is_no_number_is_no_parameter() -> None:
    capture = capture_of(split_function(16))
    broken = gauges(batch_timeout_micros=1000)
    nan = replace(broken.after[0], value=float("nan"))
    analysis = analyze(replace(capture, metrics=MetricsPair((), (nan,))))
    timeout = analysis.batches.queues[0].batch_timeout_ns
    assert isinstance(timeout, Unavailable) or timeout.origin is Origin.ESTIMATED


def test_gauges_of_two_models_that_differ_are_not_told_apart() -> None:
    capture = capture_of(split_function(16))
    both = gauges(batch_timeout_micros=1000).after + gauges(batch_timeout_micros=9000).after
    analysis = analyze(replace(capture, metrics=MetricsPair((), both)))
    timeout = analysis.batches.queues[0].batch_timeout_ns
    assert isinstance(timeout, Unavailable) or timeout.origin is Origin.ESTIMATED


def _busy_pool() -> tuple[list[tuple[int, int, int]], list[tuple[str, int, int, int]]]:
    """One batch that met a free thread, before its like were seen, and 40 that did not."""
    tasks, batches = [(0, 1, 1), (3300, 2, 2)], [("b/1", 3210, 9000, 1), ("b/1", 9000, 15_000, 2)]
    for number in range(3, 42):
        end = 6000 * number - 3000
        tasks.append((end - 3000, 1 + number % 3, number))
        batches.append(("b/1", end, end + 6000, number))
    return tasks, batches


def test_a_timeout_that_hardly_any_batch_could_wait_for_is_not_estimated() -> None:
    analysis = analyzed(schedule(*_busy_pool()))
    assert isinstance(analysis.queues[0].queue.batch_timeout_ns, Unavailable)
    # Whenever it was due: no thread was free, so it waited for one.
    waits = analysis.requests.stage_ns[5, [Stage.QUEUE_FILL.index, Stage.QUEUE_THREAD.index]]
    assert waits.tolist() == [0, 3_000_000]


def test_batches_that_their_last_task_closed_are_full_where_none_tells_the_timeout() -> None:
    tasks = [(1000 * (10 * n + row), 1, n) for n in range(5) for row in range(4)]
    batches = [("b/1", 10_000 * n + 3050, 10_000 * n + 6000, n) for n in range(5)]
    analysis = analyzed(schedule(tasks, batches))
    queue = analysis.queues[0].queue
    assert isinstance(queue.batch_timeout_ns, Unavailable)
    assert queue.max_batch_size == Parameter(4, Origin.ESTIMATED)
    assert set(closed_by(analysis)) == {"size"}
