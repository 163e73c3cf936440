"""The longest gaps, and the state of the requests that waited in their middle (us)."""

from __future__ import annotations

from diag.analysis.idle import LONGEST, WAITING_MAX
from diag.model.capture import BatchingParameters
from tests.unit.analysis.idle.tables import END, HOST, KERNEL, gpu, step
from tests.unit.analysis.traces import ASYNC_START, QUEUE_A, analyzed

KNOWN = BatchingParameters(max_batch_size=4, batch_timeout_micros=2000, num_batch_threads=1)
Waiting = tuple[int, str, float, str]


def state(text: str, kernels: tuple[str, ...] = (), gap: int = 0) -> list[Waiting]:
    """Request, stage, since when (us) and thread, of one of the longest gaps."""
    analysis = analyzed(HOST + text + END + gpu(*kernels), KNOWN)
    long = analysis.longest_gaps[gap]
    return [(w.request, w.stage, w.since_ns / 1000, w.thread) for w in long.waiting]


def batch(begin: int, taken: int, run: int, ended: int, end: int) -> str:
    """A batch of one whose run has a burst over it and one kernel, at the run's end."""
    return f"""
line grpc
  BatchingSessionRun {begin}..{end}us
    ScheduleOutputTask {begin + 100}..{begin + 110}us size=1 _p={QUEUE_A + 1}
line b/1
  ProcessBatch {taken}..{end - 10}us batch_size_before_padding=1 _c={QUEUE_A + 1}
    SessionRun {run}..{ended}us id=1 _p=1
line tf_Compute/1
  ExecutorState::Process {run + 10}..{ended - 10}us id=1 _c=1
    k {ended - 200}..{ended - 190}us correlation_id=1
"""


def kernel(at: int, correlation: int = 1, length: int = 50) -> str:
    return f"k {at}..{at + length}us correlation_id={correlation} {KERNEL}"


def test_stages_of_a_batch_are_told_with_their_begin_and_thread() -> None:
    # The first gap lasts from 0 to the kernel, so that its middle lies where we want it.
    filling = batch(begin=4000, taken=6200, run=9700, ended=10000, end=10500)
    assert state(filling, (kernel(9900), kernel(9950, length=9000))) == [
        (0, "queue-fill", 4100, "grpc")
    ]
    forming = batch(begin=1000, taken=3200, run=9700, ended=10000, end=10500)
    assert state(forming, (kernel(9900, length=9000),)) == [(0, "batch-formation", 3200, "b/1")]
    running = batch(begin=1000, taken=3200, run=3400, ended=10000, end=10500)
    assert state(running, (kernel(9900, length=9000),)) == [(0, "preprocess", 3410, "tf_Compute/1")]
    ready = batch(begin=1000, taken=8000, run=9700, ended=10000, end=10500)
    assert state(ready, (kernel(9900, length=9000),)) == [(0, "queue-dispatch", 3100, "grpc")]
    split = batch(begin=1000, taken=3200, run=3400, ended=5000, end=19000)
    assert state(split, (kernel(4900),)) == [(0, "batch-split", 5000, "b/1")]
    entering = batch(begin=4000, taken=9600, run=9700, ended=10000, end=10500)
    entering = entering.replace("4100..4110", "9500..9510")
    assert state(entering, (kernel(9900, length=9000),)) == [(0, "schedule", 4000, "grpc")]


def test_a_step_is_shown_by_its_piece_and_its_burst() -> None:
    host = step(7, "d:DecodeJpeg 1200..9000us", "k 9010..9020us correlation_id=1", end=10500)
    assert state(host, (kernel(9100, length=9000),)) == [(0, "preprocess", 1100, "tf_Compute/7")]


def test_a_call_into_a_batcher_is_shown_by_its_task() -> None:
    text = f"""
line grpc-9
  SessionRun 1000..9900us id=9 _p=9
line tf_Compute/9
  ExecutorState::Process 1200..2000us id=9 _c=9
    {ASYNC_START} 1990..1995us step_id=9 _p=90 kernel_type=BatchFunction
      ScheduleOutputTask 1991..1992us size=1 _p={QUEUE_A + 1}
line b/1
  ProcessBatch 9000..9950us batch_size_before_padding=1 _c={QUEUE_A + 1}
    FunctionRun 9000..9010us id=1 _p=1
line tf_Compute/1
  ExecutorState::Process 9100..9200us id=1 _c=1
    k 9110..9120us correlation_id=1
  ExecutorDoneCallback 9700..9800us id=1 _c=1
    ExecutorState::ProcessAsync::Done 9710..9720us _c=90
"""
    ((request, stage, _, thread),) = state(text, (kernel(9150, length=9000),))
    assert (request, thread) == (0, "tf_Compute/9")
    assert stage in ("queue-fill", "queue-dispatch")


def test_a_request_that_the_window_cut_is_shown_by_its_task_alone() -> None:
    text = (
        step(1, "k 1500..1510us correlation_id=1", begin=1000, end=2000)
        + f"""
line grpc-5
  ScheduleOutputTask 8000..8001us size=1 _p={QUEUE_A + 2}
"""
    )
    found = state(text, (kernel(1600),))
    assert found == [(-1, "queue-dispatch", 10000, "grpc-5")]


def test_at_most_so_many_are_spelt_out_and_all_counted() -> None:
    many = "".join(
        step(n, f"d:DecodeJpeg {1200 + n}..8000us", begin=1000 + n, end=9000 + n)
        for n in range(1, 21)
    )
    # Kernels of unknown launches: any of the requests may have used the GPU.
    analysis = analyzed(HOST + many + END + gpu(kernel(200, 99), kernel(7000, 98)))
    waited = next(gap for gap in analysis.longest_gaps if gap.waiting_total)
    assert waited.waiting_total == 20
    assert len(waited.waiting) == WAITING_MAX
    assert [w.request for w in waited.waiting] == list(range(WAITING_MAX))  # the oldest


def test_ten_of_each_timeline_the_longest_first() -> None:
    kernels = tuple(kernel(at, 0) for at in range(500, 19000, 700))
    later = gpu(*(kernel(at, 0) for at in range(300, 19000, 900)), ordinal=1)
    analysis = analyzed(HOST + END + gpu(*kernels) + later)
    for timeline in (0, 1):
        gaps = [gap for gap in analysis.longest_gaps if gap.timeline_index == timeline]
        lengths = [gap.end_ns - gap.start_ns for gap in gaps]
        assert len(gaps) == LONGEST
        assert lengths == sorted(lengths, reverse=True)
        for gap in gaps:
            assert sum(ns for _, ns in gap.causes) == gap.end_ns - gap.start_ns
    assert [gap.timeline_index for gap in analysis.longest_gaps] == [0] * LONGEST + [1] * LONGEST


def test_a_busy_device_has_no_long_gap() -> None:
    assert analyzed(HOST + END + gpu(kernel(0, 0, 20000))).longest_gaps == ()
