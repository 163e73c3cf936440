"""Findings about Python loops: each fires, does not just below, and says nothing without source."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.findings import conclude, find
from diag.findings.metrics import measure
from diag.findings.rules import LOOP_RULES
from diag.model.availability import Unavailable
from diag.model.finding import Severity
from diag.model.gaps import Confidence
from diag.model.loops import FunctionPlace, LoopStage, PythonFunction
from tests.unit.analysis.loops.programs import (
    ANSWERING,
    LOADING,
    POOL,
    TAKING,
    analyzed_program,
    dataset,
    eager,
    every_ms,
    functions,
    sampled,
)


def found(analysis, rule):
    """What one rule finds, or None."""
    return next((each for each in find(analysis) if each.id == rule), None)


def with_map_function(analysis, cpu: float | Unavailable):
    function = PythonFunction(
        "serve.py", 12, "decode", FunctionPlace.MAP, LoopStage.INPUT_WAIT, "", 100, 1.0, 0.0, cpu
    )
    return replace(analysis, loops=replace(analysis.loops, functions=(function,)))


def test_synchronous_preprocessing_names_the_function_and_gains_by_waiting_alone():
    analysis = analyzed_program(eager(5, 10_000), every_ms(52_000, LOADING))
    finding = found(analysis, "synchronous-preprocessing")
    assert "serve.py:10 load" in finding.what
    assert "95.7% of each iteration" in finding.what
    assert finding.severity is Severity.CRITICAL
    assert finding.gain.now == pytest.approx(10_450_000)
    assert finding.gain.low == pytest.approx(10_000_000 / 16)  # 23 at a time are not proposed
    assert finding.gain.high == pytest.approx(5_000_000)
    assert "num_parallel_calls=16" in finding.remedies[0].action
    assert "private_threadpool_size=16" in finding.remedies[0].action
    verdict = conclude(analysis, find(analysis))
    assert verdict.id == "synchronous-preprocessing"
    assert "for the other 97.1% the model is idle" in verdict.device


def test_what_computes_gains_nothing_by_threads():
    analysis = analyzed_program(eager(5, 10_000), every_ms(52_000, LOADING, cpu=0.97))
    gain = found(analysis, "synchronous-preprocessing").gain
    assert gain.reason == (
        "the preparation computes, or waits for a free core: threads do not make it faster"
    )
    assert "NumPy" in found(analysis, "synchronous-preprocessing").remedies[0].action
    preempted = analyzed_program(eager(5, 10_000), every_ms(52_000, LOADING, cpu=0.6))
    assert isinstance(found(preempted, "synchronous-preprocessing").gain, Unavailable)
    half = analyzed_program(eager(5, 10_000), every_ms(52_000, LOADING, cpu=0.5))
    assert "ahead" in found(half, "synchronous-preprocessing").remedies[0].action
    assert found(half, "synchronous-preprocessing").gain.low == pytest.approx(5_450_000, rel=1e-3)


def test_without_cpu_times_no_gain_is_promised():
    samples = every_ms(52_000, LOADING)
    samples.cpu_ns[:] = -1
    gain = found(analyzed_program(eager(5, 10_000), samples), "synchronous-preprocessing").gain
    assert "not known" in gain.reason


def test_a_small_part_of_preprocessing_is_no_finding():
    # 30 % of 450 us of calls and the wait are 193 us; 1 ms ticks hit each loop's blank.
    text = eager(80, 190)
    analysis = analyzed_program(text, every_ms(52_000, LOADING, cpu=0.5))
    assert 0.2 < analysis.loops.share(LoopStage.PREPROCESS) < 0.3
    assert found(analysis, "synchronous-preprocessing") is None
    more = analyzed_program(eager(80, 210), every_ms(52_000, LOADING, cpu=0.5))
    assert found(more, "synchronous-preprocessing") is not None


def test_without_samples_preprocessing_is_not_claimed():
    analysis = analyzed_program(eager(5, 10_000))
    assert [each.id for each in find(analysis)] == ["device-idle-between-calls"]
    (finding,) = find(analysis)
    assert "does not tell whether Python works or waits for a request" in finding.what
    assert "diag run" in finding.remedies[0].action
    assert "serve.py" not in finding.what


def test_answers_that_take_long_are_synchronous_work_as_well():
    samples = every_ms(42_000, ANSWERING, cpu=0.5)
    analysis = analyzed_program(dataset(9, 10, after_us=4000), samples)
    assert "after the model call" in found(analysis, "synchronous-preprocessing").what


def test_waiting_for_requests_is_no_preprocessing():
    analysis = analyzed_program(eager(5, 10_000), every_ms(52_000, TAKING))
    assert found(analysis, "synchronous-preprocessing") is None
    finding = found(analysis, "device-idle-between-calls")
    assert "waits for a request" in finding.what
    assert finding.remedies == ()


def served(wait_us: int):
    """Iterations that wait for a request, and then load their input for 5 ms."""
    rows, period_us = [], wait_us + 5450
    for i in range(8):
        begin = i * period_us
        rows += [(at, TAKING) for at in range(begin + 500, begin + wait_us, 1000)]
        rows += [(at, LOADING) for at in range(begin + wait_us + 500, begin + wait_us + 5000, 1000)]
    return analyzed_program(eager(8, wait_us + 5000), sampled(rows))


def test_inputs_of_requests_cannot_be_prepared_before_their_request():
    analysis = served(5000)
    finding = found(analysis, "synchronous-preprocessing")
    assert finding.gain.reason == "inputs cannot be prepared before their request comes"
    assert "Make serve.py:10 load faster" in finding.remedies[0].action
    assert finding.verify[0].now == pytest.approx(5000 / 5450, rel=0.01)  # waiting left out
    assert "serve.py:10 load waits for a request" in finding.counter_evidence[1].looked_for
    assert not isinstance(found(served(800), "synchronous-preprocessing").gain, Unavailable)


def test_input_pipeline_bound_names_stage_op_and_function():
    analysis = with_map_function(analyzed_program(dataset(10, 3000)), 0.0)
    finding = found(analysis, "input-pipeline-bound")
    assert "stage MapAndBatch" in finding.what
    assert "EagerPyFunc" in finding.what
    assert "serve.py:12 decode" in finding.what


def test_a_pool_that_python_functions_fill_is_to_be_larger():
    analysis = with_map_function(analyzed_program(dataset(10, 3000, pool=1, after_us=1)), 0.0)
    finding = found(analysis, "input-pipeline-bound")
    assert "private_threadpool_size = 6 (now 1)" in finding.remedies[0].action
    assert finding.gain.low == pytest.approx(521_000, rel=0.01)
    slow = with_map_function(analyzed_program(dataset(10, 3000, pool=1, function_us=40_000)), 0.0)
    # A function of 40 ms for each element: its time decides, not that of the wait of 3 ms.
    assert found(slow, "input-pipeline-bound").gain.low == pytest.approx(40_000_000 / 16)
    unknown = analyzed_program(dataset(10, 3000, pool=1, after_us=1))
    assert "use diag run" in found(unknown, "input-pipeline-bound").gain.reason


def test_a_gain_begins_at_what_runs_at_a_time_already():
    finding = found(
        with_map_function(analyzed_program(dataset(10, 3000, pool=1, after_us=1)), 0.0),
        "input-pipeline-bound",
    )
    assert finding.gain.method.endswith("the upper value is that of 2 at a time.")
    assert finding.gain.high == pytest.approx(3_000_000 / 2, rel=0.01)
    analysis = with_map_function(analyzed_program(dataset(10, 3000, pool=2, after_us=1)), 0.0)
    (pipeline,) = analysis.loops.pipelines
    stages = tuple(
        replace(each, used=1.9, function_ns=6_000_000.0) if each.kind == "MapAndBatch" else each
        for each in pipeline.stages
    )
    pipeline = replace(pipeline, stages=stages)
    two = replace(analysis, loops=replace(analysis.loops, pipelines=(pipeline,)))
    finding = found(two, "input-pipeline-bound")
    assert "private_threadpool_size = 12 (now 2)" in finding.remedies[0].action
    assert finding.gain.method.endswith("the upper value is that of 4 at a time.")
    assert finding.gain.high == pytest.approx(6_000_000 / 4, rel=0.01)


def test_a_pool_with_free_threads_is_not_blamed():
    finding = found(analyzed_program(dataset(10, 3000, pool=8)), "input-pipeline-bound")
    assert all("threadpool" not in remedy.action for remedy in finding.remedies)


def test_a_sequential_map_is_to_be_parallel():
    text = dataset(10, 3000, kind="Map", op="decode:DecodeJpeg").replace("MapProduce", "Ignored")
    finding = found(analyzed_program(text), "input-pipeline-bound")
    assert "Set num_parallel_calls=tf.data.AUTOTUNE on Map" in finding.remedies[0].action


def test_what_tensorflow_computes_itself_has_no_promised_gain():
    analysis = analyzed_program(dataset(10, 3000, op="decode:DecodeJpeg"))
    gain = found(analysis, "input-pipeline-bound").gain
    assert gain.reason == "TensorFlow's own operations compute there; free cores decide"


def test_files_of_a_sequential_interleave_are_to_be_read_at_once():
    analysis = analyzed_program(dataset(10, 3000))
    (pipeline,) = analysis.loops.pipelines
    path = "Iterator::Root::Prefetch::Interleave"
    decides = replace(
        pipeline.critical_stage,
        kind="TFRecord",
        path=f"{path}::FlatMap::TFRecord",
        python_share=0.0,
        function_ns=Unavailable("it calls no function"),
    )
    interleave = replace(decides, kind="Interleave", path=path, is_sequential=True, wait_share=0.0)
    other = replace(interleave, kind="ParallelInterleaveV4", path=f"{path}::FlatMap::Other")
    for is_sequential, advised in ((True, "AUTOTUNE on Interleave"), (False, "cheaper")):
        above = replace(interleave, is_sequential=is_sequential)
        stages = replace(pipeline, stages=(other, above, decides), critical=2)
        loops = replace(analysis.loops, pipelines=(stages,))
        finding = found(replace(analysis, loops=loops), "input-pipeline-bound")
        assert "stage TFRecord" in finding.what
        assert advised in finding.remedies[0].action


def test_python_in_a_sequential_map_needs_a_larger_pool_as_well():
    text = dataset(10, 3000, pool=2, after_us=1).replace("parallelism=2", "parallelism=1")
    finding = found(with_map_function(analyzed_program(text), 0.0), "input-pipeline-bound")
    assert "Set num_parallel_calls = 6 on MapAndBatch" in finding.remedies[0].action
    assert "private_threadpool_size = 6 (now 2)" in finding.remedies[0].action
    assert finding.gain.low == pytest.approx(521_000, rel=0.01)
    large = found(analyzed_program(text.replace("size=2", "size=8")), "input-pipeline-bound")
    assert "num_parallel_calls=tf.data.AUTOTUNE" in large.remedies[0].action


def test_a_short_wait_for_input_is_no_finding():
    # 0.3 of the iteration are 437 us beside 1,020 us of the rest.
    assert found(analyzed_program(dataset(10, 420)), "input-pipeline-bound") is None
    assert found(analyzed_program(dataset(10, 450)), "input-pipeline-bound") is not None


def test_a_wait_without_iterators_has_no_stage():
    rows = dataset(10, 3000).splitlines()
    text = "\n".join(row for row in rows if "Iterator::" not in row and "Op::" not in row)
    finding = found(analyzed_program(text, level=1), "input-pipeline-bound")
    assert "stage" not in finding.what
    assert finding.gain.reason == "which stage decides is not known"


def test_a_pipeline_that_keeps_up_is_healthy():
    finding = found(analyzed_program(dataset(10, 40)), "pipeline-healthy")
    assert finding.severity is Severity.INFO
    assert found(analyzed_program(dataset(10, 60)), "pipeline-healthy") is None
    assert found(analyzed_program(functions(10, 1000, 500)), "pipeline-healthy") is None


def test_a_cheap_pipeline_with_nothing_ready_is_not_said_to_keep_up():
    analysis = analyzed_program(dataset(10, 60, call_us=5000))
    assert analysis.loops.share(LoopStage.INPUT_WAIT) < 0.05
    assert found(analysis, "pipeline-healthy") is None
    assert found(analyzed_program(dataset(10, 40, call_us=5000)), "pipeline-healthy") is not None


def test_the_datasets_of_predict_are_no_pipeline_of_the_program():
    analysis = analyzed_program(predicts(8, 1000))
    (pipeline,) = analyzed_program(dataset(10, 40)).loops.pipelines
    read = replace(analysis, loops=replace(analysis.loops, pipelines=(pipeline,)))
    assert found(read, "pipeline-healthy") is None


def test_retracing_needs_three_calls_that_are_traced():
    finding = found(analyzed_program(functions(5, 1000, 400, kind="traced-nonXla")), "retracing")
    assert "5 of 5 calls" in finding.what
    assert "A new function is made for each call" in finding.what
    assert finding.gain.low == pytest.approx(1_200_000)
    two = functions(5, 1000, 400).replace("notTraced-nonXla", "traced-nonXla", 2)
    assert found(analyzed_program(two), "retracing") is None
    three = functions(5, 1000, 400).replace("notTraced-nonXla", "traced-nonXla", 3)
    assert found(analyzed_program(three), "retracing") is not None
    assert found(analyzed_program(eager(5, 1000)), "retracing") is None  # calls no function


def test_retracing_by_shapes_asks_for_a_signature():
    text = functions(5, 1000, 400, kind="traced-nonXla").replace(
        "tracing_count=1", "tracing_count=7"
    )
    assert "input_signature" in found(analyzed_program(text), "retracing").remedies[0].action


def predicts(n: int, setup_us: int) -> str:
    """Iterations that make a dataset and an iterator for each call."""
    out, at = ["plane /host:CPU\nline python id=77"], 0
    for _ in range(n):
        at += 2000
        for op in ("RangeDataset", "MakeIterator"):
            out.append(f"  TFE_Py_FastPathExecute_C {at}..{at + setup_us // 2}us")
            out.append(f"    EagerExecute {at}..{at + setup_us // 2}us eager_op={op}")
            at += setup_us // 2
        name = "one_step_on_data_distributed"
        out.append(f"  {name} {at}..{at + 500}us tf_function_call=notTraced-nonXla tracing_count=1")
        out.append(f"    EagerExecute {at}..{at + 500}us eager_op=__inference_{name}_7")
        out.append(f"      EagerLocalExecute: __inference_{name}_7 {at}..{at + 500}us")
        at += 500
    return "\n".join(out)


def test_predict_for_each_item_is_named_with_its_set_up():
    analysis = analyzed_program(predicts(8, 1000))
    finding = found(analysis, "predict-per-item")
    assert "28.6% of the time makes its dataset" in finding.what
    assert finding.gain.low == pytest.approx(2_500_000)
    assert found(analyzed_program(predicts(8, 400)), "predict-per-item") is None  # 14 %
    assert found(analyzed_program(functions(8, 2000, 500)), "predict-per-item") is None


def test_python_that_shares_one_core_is_bound_by_its_lock():
    two = analyzed_program(dataset(10, 3000, function_us=3000))
    loops = two.loops
    (pipeline,) = loops.pipelines
    busy = tuple(
        replace(each, used=2.0) if each.kind == "MapAndBatch" else each for each in pipeline.stages
    )
    bound = replace(two, loops=replace(loops, pipelines=(replace(pipeline, stages=busy),)))
    assert "use 1.0 cores together" in found(with_map_function(bound, 0.5), "python-gil-bound").what
    waiting = found(with_map_function(bound, 0.31), "input-pipeline-bound")
    assert waiting.gain.reason.startswith("its Python functions share one core")
    assert all("private_threadpool_size" not in each.action for each in waiting.remedies)
    assert found(with_map_function(bound, 0.9), "python-gil-bound") is None  # two cores
    assert found(with_map_function(bound, 0.1), "python-gil-bound") is None  # they wait
    assert found(with_map_function(two, 0.9), "python-gil-bound") is None  # one at a time
    assert found(bound, "python-gil-bound") is None  # not sampled


@pytest.mark.parametrize(("level", "word"), [(2, "maybe does"), (3, "does not use")])
def test_a_constant_in_map_is_sure_at_level_3_only(level, word):
    analysis = analyzed_program(dataset(10, 10, op="", function_us=7), level=level)
    finding = found(analysis, "traced-constant-in-map")
    assert word in finding.what
    assert finding.confidence is (Confidence.HIGH if level == 3 else Confidence.LOW)


def test_a_map_that_runs_an_op_or_takes_time_is_no_constant():
    for text in (dataset(10, 10, function_us=7), dataset(10, 10, op="", function_us=21)):
        assert found(analyzed_program(text), "traced-constant-in-map") is None
    constant = dataset(10, 10, op="", function_us=7)
    assert found(analyzed_program(constant, level=1), "traced-constant-in-map") is None


def test_eager_overhead_is_python_between_ops():
    finding = found(analyzed_program(eager(8, 1000)), "eager-overhead")
    assert finding is None  # 200 of 1,450 us
    finding = found(analyzed_program(eager(8, 800)), "eager-overhead")
    assert "16.0% of each iteration is Python between its ops" in finding.what
    assert found(analyzed_program(functions(8, 100, 500)), "eager-overhead") is None


def test_a_model_that_runs_half_of_the_time_is_not_idle():
    assert found(analyzed_program(functions(9, 500, 501)), "device-idle-between-calls") is None
    assert found(analyzed_program(functions(9, 520, 500)), "device-idle-between-calls") is not None


def test_without_a_finding_the_loop_is_healthy():
    analysis = analyzed_program(functions(40, 10, 500))
    verdict = conclude(analysis, find(analysis))
    assert (verdict.id, find(analysis)) == ("healthy", ())
    assert "No part of the loop holds it up" in verdict.what


def test_every_check_of_a_loop_can_be_measured_again():
    analyses = [
        analyzed_program(eager(5, 10_000), every_ms(52_000, LOADING)),
        analyzed_program(dataset(10, 3000), every_ms(42_000, LOADING, line=POOL)),
        analyzed_program(functions(5, 1000, 400, kind="traced-nonXla")),
        analyzed_program(predicts(8, 1000)),
    ]
    checks = [c for a in analyses for f in find(a) for c in f.verify]
    assert len(checks) >= len(analyses)
    for check in checks:
        assert measure(analyses[0], check.metric) is not None
    assert len(LOOP_RULES) == 9
