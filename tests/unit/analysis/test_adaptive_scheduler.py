"""Queues of BatchFunction's adaptive scheduler: no rule of the shared scheduler holds for them."""

from __future__ import annotations

import re

from diag.findings import find
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from tests.unit.analysis.traces import ASYNC_START, analyzed, stages_us

FILE = BatchingParameters(max_batch_size=8, batch_timeout_micros=5000, num_batch_threads=4)


def batches(count: int) -> str:
    """Batches of 1 to 3 requests of one row, taken 190 us after the first enqueue."""
    requests, threads = "", "line batch_threads_/1\n"
    for i in range(count):
        at, members = 3000 * i, range(1 + i % 3)
        for j in members:
            step = 10 * i + j
            requests += f"""
            line grpc-{j}
              SessionRun {at}..{at + 2500}us id={step} _p={step + 5000}
                ExecutorState::Process {at + 1}..{at + 60}us id={step} _c={step + 5000}
                  {ASYNC_START} {at + 5}..{at + 50}us step_id={step} _p={step + 90000} kernel_type=BatchFunction
                    ASBSQueue::Schedule {at + 10 + j}..{at + 15 + j}us batching_input_task_size=1 _p={i + 7} _pt=6
            """  # noqa: E501
        threads += (
            f"ProcessBatch {at + 200}..{at + 2300}us _c={i + 7} _ct=6 "
            f"batch_size_before_padding={len(members)}\n"
        )
        for j in members:
            done, op = at + 2200 + 20 * j, 10 * i + j + 90000
            threads += f" ExecutorState::ProcessAsync::Done {done}..{done + 10}us _c={op}\n"
    return requests + threads


def test_nothing_is_estimated_and_nothing_contradicts_a_file() -> None:
    analysis = analyzed(batches(80), FILE)
    (summary,) = analysis.queues
    assert summary.queue.key == "adaptive"
    assert summary.queue.contradictions == ()
    for value in (
        summary.queue.batch_timeout_ns,
        summary.queue.max_batch_size,
        summary.queue.num_batch_threads,
    ):
        assert isinstance(value, Unavailable)
        assert value.reason.startswith("the adaptive scheduler takes a batch when a thread is free")
    waits = {name for name in stages_us(analysis) if name.startswith("queue-")}
    assert waits == {"queue-dispatch", "queue-executor"}  # a batch does not wait to fill
    codes = {caveat.code for caveat in analysis.caveats}
    assert not codes & {"contradicted-parameters", "estimated-parameters"}


def test_no_setting_of_the_shared_scheduler_is_advised() -> None:
    late = re.sub(
        r"ProcessBatch (\d+)\.\.", lambda at: f"ProcessBatch {int(at[1]) + 1700}..", batches(120)
    )
    analysis = analyzed(late, FILE)
    assert stages_us(analysis)["queue-dispatch"] == 1890
    assert not [each.id for each in find(analysis) if each.id.startswith("batch-")]
