"""Servers on which requests fail, written as traces with answers by status."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from diag.analysis import analyze
from diag.analysis.samples.metrics import ModelMetrics
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from tests.unit.analysis.traces import QUEUE_A, capture_of
from tests.unit.findings.servers import IDLE_END, sessions

if TYPE_CHECKING:
    from diag.analysis import Analysis

UNKNOWN = Unavailable("not recorded")
FILE = BatchingParameters(max_batch_size=8, batch_timeout_micros=0, max_enqueued_batches=2)


def ran(count: int) -> str:
    """Requests that ran, with the call of the scheduler around each enqueue."""
    return re.sub(
        r"( *)ScheduleOutputTask (\d+)\.\.(\d+)us",
        lambda m: (
            f"{m[1]}ScheduleWithoutSplit {int(m[2]) - 1}..{int(m[3]) + 1}us "
            f"batching_input_task_size=1\n{m[1]}  {m[0].strip()}"
        ),
        sessions(count),
    )


def refused(count: int, rows: int = 1, at_us: int = 500_000) -> str:
    """Requests that the scheduler refused."""
    return "line refused\n" + "".join(
        f"""
          BatchingSessionRun {at_us + 20 * i}..{at_us + 20 * i + 10}us
            ScheduleWithoutSplit {at_us + 20 * i + 2}..{at_us + 20 * i + 4}us \
batching_input_task_size={rows}
        """
        for i in range(count)
    )


def unscheduled(count: int) -> str:
    """Requests that ended before the scheduler was called."""
    return "line early\n" + "".join(
        f"  BatchingSessionRun {600_000 + 20 * i}..{600_000 + 20 * i + 10}us\n"
        for i in range(count)
    )


def given_up(count: int, merge: str = "MergeInputTensors {}..{}us") -> str:
    """Requests of one row each whose batch did not run, with or without a merge."""
    requests, batches = "line waiting\n", "line b/2\n"
    for i in range(count):
        at, batch = 700_000 + 1000 * i, QUEUE_A + 5001 + i
        requests += f"""
          BatchingSessionRun {at}..{at + 500}us
            ScheduleWithoutSplit {at + 1}..{at + 4}us batching_input_task_size=1
              ScheduleOutputTask {at + 2}..{at + 3}us size=1 _p={batch}
        """
        inside = f"  {merge.format(at + 410, at + 415)}\n" if merge else ""
        batches += f"\n  ProcessBatch {at + 400}..{at + 450}us _c={batch} "
        batches += f"batch_size_before_padding=1\n  {inside}"
    return requests + batches


def server(
    failures: str,
    answers: dict[str, int] | None = None,
    file: BatchingParameters | None = FILE,
    *,
    good: int = 40,
) -> Analysis:
    """A server with ``good`` requests that ran, and these failures."""
    text = (ran(good) if good else "line b/1\n") + failures + IDLE_END.format(2_000_000)
    capture = replace(capture_of(text), tracer_level=2)
    if file is not None:
        capture = capture.with_batching_parameters(file)
    analysis = analyze(capture)
    if answers is None:
        return analysis
    return replace(analysis, metrics=(ModelMetrics("m", answers, UNKNOWN, UNKNOWN, UNKNOWN),))
