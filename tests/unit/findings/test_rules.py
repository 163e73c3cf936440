"""One trace for each rule: what it finds first, and that every number in it has evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from diag.analysis import analyze
from diag.findings import conclude, find
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.finding import RemedyKind, Severity, Tier
from diag.model.gaps import Confidence
from diag.model.samples import MetricsPair
from tests.conftest import sample_path
from tests.unit.analysis.traces import ASYNC_START, QUEUE_A, analyzed, capture_of
from tests.unit.findings.servers import (
    AT_ONCE,
    IDLE_END,
    TOLD,
    second_model,
    sessions,
    unfounded_numbers,
)

if TYPE_CHECKING:
    from diag.model.finding import Check, Finding


@dataclass
class Case:
    id: str
    cause: str
    text: str
    what: str
    action: str = ""
    parameters: BatchingParameters | None = None


CASES = [
    Case(
        "batch-timeout-dominates",
        "queue-fill",
        sessions(taken=2100, run=(2110, 2400), end=2500),
        "Requests spend 80% of their time waiting for a batch to fill or time out.",
        "Lower batch_timeout_micros 2000 → 0: a batch then starts as soon as a batch thread",
        TOLD,
    ),
    Case(
        "batch-threads-saturated",
        "queue-thread",
        f"""
        line grpc-1
          BatchingSessionRun 0..1000us
            ScheduleOutputTask 0..1us size=1 _p={QUEUE_A + 1}
        line grpc-2
          BatchingSessionRun 5..1200us
            ScheduleOutputTask 6..7us size=1 _p={QUEUE_A + 2}
        line grpc-3
          BatchingSessionRun 5..1200us
            ScheduleOutputTask 8..9us size=1 _p={QUEUE_A + 2}
        line b/1
          ProcessBatch 10..1000us batch_size_before_padding=1 _c={QUEUE_A + 1}
            SessionRun 12..990us id=1 _p=1
          ProcessBatch 1010..1190us batch_size_before_padding=2 _c={QUEUE_A + 2}
            SessionRun 1015..1180us id=2 _p=2
        line tf_Compute/1
          ExecutorState::Process 12..990us id=1 _c=1
          ExecutorState::Process 1015..1180us id=2 _c=2
        """,
        "in full or timed-out batches, waiting because all batch threads were busy",
        "num_batch_threads 1 → 2",
        AT_ONCE,
    ),
    Case(
        "batch-dispatch-slow",
        "queue-dispatch",
        sessions(taken=700, run=(705, 900)),
        "waiting to be started although a batch thread was free",
        "Give the server more CPU",
        AT_ONCE,
    ),
    Case(
        "batch-dispatch-slow",
        "queue-dispatch",
        sessions(taken=700, run=(705, 900)),
        "waiting to be started although a batch thread was free",
        "Let requests wake a batch thread: batch_timeout_micros 100 → 0. With a timeout,",
        BatchingParameters(max_batch_size=8, batch_timeout_micros=100, num_batch_threads=1),
    ),
    Case(
        "executor-pool-saturated",
        "queue-executor",
        sessions(burst=(700, 880)),
        "waiting for a TensorFlow inter-op thread",
        "--tensorflow_inter_op_parallelism to 2 (threads seen: 1), if CPU cores are free.",
        AT_ONCE,
    ),
    Case(
        "batch-assembly-slow",
        "schedule",
        sessions(enqueue=600, taken=605, run=(610, 900)),
        "entering the batching queue",
        "Send smaller inputs",
        AT_ONCE,
    ),
    Case(
        "batch-assembly-slow",
        "batch-formation",
        sessions(run=(600, 900)),
        "joining and padding the inputs of their batch",
        "Send smaller inputs",
        AT_ONCE,
    ),
    Case(
        "sync-bound",
        "batch-split",
        sessions(run=(30, 300)),
        "waiting for their results after the batch",
        "output_filter",
        AT_ONCE,
    ),
    Case(
        "preprocessing-in-graph",
        "preprocess",
        sessions(ops="d:DecodeJpeg {1}..{7}us\nr:ResizeBilinear {7}..{8}us\n"),
        "preprocessing ops inside the graph (`DecodeJpeg` and `ResizeBilinear`)",
        "Move preprocessing out of the serving graph",
        AT_ONCE,
    ),
    Case(
        "batch-timeout-dominates",
        "queue-fill",
        sessions(taken=2100, run=(2110, 2400), end=2500)
        + second_model(sessions(taken=600, run=(610, 900))),
        "; queue aaaa0000 spends 2.00 ms of 2.50 ms so.",
        "Lower batch_timeout_micros",
        TOLD,
    ),
    Case(
        "sync-bound",
        "postprocess",
        sessions(ops="m:MatMul {1}..{2}us\nt:LookupTableFindV2 {2}..{8}us\n"),
        "host work after the model",
        "output_filter",
        AT_ONCE,
    ),
    Case(
        "padding-waste",
        "padding",
        sessions(padded=8),
        "88% of the executed rows are padding.",
        "allowed_batch_sizes: 1/2/4/8 (batches hold 1.0 rows",
        AT_ONCE,
    ),
    Case(
        "device-saturated",
        "saturated",
        sessions(4, enqueue=2, taken=110, end=990, run=(112, 980)),
        "of the time: at capacity.",
        "Add a replica",
        AT_ONCE,
    ),
    Case(
        "no-demand",
        "no-demand",
        sessions() + IDLE_END.format(9000),
        "idle for lack of demand, not starved of input",
        "None needed: this replica has spare capacity.",
        AT_ONCE,
    ),
    Case(
        "time-unexplained",
        "unexplained",
        "line grpc\n  SessionRun 0..1000us id=1 _p=1\n",
        "100% of request time has no explanation in the trace.",
        "Record again with --host-tracer-level 2",
    ),
    Case(
        "no-requests",
        "no-requests",
        "line idle\n  Something 0..2000000us\n",
        "No request reached the model in the 2.00 s recorded: there was no demand, or this is not "
        "a serving trace.",
        "--wait-for-traffic",
    ),
    Case(
        "no-batch-dimension",
        "no-batch-dimension",
        "line t\n  BatchingSessionRun 0..1ms _pt=1 _p=7\n  BatchingSessionRun 2..3ms _pt=1 _p=8\n"
        "line u\n  ScheduleWithoutSplit 4..5ms\nline end\n  X 0..1000000us\n",
        "Every request failed: with batching, all inputs of a request need the same first",
        "serve it without batching",
    ),
    Case(
        "no-requests",
        "no-requests",
        "line t\n  ScheduleOutputTask 0..1us size=1 _p=7\nline end\n  X 0..1000000us\n",
        "although parts of 1 request and 1 batch were seen",
        "for longer (--duration)",
    ),
    Case(
        "requests-not-recorded",
        "not-recorded",
        "line t\n  ThreadpoolListener::Record 0..1us _pt=15 _p=7\n",
        "No verdict: ",
        "--host-tracer-level 2",
    ),
]
ids = [f"{case.id}-{case.cause}-{i}" for i, case in enumerate(CASES)]


NO_ANSWERS = MetricsPair((), (), frozenset({":tensorflow:serving:request_count"}))


def first(text: str, parameters: BatchingParameters | None = None) -> Finding:
    return find(analyzed(text, parameters))[0]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_the_first_finding(case: Case) -> None:
    finding = first(case.text, case.parameters)
    assert (finding.id, finding.cause) == (case.id, case.cause), finding.what
    assert case.what in finding.what
    assert case.action in finding.remedies[0].action


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_every_number_in_a_verdict_and_in_each_finding_has_evidence(case: Case) -> None:
    analysis = analyzed(case.text, case.parameters)
    findings = find(analysis)
    verdict = conclude(analysis, findings)
    assert not unfounded_numbers(verdict.sentence, verdict.evidence)
    for finding in findings:
        assert not unfounded_numbers(finding.what, finding.evidence)
        assert finding.evidence, finding.id
        assert finding.counter_evidence, finding.id
        assert finding.confidence_reason.endswith("."), finding.id
        assert all(item.value != "" for item in finding.evidence)


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_a_remedy_can_be_undone_and_checked(case: Case) -> None:
    for finding in find(analyzed(case.text, case.parameters)):
        is_capture = finding.remedies[0].kind is RemedyKind.CAPTURE
        changes_server = finding.severity is not Severity.INFO and not is_capture
        assert bool(finding.rollback) == changes_server, finding.id
        if finding.remedies and finding.severity is not Severity.INFO:
            assert finding.verify, finding.id
        for check in finding.verify:
            assert check.low is not None or check.high is not None, check.metric
        if finding.verify:
            assert not all(holds(check) for check in finding.verify), finding.id


def holds(check: Check) -> bool:
    """Whether the metric is in its range today: then the check would prove nothing."""
    if isinstance(check.now, Unavailable):
        return False
    above = check.low is None or check.now >= check.low
    return above and (check.high is None or check.now <= check.high)


def test_a_healthy_server_has_no_finding() -> None:
    analysis = analyzed(sessions(4, period=1300), AT_ONCE)
    assert find(analysis) == ()
    verdict = conclude(analysis, ())
    assert (verdict.id, verdict.cause) == ("healthy", "healthy")
    # 850 of 960 µs; of the rest no stage has as much as a tenth.
    assert verdict.what == "No stage holds requests up: 91% of their time is in the model."
    assert not unfounded_numbers(verdict.sentence, verdict.evidence)


def test_a_second_problem_is_found_too() -> None:
    text = sessions(taken=2100, run=(2110, 2400), end=2500, padded=8)
    assert [f.id for f in find(analyzed(text, TOLD))] == [
        "batch-timeout-dominates",
        "padding-waste",
    ]


def test_preprocessing_before_the_batcher_is_not_helped_by_batch_threads() -> None:
    finding = first(
        f"""
        line grpc
          SessionRun 0..3000us id=1 _p=1
        line tf_Compute/1
          ExecutorState::Process 10..2000us id=1 _c=1
            d:DecodeJpeg 20..1900us
            {ASYNC_START} 1950..1990us step_id=1 _p=7 kernel_type=BatchFunction
              ScheduleOutputTask 1960..1961us size=1 _p={QUEUE_A + 1}
          ExecutorState::ProcessAsync::Done 2900..2950us _c=7
        line b/1
          ProcessBatch 2000..2980us batch_size_before_padding=1 _c={QUEUE_A + 1}
        """,
        AT_ONCE,
    )
    assert finding.id == "preprocessing-in-graph"
    assert finding.remedies[1].kind is RemedyKind.FLAG
    assert "--tensorflow_inter_op_parallelism" in finding.remedies[1].action


def test_a_starved_gpu_names_the_worst_cause_of_its_idle_time() -> None:
    analysis = analyzed("""
    plane /host:CPU
    line grpc
      SessionRun 0..1000us id=1 _p=1
    line tf_Compute/1
      ExecutorState::Process 0..990us id=1 _c=1
        d:DecodeJpeg 0..280us
        k 285..286us correlation_id=1
    plane /device:GPU:0
    line Stream #1(Compute)
      k 290..990us correlation_id=1
    """)
    findings = find(analysis)
    verdict = conclude(analysis, findings)
    assert findings[0].id == "preprocessing-in-graph"
    assert findings[0].tier is Tier.DEVICE_TIME
    assert verdict.what == (
        "/device:GPU:0 waits while the CPU runs preprocessing ops (`DecodeJpeg`)."
    )
    assert "/device:GPU:0 was idle 30% of the window: 29% while preprocessing" in verdict.device
    assert not unfounded_numbers(verdict.sentence, verdict.evidence)
    # Nothing is batched here.
    assert all("num_batch_threads" not in remedy.action for remedy in findings[0].remedies)


def test_no_demand_is_never_called_starvation() -> None:
    analysis = analyzed(sessions() + IDLE_END.format(9000), AT_ONCE)
    findings = find(analysis)
    assert [finding.id for finding in findings] == ["no-demand"]
    starved = next(e for e in findings[0].evidence if e.name == "idle, starved of input")
    assert isinstance(starved.value, float)
    assert starved.value < 0.02


@pytest.mark.parametrize(
    ("count", "confidence"),
    [(29, Confidence.LOW), (30, Confidence.MEDIUM), (100, Confidence.HIGH)],
)
def test_confidence_grows_with_the_requests(count: int, confidence: Confidence) -> None:
    capture = replace(capture_of(sessions(count, period=1300)), metrics=NO_ANSWERS)
    analysis = analyze(capture.with_batching_parameters(AT_ONCE))
    verdict = conclude(analysis, find(analysis))
    assert verdict.confidence is confidence
    assert str(count) in verdict.confidence_reason


def test_a_trace_alone_is_one_source() -> None:
    analysis = analyzed(sessions(100, period=1300), AT_ONCE)
    verdict = conclude(analysis, find(analysis))
    assert (verdict.cause, verdict.confidence) == ("healthy", Confidence.MEDIUM)
    assert verdict.confidence_reason.startswith("One source, the trace")


def test_a_file_is_only_a_hint_for_a_batcher_in_the_graph() -> None:
    capture = open_bundle(sample_path("in-graph-batching"))
    file = BatchingParameters(max_batch_size=16, batch_timeout_micros=5000, num_batch_threads=2)
    finding = find(analyze(capture.with_batching_parameters(file)))[0]
    assert (finding.id, finding.confidence) == ("batch-timeout-dominates", Confidence.MEDIUM)
    assert finding.confidence_reason == (
        "BatchFunction does not read the batching parameters file: its values are a hint."
    )


def test_preprocessing_known_by_op_type_alone_is_never_sure() -> None:
    text = sessions(100, ops="d:DecodeJpeg {1}..{7}us\nm:MatMul {7}..{8}us\n", period=1300)
    capture = replace(capture_of(text), metrics=NO_ANSWERS)
    (finding, *_) = find(analyze(capture.with_batching_parameters(AT_ONCE)))
    assert (finding.cause, finding.confidence) == ("preprocess", Confidence.MEDIUM)
    assert "recognised by op type" in finding.confidence_reason


def test_estimated_parameters_lower_the_confidence_in_a_split_of_queueing() -> None:
    text = sessions(100, taken=2100, run=(2110, 2400), end=2500, period=2600)
    assert first(text, TOLD).confidence is Confidence.HIGH
    estimated = first(text)
    assert (estimated.cause, estimated.confidence) == ("queue-fill", Confidence.MEDIUM)
    assert "about 2100 → " in estimated.remedies[0].action
    assert estimated.rollback == "Set batch_timeout_micros back to about 2100."
