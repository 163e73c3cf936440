"""Preprocessing separated from the model by op class."""

from __future__ import annotations

import pytest

from diag.analysis.execution.op_class import OpClass, classify, compile_preprocess_ops
from diag.errors import UsageError
from tests.unit.analysis.traces import analyzed, stages_us, tiles_exactly


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("map/DecodeJpeg:DecodeJpeg", OpClass.PREPROCESS),
        ("d:DecodeImage", OpClass.PREPROCESS),
        ("p:ParseExampleV2", OpClass.PREPROCESS),
        ("r:ResizeBilinear", OpClass.PREPROCESS),
        ("s:StringToHashBucketFast", OpClass.PREPROCESS),
        ("s:StringSplitV2", OpClass.PREPROCESS),
        ("t:LookupTableFindV2", OpClass.PREPROCESS),
        ("t:RegexReplace", OpClass.PREPROCESS),
        ("c:Cast", OpClass.GLUE),
        ("c:_MklNativeConcatV2", OpClass.GLUE),
        ("loop/Switch:Switch", OpClass.GLUE),
        ("m:MatMul", OpClass.MODEL),
        ("m:_FusedMatMul", OpClass.MODEL),
        ("m:_MklNativeFusedConv2D", OpClass.MODEL),
        ("a:Softmax", OpClass.MODEL),
        ("b/batch:BatchFunction", OpClass.CALL),
        ("f:StatefulPartitionedCall", OpClass.CALL),
        ("w:While", OpClass.CALL),
        ("ExecutorState::Process", OpClass.NOT_AN_OP),
        ("ThreadpoolListener::Record", OpClass.NOT_AN_OP),
        ("ProcessBatch", OpClass.NOT_AN_OP),
        ("", OpClass.NOT_AN_OP),
        (":", OpClass.NOT_AN_OP),
        ("node:", OpClass.NOT_AN_OP),
        (":MatMul", OpClass.NOT_AN_OP),
        ("http://host:80", OpClass.NOT_AN_OP),
    ],
)
def test_class_of_an_event_name(name: str, expected: OpClass) -> None:
    assert classify(name) is expected


def step(ops: str, bursts: str = "ExecutorState::Process 100..900us id=5 _c=5") -> str:
    return f"""
    line grpc-1
      SessionRun 0..1000us id=5 _p=5
    line tf_Compute/1
      {bursts}
        {ops}
    """


def test_preprocessing_lasts_from_its_first_op_to_the_models_first() -> None:
    ops = """
        d:DecodeJpeg 150..300us
        r:ResizeBilinear 320..400us
        c:Cast 410..450us
        m:MatMul 500..800us
    """
    assert stages_us(analyzed(step(ops))) == {
        "queue-executor": 100,
        "preprocess": 350,
        "compute": 50 + 500,
    }


def test_casts_after_the_model_are_compute() -> None:
    assert stages_us(analyzed(step("m:MatMul 150..300us\nc:Cast 310..400us"))) == {
        "queue-executor": 100,
        "compute": 900,
    }


def test_labels_looked_up_after_the_model_are_postprocessing() -> None:
    ops = """
        d:DecodeJpeg 150..300us
        m:MatMul 300..600us
        t:LookupTableFindV2 650..750us
    """
    assert stages_us(analyzed(step(ops))) == {
        "queue-executor": 100,
        "preprocess": 150,
        "compute": 650,
        "postprocess": 100,
    }


def test_preprocessing_of_a_graph_without_a_visible_model_op_lasts_to_its_last_burst() -> None:
    bursts = """ExecutorState::Process 100..500us id=5 _c=5
        d:DecodeJpeg 150..300us
      ExecutorState::Process 600..900us id=5 _c=5"""
    assert stages_us(analyzed(step("", bursts))) == {
        "queue-executor": 200,
        "preprocess": 350 + 300,
        "compute": 50 + 100,
    }


def test_wait_for_a_thread_between_preprocessing_ops_is_a_wait() -> None:
    bursts = """ExecutorState::Process 100..300us id=5 _c=5
        d:DecodeJpeg 100..300us
      ExecutorState::Process 400..900us id=5 _c=5
        r:ResizeBilinear 400..500us
        m:MatMul 500..900us"""
    assert stages_us(analyzed(step("", bursts))) == {
        "queue-executor": 200,
        "preprocess": 300,
        "compute": 500,
    }


def test_decoding_beside_the_model_counts_as_the_model() -> None:
    text = (
        step("d:DecodeJpeg 100..500us\nm:Conv2D 800..900us")
        + """
    line tf_Compute/2
      ExecutorState::Process 300..400us id=5 _c=5
        n:Conv2D 300..400us
    """
    )
    analysis = analyzed(text)
    assert stages_us(analysis) == {"queue-executor": 100, "preprocess": 600, "compute": 300}


@pytest.mark.parametrize("pattern", ["MyFeaturizer", "text/.*", ".*:MyFeat.*"])
def test_further_ops_are_named_by_type_or_by_node(pattern: str) -> None:
    ops = "text/tok:MyFeaturizer 100..400us\nm:MatMul 400..900us"
    assert "preprocess" not in stages_us(analyzed(step(ops)))
    analysis = analyzed(step(ops), preprocess_ops=pattern)
    assert stages_us(analysis)["preprocess"] == 300
    assert [op.op_type for op in analysis.ops if op.is_preprocess] == ["MyFeaturizer"]
    assert tiles_exactly(analysis)


def test_pattern_is_searched_for_and_anchors_hold_for_the_type() -> None:
    assert classify("a/m:MatMul", compile_preprocess_ops("Mat")) is OpClass.PREPROCESS
    assert classify("a/m:MatMul", compile_preprocess_ops("^Mat")) is OpClass.PREPROCESS
    assert classify("a/m:BatchMatMul", compile_preprocess_ops("^Mat")) is OpClass.MODEL
    assert classify("ExecutorState::Process", compile_preprocess_ops("P")) is OpClass.NOT_AN_OP


def test_pattern_that_is_none_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="not a regular expression") as caught:
        analyzed(step(""), preprocess_ops="(Decode")
    assert caught.value.hint
    assert caught.value.cause


def test_ops_are_ranked_by_time_per_type() -> None:
    ops = "a:MatMul 100..200us\nb:MatMul 200..350us\nd:DecodeJpeg 400..500us"
    ranked = analyzed(step(ops)).ops
    assert [(op.op_type, op.is_preprocess, op.events, op.total_ns) for op in ranked] == [
        ("MatMul", False, 2, 250_000),
        ("DecodeJpeg", True, 1, 100_000),
    ]


def test_graph_before_a_batcher_preprocesses_and_its_batch_computes() -> None:
    """Decoding ahead of the batcher is preprocessing although no model op shares its step."""
    analysis = analyzed("""
    line grpc
      SessionRun 0..1000us id=7 _p=7
    line tf_Compute/1
      ExecutorState::Process 0..210us id=7 _c=7
        d:DecodeJpeg 10..150us
        c:Cast 160..190us
        ExecutorState::ProcessAsync::Start 200..205us step_id=7 _p=70 kernel_type=BatchFunction
          ScheduleOutputTask 201..202us size=1 _p=9
    line b/1
      ProcessBatch 250..800us batch_size_before_padding=1 _c=9
        FunctionRun 260..265us id=8 _p=80
    line tf_Compute/2
      ExecutorState::Process 260..690us id=8 _c=80
        m:MatMul 270..680us
      ExecutorDoneCallback 700..790us _c=80
        ExecutorState::ProcessAsync::Done 720..730us step_id=7 _c=70
      ExecutorState::Process 740..950us id=7 _c=7
        t:LookupTableFindV2 800..900us
    """)
    assert stages_us(analysis) == {
        "preprocess": 190,
        "compute": 10 + 440,
        "schedule": 1,
        "queue-dispatch": 49,
        "batch-formation": 10,
        "batch-split": 20,
        "queue-executor": 20,
        "postprocess": 260,
    }
