"""Which larger batch size is advised, and what that rests on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from diag.findings.batch_size import LargerSize, larger_size
from diag.findings.batching import setting_of
from diag.findings.open_requests import open_rows
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.serving import Origin, Parameter
from tests.unit.analysis.traces import QUEUE_A, analyzed
from tests.unit.findings.servers import one_thread, unfounded_numbers
from tests.unit.report.gpu_factory import make_cost

if TYPE_CHECKING:
    from diag.analysis import Analysis

FULL = [(4, 600)] * 12
# 400 µs and 100 µs a row.
SOME_SMALLER = [*FULL, (2, 600), (2, 600), (1, 500), (4, 800), (4, 800), (4, 800)]


def advised(
    batches: list[tuple[int, int]], *, wait: int, most: int = 4, splits: bool = False
) -> LargerSize | None:
    parameters = BatchingParameters(
        max_batch_size=64 if splits else most,
        batch_timeout_micros=0,
        max_enqueued_batches=100,
        num_batch_threads=1,
        enable_large_batch_splitting=splits,
        max_execution_batch_size=most if splits else None,
    )
    return larger_size(analyzed(one_thread(batches, wait), parameters))


def exactly(fixed: int, per_row: int, sizes: tuple[int, ...] = (1, 2, 3, 4, 4, 4, 4, 4)):
    return [(rows, fixed + per_row * rows) for rows in sizes for _ in range(4)]


def test_without_a_line_the_open_rows_decide_and_what_is_not_known_is_said() -> None:
    larger = advised(FULL, wait=8_000)
    assert larger is not None
    assert (larger.setting.now, larger.setting.to) == (4, 32)
    assert isinstance(larger.saves, Unavailable)
    assert "rows are in the server at a time, enough for batches of about that size. " in (
        larger.remedy.action
    )
    assert larger.remedy.action.endswith(
        "How long these take is not known (1 batch size seen, 2 needed): capture again and compare."
    )


def test_no_more_rows_than_are_open_can_share_a_batch() -> None:
    larger = advised(FULL, wait=600)
    assert larger is not None
    assert larger.setting.to == 8
    assert advised(FULL, wait=0) is None


def test_the_line_ends_the_growth_where_a_row_gets_no_cheaper() -> None:
    # 400 + 400 b: a row takes 500, 450, 425 µs in batches of 4, 8, 16; then less than 5 % is saved.
    larger = advised(exactly(400, 400), wait=100_000)
    assert larger is not None
    assert (larger.setting.now, larger.setting.to) == (4, 16)
    assert larger.saves == pytest.approx(0.15)
    assert larger.remedy.action == (
        "Allow larger batches: max_batch_size 4 → 16, and the last entry of allowed_batch_sizes "
        "with it. By the times of the recorded batches, a row takes 425 µs in a batch of 16, and "
        "500 µs in one of 4; extrapolated, the largest recorded batch had 4 rows."
    )
    numbers = larger.remedy.action.replace("batch of 16", "").replace("one of 4", "")
    assert set(unfounded_numbers(numbers, larger.evidence)) <= {"16"}


def test_one_change_stays_near_the_recorded_sizes() -> None:
    larger = advised(exactly(4000, 40), wait=1_000_000)
    assert larger is not None
    assert larger.setting.to == 32


def test_on_a_gpu_its_own_time_decides() -> None:
    # The batch takes 400 µs + 400 µs a row, of which the GPU is at work for 1000 µs + 10 µs a row.
    parameters = BatchingParameters(4, 0, num_batch_threads=1)
    analysis = analyzed(one_thread(exactly(400, 400), 100_000), parameters)
    cost = replace(make_cost(analysis.queues[0].model), fixed_ns=1_000_000.0, per_row_ns=10_000.0)
    larger = larger_size(replace(analysis, device_costs=(cost,)))
    assert larger is not None
    assert larger.setting.to == 32


def test_no_advice_where_rows_cost_the_same_in_any_batch() -> None:
    assert advised(exactly(0, 400), wait=100_000) is None


def test_no_advice_where_batches_are_not_full() -> None:
    assert advised(exactly(400, 100), wait=100_000, most=64) is None


def test_a_queue_that_splits_has_its_own_parameter() -> None:
    larger = advised(exactly(400, 400), wait=100_000, splits=True)
    assert larger is not None
    assert larger.setting.name == "max_execution_batch_size"
    assert "max_execution_batch_size 4 → 16, and max_batch_size at least as large" in (
        larger.remedy.action
    )


def test_the_rows_of_a_burst_count_and_not_the_time_between_bursts() -> None:
    # Eight requests at once, served one after the other, then nothing for a hundred times as long.
    text = "line b/1\n"
    for i in range(8):
        text += f"""
          ProcessBatch {i * 1000 + 20}..{i * 1000 + 990}us _c={QUEUE_A + 1 + i} \
batch_size_before_padding=1
            SessionRun {i * 1000 + 30}..{i * 1000 + 980}us id={i} _p={1000 + i}
        """
    for i in range(8):
        text += f"""
        line grpc-{i}
          BatchingSessionRun 0..{i * 1000 + 1000}us
            ScheduleOutputTask 1..2us size=1 _p={QUEUE_A + 1 + i}
        """
    analysis = analyzed(f"{text}\nline end\n  Something 0..800000us\n")
    # (1 + 2 + … + 8) ms of requests in the 8 ms in which any is open.
    assert open_rows(analysis, 0) == pytest.approx(36 / 8)


def overloaded(rows: int) -> Analysis:
    """One thread, always busy with full batches, that all take the same time; some are refused."""
    requests, batches, steps = "", "line b/1\n", "line tf_Compute/1\n"
    for i in range(60):
        at = 1000 + i * 10_000
        requests += f"""
          line g-{i % 3}
            BatchingSessionRun {at - 900}..{at + 9990}us
              ScheduleWithoutSplit {at - 890}..{at - 880}us batching_input_task_size={rows}
                ScheduleOutputTask {at - 889}..{at - 885}us size={rows} _p={QUEUE_A + 1 + i}
          line gx
            BatchingSessionRun {at + 10}..{at + 30}us
              ScheduleWithoutSplit {at + 12}..{at + 14}us batching_input_task_size={rows}
        """
        batches += f"""
          ProcessBatch {at}..{at + 9980}us _c={QUEUE_A + 1 + i} batch_size_before_padding={rows}
            SessionRun {at + 5}..{at + 9960}us id={i} _p={1000 + i}
        """
        steps += f"\n  ExecutorState::Process {at + 6}..{at + 9955}us id={i} _c={1000 + i}\n"
    return analyzed(
        requests + batches + steps,
        BatchingParameters(
            max_batch_size=rows,
            batch_timeout_micros=0,
            num_batch_threads=1,
            max_enqueued_batches=1,
        ),
    )


def test_refusals_allow_one_doubling_where_the_time_of_larger_batches_is_not_known() -> None:
    larger = larger_size(overloaded(4))
    assert larger is not None
    assert (larger.setting.now, larger.setting.to) == (4, 8)
    assert larger.remedy.action.endswith(
        "Requests were refused while the batch threads were busy, so more rows than the 4 of the "
        "recorded requests would be in the server. How long larger batches take is not known (1 "
        "batch size seen, 2 needed): capture again and compare."
    )
    first = larger.remedy.action.partition("(1 batch")[0].partition("with it.")[2]
    assert not unfounded_numbers(first, larger.evidence)


def test_rows_are_counted_and_not_rounded() -> None:
    estimated = setting_of("max_batch_size", [Parameter(128, Origin.ESTIMATED)])
    assert estimated.now == 128
    timeout = setting_of("t", [Parameter(5_012_000, Origin.ESTIMATED)], divisor=1000)
    assert timeout.now == 5000
