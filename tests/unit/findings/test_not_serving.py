"""What is said of a trace that is not of a model server."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from diag.analysis import analyze
from diag.findings import conclude, find
from diag.formats.trace.capture import capture_from_trace
from diag.model.availability import Unavailable
from diag.model.gaps import Confidence, IdleCause
from diag.model.program import ProgramKind
from diag.model.samples import MetricSample, MetricsPair
from diag.report.build import build_report
from diag.report.rendering import render
from tests.unit.analysis.traces import analyzed, capture_of

RECORDINGS = Path(__file__).parents[1] / "formats" / "programs"
FIT = """
plane /host:CPU
line python
  train_function 0..1000us
    FunctionRun 100..120us id=7 _p=7
line tf_Compute/1
  ExecutorState::Process 200..700us id=7 _c=7
    dense/MatMul:MatMul 200..600us
    update/ResourceApplyAdam:ResourceApplyAdam 600..700us
  ExecutorDoneCallback 700..710us id=7 _c=7
"""
GPU = """
plane /device:GPU:{}
line Stream #7(Compute)
  gemm {}us kernel_details="regs:32"
"""


def test_a_training_loop_is_called_so_with_its_busy_time() -> None:
    analysis = analyzed(FIT)
    findings = find(analysis)
    assert [each.id for each in findings] == ["not-serving"]
    verdict = conclude(analysis, findings)
    assert verdict.sentence == (
        "This is not a trace of TensorFlow Serving: it is of a TensorFlow training loop. diag "
        "explains the time of requests, and this trace has none. TensorFlow ops ran on the CPU "
        "for 50.0% of the window."
    )
    assert verdict.confidence is Confidence.HIGH
    assert "diag capture HOST:PORT" in findings[0].remedies[0].action


def test_a_page_of_another_program_makes_it_no_server() -> None:
    def with_metrics(name: str, declared: str = "x") -> ProgramKind:
        page = (MetricSample(name, (), 1.0),)
        metrics = MetricsPair(page, page, frozenset({declared}))
        return analyze(replace(capture_of(FIT), metrics=metrics)).program.kind

    assert with_metrics("python_gc_objects_collected_total") is ProgramKind.TRAINING
    assert with_metrics(":tensorflow:serving:request_count") is ProgramKind.SERVING
    assert with_metrics("up", ":tensorflow:serving:request_count") is ProgramKind.SERVING


def test_at_tracer_level_1_it_is_not_sure_that_there_were_no_requests() -> None:
    capture = replace(capture_of(FIT), tracer_level=1)
    (finding,) = find(analyze(capture))
    assert (finding.id, finding.confidence) == ("not-serving", Confidence.MEDIUM)
    assert finding.confidence_reason.endswith("at tracer level 1 unbatched requests leave none")


def test_nothing_is_cut_and_no_cause_of_idle_time_is_claimed() -> None:
    # Without its FunctionRun, the burst was taken for a part of a request.
    analysis = analyzed(FIT.replace("    FunctionRun 100..120us id=7 _p=7\n", ""))
    counts = analysis.counts
    assert (counts.requests, counts.complete, counts.censored, counts.refused) == (0, 0, 0, 0)
    (idle,) = analysis.idle
    assert (idle.starved_ns, idle.no_demand_ns) == (0, 0)
    assert idle.by_cause_ns[IdleCause.UNEXPLAINED] == idle.idle_ns > 0
    assert analysis.caveats == ()


def test_without_an_executor_nothing_is_known_of_the_cpu() -> None:
    analysis = analyzed("line python\n  PjitFunction(f) 0..100us\n")
    assert analysis.timelines == ()
    assert conclude(analysis, find(analysis)).sentence.endswith("and this trace has none.")


@pytest.mark.parametrize(
    ("gpus", "says"),
    [
        (GPU.format(0, "0..250"), "/device:GPU:0 was busy 25.0% of the window."),
        (
            GPU.format(0, "0..250") + GPU.format(1, "0..500"),
            "The 2 GPUs were busy 25.0% to 50.0% of the window.",
        ),
    ],
)
def test_busy_gpus_are_still_told(gpus: str, says: str) -> None:
    analysis = analyzed(f"plane /host:CPU\nline python\n  PjitFunction(f) 0..1000us\n{gpus}")
    assert conclude(analysis, find(analysis)).device == says
    for device in analysis.devices:
        assert isinstance(device.starved_ns, Unavailable)
        assert isinstance(device.no_demand_ns, Unavailable)
    assert "starved" not in render(build_report(analysis), "text")


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.gz")), ids=lambda path: path.name)
def test_a_recorded_program_is_told_once_and_without_requests(path: Path) -> None:
    capture = capture_from_trace("trace", gzip.decompress(path.read_bytes()), "trace")
    analysis = analyze(capture)
    text = render(build_report(analysis), "text")
    assert text.count("not a trace of TensorFlow Serving") + text.count("trace is empty") == 1
    for claim in ("no demand", "starved", "were cut", "parts of", "incomplete"):
        assert claim not in text
    assert analysis.counts.complete == analysis.counts.censored == 0


def test_an_empty_trace_says_why_it_is_empty() -> None:
    data = gzip.decompress((RECORDINGS / "tf2.21.0-level-0.xplane.pb.gz").read_bytes())
    (finding,) = find(analyze(capture_from_trace("trace", data, "trace")))
    assert "recorded at host tracer level 0" in finding.what
    (finding,) = find(analyzed("plane /host:CPU\n"))
    assert finding.what.startswith("The trace is empty: the process did nothing that is traced")
