"""One trace for each verdict, and a sentence in which every number can be looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from diag.analysis import analyze
from diag.findings import decide
from diag.model.capture import BatchingParameters
from diag.model.gaps import IdleCause
from diag.model.samples import MetricsPair
from diag.model.serving import Stage
from tests.unit.analysis.traces import ASYNC_START, QUEUE_A, QUEUE_B, analyzed, capture_of

if TYPE_CHECKING:
    from diag.findings import Verdict

TOLD = BatchingParameters(max_batch_size=8, batch_timeout_micros=2000, num_batch_threads=1)
AT_ONCE = BatchingParameters(max_batch_size=8, batch_timeout_micros=0, num_batch_threads=1)
# A verdict may be a stage or a cause of idle time, or one of these.
OWN_CAUSES = {
    "healthy",
    "saturated",
    "padding",
    "other-process",
    "gpu-not-traced",
    "no-requests",
    "not-recorded",
}


def sessions(
    count: int = 1,
    *,
    enqueue: int = 10,
    taken: int = 20,
    run: tuple[int, int] = (30, 900),
    end: int = 960,
    period: int = 1000,
    padded: int = 1,
    burst: tuple[int, int] | None = None,
    ops: str = "",
) -> str:
    """``count`` requests one after the other, each in a batch of its own on one thread."""
    one_row = "batch_size_before_padding=1"
    requests, batches, steps = "line grpc\n", "line b/1\n", "line tf_Compute/1\n"
    for i in range(count):
        at = i * period
        requests += f"""
          BatchingSessionRun {at}..{at + end}us
            ScheduleOutputTask {at + enqueue}..{at + enqueue + 2}us size=1 _p={QUEUE_A + 1 + i}
        """
        batches += f"""
          ProcessBatch {at + taken}..{at + end - 5}us _c={QUEUE_A + 1 + i} {one_row}
            MergeInputTensors {at + taken}..{at + taken + 2}us batch_size_after_padding={padded}
            SessionRun {at + run[0]}..{at + run[1]}us id={i} _p={1000 + i}
        """
        first, last = burst or run
        steps += f"\n  ExecutorState::Process {at + first}..{at + last}us id={i} _c={1000 + i}\n"
        steps += ops.format(*(at + t for t in range(0, 1000, 100)))
    return requests + batches + steps


@dataclass
class Case:
    cause: str
    text: str
    says: str
    knob: str = ""
    parameters: BatchingParameters | None = None


def second_model(text: str) -> str:
    """The same requests, of another queue."""
    for old, new in ((f"_p={QUEUE_A + 1}", f"_p={QUEUE_B + 1}"), ("_p=1000", "_p=3000")):
        text = text.replace(old, new).replace(old.replace("_p", "_c"), new.replace("_p", "_c"))
    return text


IDLE_END = "\nline end\n  Something 0..{}us\n"
CASES = [
    Case(
        "queue-fill",
        sessions(taken=2100, run=(2110, 2400), end=2500),
        "waiting for a batch to fill or time out",
        "Lower batch_timeout_micros from 2000;",
        TOLD,
    ),
    Case(
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
        "ready, waiting for a free batch thread",
        "Raise num_batch_threads from 1 ",
        AT_ONCE,
    ),
    Case(
        "queue-dispatch", sessions(taken=700, run=(705, 900)), "scheduler to look", "1 ms", AT_ONCE
    ),
    Case(
        "queue-executor",
        sessions(burst=(700, 880)),
        "waiting for an inter-op thread",
        "--tensorflow_inter_op_parallelism",
        AT_ONCE,
    ),
    Case("schedule", sessions(enqueue=600, taken=605, run=(610, 900)), "getting into", "", AT_ONCE),
    Case(
        "batch-formation", sessions(run=(600, 900)), "having their batch put together", "", AT_ONCE
    ),
    Case("batch-split", sessions(run=(30, 300)), "outputs split off", "", AT_ONCE),
    Case(
        "preprocess",
        sessions(ops="d:DecodeJpeg {1}..{7}us\nr:ResizeBilinear {7}..{8}us\n"),
        "in preprocessing ops inside the graph (`DecodeJpeg` and `ResizeBilinear`)",
        "raise num_batch_threads from 1.",
        AT_ONCE,
    ),
    Case(
        "queue-fill",
        sessions(taken=2100, run=(2110, 2400), end=2500)
        + second_model(sessions(taken=600, run=(610, 900))),
        "most of that is queue aaaa0000, whose requests take 2.5 ms, 80% of it so",
        "Lower batch_timeout_micros",
        TOLD,
    ),
    Case(
        "preprocess",
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
        "`DecodeJpeg`",
        "let more of it run at once: --tensorflow_inter_op_parallelism.",  # not in batch threads
        AT_ONCE,
    ),
    Case(
        "postprocess",
        sessions(ops="m:MatMul {1}..{2}us\nt:LookupTableFindV2 {2}..{8}us\n"),
        "in host work after the model",
        "",
        AT_ONCE,
    ),
    Case(
        "padding",
        sessions(padded=8),
        "88% of the executed rows are padding",
        "allowed_batch_sizes (batches hold 1.0 rows",
        AT_ONCE,
    ),
    Case("saturated", sessions(4, end=990, run=(22, 980)), "leaves no slack", "replica", AT_ONCE),
    Case("no-demand", sessions() + IDLE_END.format(9000), "lack of demand", "scale in", AT_ONCE),
    Case("healthy", sessions(4, period=1300), "no stage holds them up", "", AT_ONCE),
    Case(
        "unexplained",
        "line grpc\n  SessionRun 0..1000us id=1 _p=1\n",
        "100% of it explained by nothing in the trace",
    ),
    Case(
        "no-requests", "line idle\n  Something 0..2000000us\n", "in the 2.00 s recorded: no demand"
    ),
    Case(
        "no-requests",
        "line t\n  ScheduleOutputTask 0..1us size=1 _p=7\nline end\n  X 0..1000000us\n",
        "parts of",
    ),
    Case(
        "not-recorded",
        "line t\n  ThreadpoolListener::Record 0..1us _pt=15 _p=7\n",
        "recorded at tracer level 1, which hides unbatched ones, or not of a TensorFlow Serving",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.cause)
def test_verdict(case: Case) -> None:
    verdict = decide(analyzed(case.text, case.parameters))
    assert verdict.cause == case.cause, verdict.sentence
    assert case.says in verdict.sentence
    if case.knob:
        assert case.knob in verdict.knob
    else:
        assert "from 1" not in verdict.knob


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.cause)
def test_every_number_in_the_sentence_is_in_the_evidence(case: Case) -> None:
    verdict = decide(analyzed(case.text, case.parameters))
    assert not unfounded_numbers(verdict)


def unfounded_numbers(verdict: Verdict) -> list[str]:
    """Numbers of the sentence that no evidence holds, at the precision they are written in."""
    told = {f"{e.value:.0%}" for e in verdict.evidence if e.unit == "ratio"}
    told |= {f"{e.value / 1e6:.3g} ms" for e in verdict.evidence if e.unit == "ns"}
    told |= {f"{e.value / 1e9:.2f} s" for e in verdict.evidence if e.unit == "ns"}
    told |= {f"{e.value:.0f}" for e in verdict.evidence if e.unit in ("requests", "pid")}
    plain = verdict.sentence.replace("level 1", "").replace("/device:GPU:0", "")
    return [n for n in re.findall(r"\b\d+(?:\.\d+)?(?:%| ms| s\b|)", plain) if n not in told]


def test_starved_device_names_the_worst_cause_of_its_idle_time() -> None:
    text = """
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
    """
    verdict = decide(analyzed(text))
    assert verdict.cause == "preprocess"
    assert "which is starved of input: in preprocessing ops" in verdict.sentence
    assert (
        "/device:GPU:0 stood idle 30% of the window: 29% in preprocessing ops" in verdict.sentence
    )
    assert "num_batch_threads" not in verdict.knob  # nothing is batched here
    assert not unfounded_numbers(verdict)
    assert ASYNC_START not in verdict.sentence


def test_no_demand_is_never_called_starvation() -> None:
    verdict = decide(analyzed(sessions() + IDLE_END.format(9000), AT_ONCE))
    assert "starved of input:" not in verdict.sentence
    waiting = next(e for e in verdict.evidence if e.label == "idle, starved of input")
    assert waiting.value < 0.02


@pytest.mark.parametrize(("count", "confidence"), [(29, "low"), (30, "medium"), (100, "high")])
def test_confidence_grows_with_the_requests(count: int, confidence: str) -> None:
    capture = replace(capture_of(sessions(count, period=1300)), metrics=MetricsPair((), ()))
    verdict = decide(analyze(capture.with_batching_parameters(AT_ONCE)))
    assert verdict.confidence == confidence


def test_a_trace_alone_is_one_source() -> None:
    verdict = decide(analyzed(sessions(100, period=1300), AT_ONCE))
    assert (verdict.cause, verdict.confidence) == ("healthy", "medium")


def test_preprocessing_told_by_op_type_alone_is_never_sure() -> None:
    text = sessions(100, ops="d:DecodeJpeg {1}..{7}us\nm:MatMul {7}..{8}us\n", period=1300)
    capture = replace(capture_of(text), metrics=MetricsPair((), ()))
    verdict = decide(analyze(capture.with_batching_parameters(AT_ONCE)))
    assert (verdict.cause, verdict.confidence) == ("preprocess", "medium")


def test_estimated_parameters_lower_the_confidence_in_a_split_of_queueing() -> None:
    text = sessions(100, taken=2100, run=(2110, 2400), end=2500, period=2600)
    assert decide(analyzed(text, TOLD)).confidence == "high"
    estimated = decide(analyzed(text))
    assert (estimated.cause, estimated.confidence) == ("queue-fill", "medium")
    assert "from about 2100" in estimated.knob


def test_causes_are_of_the_permanent_list() -> None:
    permanent = OWN_CAUSES | {stage.value for stage in Stage} | {cause.value for cause in IdleCause}
    assert {case.cause for case in CASES} <= permanent
