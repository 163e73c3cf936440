"""Rules about batch sizes, queues and bursts: each fires, and does not just below."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diag.findings import conclude, find, leading
from diag.findings.open_requests import arrival_dispersion
from diag.findings.ranking import not_looked_for
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.finding import Finding, Gain, Severity, Tier
from tests.unit.analysis.traces import ASYNC_START, QUEUE_A, QUEUE_B, analyzed
from tests.unit.findings.servers import AT_ONCE, TOLD, one_thread, sessions, unfounded_numbers

FULL = BatchingParameters(max_batch_size=8, batch_timeout_micros=0, num_batch_threads=1)


def found(rule: str, text: str, parameters: BatchingParameters | None = AT_ONCE) -> Finding | None:
    findings = find(analyzed(text, parameters))
    return next((each for each in findings if each.id == rule), None)


def twice(count: int = 40, *, outer: int = 500, inner: int = 485, calls: int = 1) -> str:
    """Requests that wait for a batch of the server, and in its run for one of the graph, in µs.

    As many outer batches run at once, on a thread each, as an inner batch has calls.
    """
    period = 1400 + outer + inner
    lines = {f"grpc/{k}": "" for k in range(calls)} | {f"batch/{k}": "" for k in range(calls)}
    lines |= {"batch_threads_": "", **{f"tf_Compute/{k}": "" for k in range(calls)}, "tf_Done": ""}
    for i in range(count):
        at = i * period
        run = at + outer + 5
        call = run + 10
        begin = call + inner
        end = begin + 800
        for k in range(calls):
            n = i * calls + k
            lines[f"grpc/{k}"] += (
                f"  BatchingSessionRun {at}..{end + 100}us\n"
                f"    ScheduleOutputTask {at + 1}..{at + 2}us size=1 _p={QUEUE_A + 1 + n}\n"
            )
            rows = f"_c={QUEUE_A + 1 + n} batch_size_before_padding=1"
            lines[f"batch/{k}"] += (
                f"  ProcessBatch {run - 5}..{end + 90}us {rows}\n"
                f"    SessionRun {run}..{end + 80}us id={n} _p={1000 + n}\n"
            )
            of_op = f"step_id={n} _p={7000 + n} kernel_type=BatchFunction name=batch"
            lines[f"tf_Compute/{k}"] += (
                f"  ExecutorState::Process {run + 1}..{run + 35}us id={n} _c={1000 + n}\n"
                f"    {ASYNC_START} {run + 7}..{run + 20}us {of_op}\n"
                f"      ScheduleOutputTask {call}..{call + 1}us size=1 _p={QUEUE_B + 1 + i}\n"
            )
        rows = f"_c={QUEUE_B + 1 + i} batch_size_before_padding={calls}"
        lines["batch_threads_"] += (
            f"  ProcessBatch {begin}..{end}us {rows}\n"
            f"    FunctionRun {begin + 5}..{begin + 10}us id={5000 + i} _p={9000 + i}\n"
        )
        burst = f"{begin + 12}..{begin + 750}us id={5000 + i} _c={9000 + i}"
        lines["tf_Done"] += (
            f"  ExecutorState::Process {burst}\n"
            f"  ExecutorDoneCallback {begin + 760}..{end - 10}us _c={9000 + i}\n"
        )
        for k in range(calls):
            done = f"{begin + 762 + 8 * k}..{begin + 769 + 8 * k}us step_id={i * calls + k}"
            lines["tf_Done"] += (
                f"    ExecutorState::ProcessAsync::Done {done} _c={7000 + i * calls + k}\n"
            )
    return "".join(f"line {name}\n{events}" for name, events in lines.items())


def test_a_queue_of_the_graph_after_that_of_the_server() -> None:
    findings = find(analyzed(twice()))
    assert [each.id for each in findings][:1] == ["double-batching"]
    assert "batch-timeout-dominates" not in [each.id for each in findings]
    first = findings[0]
    assert "BatchFunction in the graph: after the first queue they wait 485 µs (26%" in first.what
    assert not unfounded_numbers(first.what, first.evidence)
    assert first.tier is Tier.REQUEST_TIME
    # 505 µs from enqueue to run in the first queue, 485 in the second.
    assert isinstance(first.gain, Gain)
    assert first.gain.high - first.gain.low == pytest.approx(20_000, abs=10_000)
    assert first.gain.now - first.gain.high == pytest.approx(485_000, abs=10_000)


def test_the_gain_is_unknown_where_the_inner_queue_joins_batches() -> None:
    finding = found("double-batching", twice(calls=2), None)
    assert finding is not None
    assert finding.gain == Unavailable(
        "inner batches join several outer ones: with one queue, runs would have other sizes"
    )


def test_an_inner_queue_that_hardly_waits_is_no_finding() -> None:
    assert found("double-batching", twice(inner=150), None) is None
    assert found("double-batching", sessions(40)) is None


def signatures(*, apart: int = 0, label: str = "model_id=heavy:1", count: int = 40) -> str:
    """Two queues whose single requests wait 300 µs each; the second begins ``apart`` µs later."""
    text = ""
    for k, queue in enumerate((QUEUE_A, QUEUE_B)):
        requests, batches = f"line grpc-{k}\n", f"line batch/{k}\n"
        steps = f"line tf_Compute/{k}\n"
        for i in range(count):
            at, number = i * 1000 + k * apart, 1 + i + k * 1000
            requests += f"  BatchingSessionRun {at}..{at + 900}us\n"
            requests += f"    ScheduleOutputTask {at + 1}..{at + 2}us size=1 _p={queue + 1 + i}\n"
            rows = f"_c={queue + 1 + i} batch_size_before_padding=1"
            batches += f"  ProcessBatch {at + 300}..{at + 895}us {rows}\n"
            batches += f"    SessionRun {at + 302}..{at + 890}us id={number} _p={number} {label}\n"
            burst = f"{at + 303}..{at + 888}us id={number} _c={number}"
            steps += f"  ExecutorState::Process {burst}\n"
        text += requests + batches + steps
    return text


def test_queues_of_one_model_version_that_wait_at_the_same_time() -> None:
    finding = found("signature-fragmentation", signatures(), None)
    assert finding is not None
    assert finding.what == (
        "Requests of heavy:1 wait in 2 queues, one for each signature: 100% of its batches waited "
        "at the same time as one of another queue, and they hold 1.0 rows on average."
    )
    assert not unfounded_numbers(finding.what.replace("heavy:1", ""), finding.evidence)


@pytest.mark.parametrize(
    "text",
    [
        signatures(apart=400),
        signatures(label="model_id=heavy"),
        signatures(label=""),
        signatures(count=29),
        sessions(40),
    ],
    ids=["in turn", "versions unknown", "models unknown", "few", "one queue"],
)
def test_queues_that_may_not_share_batches_are_no_finding(text: str) -> None:
    assert found("signature-fragmentation", text, None) is None


SIZES = [8, 8, 8, 8, 4, 8, 8, 8, 2, 8] * 4


def test_full_batches_that_wait_although_larger_ones_save_time() -> None:
    text = one_thread([(rows, 400 + 50 * rows) for rows in SIZES], wait=3000)
    findings = find(analyzed(text, FULL))
    assert [each.id for each in findings][:1] == ["batch-size-too-small"]
    assert "batch-threads-saturated" not in [each.id for each in findings]
    first = findings[0]
    assert not unfounded_numbers(first.what, first.evidence)
    setting = first.remedies[0].setting
    assert setting is not None
    assert (setting.name, setting.now) == ("max_batch_size", 8)


def test_where_larger_batches_save_nothing_or_are_not_known_to_threads_are_told() -> None:
    in_proportion = one_thread([(rows, 100 * rows) for rows in SIZES], wait=3000)
    one_size = one_thread([(8, 800)] * 40, wait=3000)
    for text in (in_proportion, one_size):
        findings = find(analyzed(text, FULL))
        assert "batch-size-too-small" not in [each.id for each in findings]
        assert "batch-threads-saturated" in [each.id for each in findings]
    lacking = dict(not_looked_for(analyzed(one_size, FULL)))
    assert lacking["batch-size-too-small"].endswith("1 batch size seen, 2 needed")


def apart(sizes: list[tuple[int, int]], pause: int, *, rows_each: int = 1) -> str:
    """Batches that start at once, ``pause`` µs after each other; each with as many requests."""
    most = max(rows for rows, _ in sizes)
    requests = [f"line grpc/{k}\n" for k in range(most)]
    batches, steps, at = "line b/1\n", "line tf_Compute/1\n", 0
    for i, (rows, time) in enumerate(sizes):
        for k in range(0, rows, rows_each):
            size = f"size={min(rows_each, rows - k)} _p={QUEUE_A + 1 + i}"
            requests[k] += f"  BatchingSessionRun {at}..{at + time + 10}us\n"
            requests[k] += f"    ScheduleOutputTask {at + 1}..{at + 2}us {size}\n"
        taken = f"_c={QUEUE_A + 1 + i} batch_size_before_padding={rows}"
        batches += f"  ProcessBatch {at + 3}..{at + 3 + time}us {taken}\n"
        batches += f"    SessionRun {at + 4}..{at + time + 2}us id={i} _p={1000 + i}\n"
        steps += f"  ExecutorState::Process {at + 5}..{at + time + 1}us id={i} _c={1000 + i}\n"
        at += time + pause
    return "".join(requests) + batches + steps


def test_batches_whose_time_is_in_proportion_to_their_rows() -> None:
    text = apart([(rows, 100 * rows) for rows in SIZES], 1000)
    finding = found("batch-size-too-large", text, FULL)
    assert finding is not None
    assert finding.what == (
        "Batches of 8 rows take 800 µs, and one of 2 200 µs: a row costs about the same, and each "
        "request waits for all rows of its batch."
    )
    assert not unfounded_numbers(finding.what, finding.evidence)
    setting = finding.remedies[0].setting
    assert setting is not None
    assert (setting.now, setting.to) == (8, 2)


def test_such_batches_need_not_be_full() -> None:
    sizes = [(rows, 100 * rows) for rows in [6, 6, 6, 2, 6, 1, 6, 3] * 5]
    finding = found("batch-size-too-large", apart(sizes, 1000), FULL)
    assert finding is not None
    assert finding.what.startswith("Batches of 6 rows take 600 µs, and one of 1 100 µs: ")
    setting = finding.remedies[0].setting
    assert setting is not None
    assert (setting.now, setting.to) == (8, 1)


@pytest.mark.parametrize(
    ("sizes", "pause"),
    [
        ([(rows, 400 + 50 * rows) for rows in SIZES], 1000),  # larger ones save time
        ([(8, 800)] * 40, 1000),  # one size: the time by rows is not known
        ([(rows, 100 * rows) for rows in [1, 1, 1, 1, 1, 1, 1, 4] * 5], 1000),  # few share one
    ],
    ids=["saves", "unknown", "few share"],
)
def test_sizes_that_may_save_time_are_not_too_large(
    sizes: list[tuple[int, int]], pause: int
) -> None:
    assert found("batch-size-too-large", apart(sizes, pause), FULL) is None


def test_failed_batches_and_those_of_unknown_size_are_no_large_batches() -> None:
    analysis = analyzed(apart([(rows, 100 * rows) for rows in SIZES], 1000), FULL)
    batches = analysis.batches
    large = batches.rows == 8
    unknown = replace(
        batches,
        rows=np.where(large, -1, batches.rows),
        padded_rows=np.where(large, -1, batches.padded_rows),
    )
    failed = replace(batches, is_failed=batches.is_failed | large)
    for changed in (unknown, failed):
        ids = [each.id for each in find(replace(analysis, batches=changed))]
        assert "batch-size-too-large" not in ids
    assert "batch-size-too-large" in [each.id for each in find(analysis)]


def test_batches_that_single_requests_fill_are_not_too_large() -> None:
    text = apart([(rows, 100 * rows) for rows in SIZES], 1000, rows_each=8)
    assert found("batch-size-too-large", text, FULL) is None


def bursts(size: int = 20, count: int = 5, *, every: int = 200_000, run: int = 1000) -> str:
    """``count`` bursts of ``size`` requests, each in a batch of its own on one thread."""
    text, batches, steps, number = "", "line batch/1\n", "line tf_Compute/1\n", 0
    for lane in range(size):
        text += f"line grpc-{lane}\n"
        for burst in range(count):
            at, key = burst * every, QUEUE_A + 1 + burst * size + lane
            text += f"  BatchingSessionRun {at + lane}..{at + (lane + 1) * run + 20}us\n"
            text += f"    ScheduleOutputTask {at + lane + 1}..{at + lane + 2}us size=1 _p={key}\n"
    for burst in range(count):
        for lane in range(size):
            number += 1
            at, key = burst * every + lane * run + 30, QUEUE_A + 1 + burst * size + lane
            end = at + run - 20
            batches += f"  ProcessBatch {at}..{end}us _c={key} batch_size_before_padding=1\n"
            batches += f"    SessionRun {at + 2}..{end - 2}us id={number} _p={9000 + number}\n"
            burst_of = f"{at + 3}..{end - 3}us id={number} _c={9000 + number}"
            steps += f"  ExecutorState::Process {burst_of}\n"
    return text + batches + steps + f"line end\n  Something 0..{count * every + 5000}us\n"


ONE_ROW = BatchingParameters(max_batch_size=1, batch_timeout_micros=0, num_batch_threads=1)


def test_bursts_are_told_after_the_waiting_that_they_cause() -> None:
    findings = find(analyzed(bursts(), ONE_ROW))
    assert findings[0].id == "batch-threads-saturated"
    finding = next(each for each in findings if each.id == "bursty-arrivals")
    assert finding.tier is Tier.CAPACITY
    assert finding.what.startswith("Requests come in bursts (index of dispersion 10;")
    assert not unfounded_numbers(finding.what, finding.evidence)


def test_small_bursts_and_even_arrivals_are_none() -> None:
    assert found("bursty-arrivals", bursts(8, 12), ONE_ROW) is None  # dispersion 4
    assert found("bursty-arrivals", bursts(20, 4), ONE_ROW) is None  # less than a second
    assert found("bursty-arrivals", bursts(20, 5, run=100), ONE_ROW) is not None
    assert found("bursty-arrivals", bursts(1, 5), ONE_ROW) is None


def test_the_index_of_dispersion_needs_a_window_of_some_intervals() -> None:
    assert isinstance(arrival_dispersion(analyzed(sessions(4))), Unavailable)


def test_a_file_without_any_batching_is_a_warning() -> None:
    text = "line grpc\n" + "".join(
        f"  SessionRun {i * 1000}..{i * 1000 + 990}us id={i} _p={i}\n" for i in range(40)
    )
    text += "line tf_Compute/1\n" + "".join(
        f"  ExecutorState::Process {i * 1000 + 1}..{i * 1000 + 980}us id={i} _c={i}\n"
        for i in range(40)
    )
    finding = found("configuration-not-in-force", text, TOLD)
    assert finding is not None
    assert finding.severity is Severity.WARNING
    assert finding.what == "Batching parameters are given, but the server batches no request."
    assert found("configuration-not-in-force", text, None) is None


def test_values_that_the_trace_contradicts_are_a_note_that_is_no_verdict() -> None:
    small = BatchingParameters(max_batch_size=2, batch_timeout_micros=0, num_batch_threads=1)
    analysis = analyzed(apart([(8, 990)] * 40, 3000), small)
    findings = find(analysis)
    assert [each.id for each in findings if each.tier is Tier.NOTE] == [
        "configuration-not-in-force"
    ]
    assert findings[-1].severity is Severity.INFO
    assert "the trace contradicts max_batch_size" in findings[-1].what
    only = findings[-1:]
    assert leading(only) is None
    assert conclude(analysis, only).id == "healthy"
    assert leading((replace(only[0], severity=Severity.WARNING),)) is not None
    assert found("configuration-not-in-force", apart([(8, 990)] * 40, 3000), FULL) is None


def test_rules_without_their_source_are_named() -> None:
    lacking = dict(not_looked_for(analyzed(sessions(4))))
    assert lacking["metrics-mislead"]
    assert lacking["configuration-not-in-force"]
    assert "double-batching" not in lacking
    unbatched = dict(not_looked_for(analyzed("line grpc\n  SessionRun 0..9us id=1 _p=1\n")))
    for rule in ("double-batching", "signature-fragmentation", "requests-split"):
        assert unbatched[rule] == "no batch was recorded"
