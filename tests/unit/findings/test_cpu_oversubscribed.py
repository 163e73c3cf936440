"""Runs on the CPU that take longer by as much as there are more of them at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.analysis import Analysis, analyze
from diag.findings import conclude, find
from diag.findings.ranking import not_looked_for
from diag.model.capture import BatchingParameters
from diag.model.finding import Finding, Gain
from diag.model.samples import SampleSeries
from tests.unit.analysis.traces import QUEUE_A, capture_of
from tests.unit.findings.servers import unfounded_numbers

FOUR = BatchingParameters(max_batch_size=8, batch_timeout_micros=0, num_batch_threads=4)


def crowds(alone_us: int, together_us: int, *, callers: int = 4, count: int = 12) -> str:
    """``count`` batches alone, then as many times one on each of ``callers`` threads at once."""
    return in_turn([(1, alone_us)] * count + [(callers, together_us)] * count)


def in_turn(crowds: list[tuple[int, int]]) -> str:
    """One crowd after the other: how many batches at once, each on a thread, and their time."""
    lanes: list[list[tuple[int, int]]] = [[] for _ in range(max(callers for callers, _ in crowds))]
    at = 0
    for callers, time_us in crowds:
        for lane in lanes[:callers]:
            lane.append((at, at + time_us))
        at += time_us + 10
    text, number = "", 0
    for i, lane in enumerate(lanes):
        calls, batches, bursts = (f"line {name}/{i}\n" for name in ("grpc", "b", "tf_Compute"))
        for start, end in lane:
            number += 1
            link = QUEUE_A + number
            calls += f"  BatchingSessionRun {start}..{end}us\n"
            calls += f"    ScheduleOutputTask {start}..{start + 1}us size=1 _p={link}\n"
            batches += (
                f"  ProcessBatch {start + 2}..{end - 2}us _c={link} batch_size_before_padding=1\n"
                f"    SessionRun {start + 3}..{end - 3}us id={number} _p={number}\n"
            )
            bursts += f"  ExecutorState::Process {start + 3}..{end - 3}us id={number} _c={number}\n"
        text += calls + batches + bursts
    return text


def server(
    text: str,
    *,
    machine: float = 99.0,
    own: float | None = 390.0,
    runnable: float | None = None,
) -> Analysis:
    sample: dict[str, object] = {"unix_ns": 0, "cpu_percent": [machine] * 4}
    if own is not None:
        sample["server_cpu_percent"] = own
    if runnable is not None:
        sample["runnable_threads"] = runnable
    units = {
        "cpu_percent": "%",
        "server_cpu_percent": "% of one core",
        "runnable_threads": "threads",
    }
    series = SampleSeries("host", 50_000_000, units, (sample,))
    capture = capture_of(text).with_batching_parameters(FOUR)
    return analyze(replace(capture, host_samples=series))


def oversubscribed(analysis: Analysis) -> Finding | None:
    findings = find(analysis)
    verdict = conclude(analysis, findings)
    assert not unfounded_numbers(verdict.sentence, verdict.evidence)
    return next((each for each in findings if each.id == "cpu-oversubscribed"), None)


def test_four_at_once_take_four_times_as_long() -> None:
    found = oversubscribed(server(crowds(12_000, 40_000), runnable=17.0))
    assert found is not None
    assert found.what == (
        "A run takes 12.0 ms with 1.0 at once and 40.0 ms with 4.0: on 4 cores that are 99% busy, "
        "more at once only wait for each other."
    )
    assert found.remedies[0].action.startswith("Run fewer batches at once: lower num_batch_threads")
    assert "--tensorflow_intra_op_parallelism" in found.remedies[1].action
    assert found.counter_evidence[0].found is False
    # Four fifths of the batches run with three others: one by one they take 30 ms on average.
    assert isinstance(found.gain, Gain)
    assert found.gain.now - found.gain.low == pytest.approx(0.8 * (40e6 - 2.5 * 12e6), rel=1e-2)
    assert found.gain.high == found.gain.now


def test_all_runs_with_many_others_count_however_many_these_are() -> None:
    some, most = [(4, 40_000)] * 20, [(5, 50_000)] * 2
    found = oversubscribed(server(in_turn([(1, 12_000)] * 12 + some + most)))
    assert found is not None
    assert "and 41.1 ms with 4.1" in found.what
    assert isinstance(found.gain, Gain)
    # 90 of 102 batches.
    saved = 90 / 102 * (41.1e6 - (4.11 + 1) / 2 * 12e6)
    assert found.gain.now - found.gain.low == pytest.approx(saved, rel=1e-2)


@pytest.mark.parametrize(
    "analysis",
    [
        server(crowds(12_000, 38_000)),  # 0.79 of four times as long
        server(crowds(12_000, 12_000)),
        server(crowds(12_000, 40_000, count=9)),
        server(crowds(12_000, 40_000), machine=85.0, own=330.0),
        server(crowds(12_000, 40_000), own=250.0),  # other processes have the cores
    ],
    ids=["worth it", "cores for all", "few runs", "free cores", "others"],
)
def test_where_more_at_once_serve_more_or_others_are_the_reason_it_is_none(
    analysis: Analysis,
) -> None:
    assert oversubscribed(analysis) is None


def test_without_cpu_samples_of_the_server_it_says_so() -> None:
    analysis = analyze(capture_of(crowds(12_000, 40_000)))
    assert oversubscribed(analysis) is None
    reason = dict(not_looked_for(analysis))["cpu-oversubscribed"]
    assert reason == "the server's machine was not sampled"
