"""What limits the gain of a shorter wait, and what adds to it."""

from __future__ import annotations

from diag.analysis import analyze
from diag.findings import find
from diag.findings.batching import batch_timeout_us
from diag.findings.smaller_batches import most_run_saved_ns, most_saved_ns
from diag.model.capture import BatchingParameters
from diag.model.finding import Gain
from tests.recordings import recorded
from tests.unit.analysis.traces import QUEUE_A, analyzed


def batch(number: int, at: int, run: int, requests: int, padded: int) -> str:
    """A batch of requests of one row each, which are enqueued 100 us before it is taken."""
    key = QUEUE_A + number
    callers = "".join(
        f"line grpc-{number}-{i}\n  BatchingSessionRun {at - 110}..{at + run + 30}us\n"
        f"    ScheduleOutputTask {at - 100 + i}..{at - 99 + i}us size=1 _p={key}\n"
        for i in range(requests)
    )
    return (
        f"{callers}line b/{number}\n"
        f"  ProcessBatch {at}..{at + run + 20}us _c={key} batch_size_before_padding={requests}\n"
        f"    MergeInputTensors {at}..{at + 2}us batch_size_after_padding={padded}\n"
        f"    SessionRun {at + 10}..{at + 10 + run}us id={number} _p={1000 + number}\n"
        f"line tf_Compute/{number}\n"
        f"  ExecutorState::Process {at + 10}..{at + 10 + run}us id={number} _c={1000 + number}\n"
    )


TOLD = BatchingParameters(max_batch_size=8, batch_timeout_micros=100, num_batch_threads=2)


def test_a_request_alone_saves_what_the_other_rows_of_its_batch_cost() -> None:
    analysis = analyzed(batch(1, 1000, 1000, 1, 1) + batch(2, 9000, 1900, 4, 4), TOLD)
    saved = most_run_saved_ns(analysis, batch_timeout_us(analysis))
    # 300 us a row, and three rows fewer.
    assert sorted(saved.round().tolist()) == [0, 900_000, 900_000, 900_000, 900_000]


def test_a_request_alone_is_padded_as_well() -> None:
    analysis = analyzed(batch(1, 1000, 1000, 1, 2) + batch(2, 9000, 1900, 4, 5), TOLD)
    saved = most_run_saved_ns(analysis, batch_timeout_us(analysis))
    assert sorted(saved.round().tolist()) == [0, 900_000, 900_000, 900_000, 900_000]


def test_nothing_is_saved_where_the_cost_of_a_row_is_not_known() -> None:
    analysis = analyzed(batch(1, 1000, 1000, 4, 4) + batch(2, 9000, 1900, 4, 4), TOLD)
    assert not most_run_saved_ns(analysis, batch_timeout_us(analysis)).any()


def test_a_single_queue_limits_nothing() -> None:
    analysis = analyzed(batch(1, 1000, 1000, 1, 1), TOLD)
    assert most_saved_ns(analysis, batch_timeout_us(analysis)).tolist() == [float("inf")]


def test_a_batch_in_another_queue_limits_the_gain() -> None:
    """Requests call two batchers at once, with timeouts of 4 and 2 ms."""
    first = find(analyze(recorded("two-batchers-tf2.3.4")))[0]
    setting = first.remedies[0].setting
    assert setting is not None
    assert (setting.scope, setting.to) == ("queue unnamed-2", 0)
    assert isinstance(first.gain, Gain)
    # 4.9 ms, less the 2 ms between the timeouts: not less all 4 ms that the longer one takes.
    assert 2.8e6 < first.gain.low < 3.2e6
