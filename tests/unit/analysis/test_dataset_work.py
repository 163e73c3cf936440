"""Work of tf.data inside a run is preprocessing, on whatever thread it was done (in us)."""

from __future__ import annotations

from diag.analysis import analyze
from diag.findings import find
from diag.model.serving import Stage
from tests.recordings import recorded
from tests.unit.analysis.traces import ASYNC_START, analyzed, stages_us, tiles_exactly

AWAITED = f"""
line grpc-1
  SessionRun 0..1000us id=5 _p=5
line tf_Compute/1
  ExecutorState::Process 100..200us id=5 _c=5
    m:MatMul 110..150us
    {ASYNC_START} 160..170us step_id=5 _p=70 kernel_type=ReduceDataset name=reduce
line tf_data_reduce_dataset
  ReduceDatasetOp::DoCompute 200..790us id=5
    InstantiatedCapturedFunction::Run 300..400us id=-90
  ExecutorState::ProcessAsync::Done 800..810us step_id=5 _c=70
line tf_data_private_threadpool
  ExecutorState::Process 310..390us id=-90 _c=91
    m:MatMul 320..380us
  ExecutorDoneCallback 391..392us id=-90 _c=91
line tf_Compute/2
  ExecutorState::Process 820..900us id=5 _c=5
    m:MatMul 830..890us
"""


def test_an_awaited_op_of_a_pipeline_is_preprocessing_also_after_the_model_began() -> None:
    analysis = analyzed(AWAITED)
    assert stages_us(analysis) == {
        "queue-executor": 100 + 20,
        "preprocess": 640 + 10,  # 160..800; 820..830, ahead of the model's op
        "compute": 60 + 170,  # 100..160; 830..1000
    }
    assert tiles_exactly(analysis)


def test_a_function_of_the_pipeline_is_no_model_op() -> None:
    (timeline,) = analyzed(AWAITED).timelines
    assert timeline.busy_ns < 300_000


def test_the_op_is_named_by_its_work_on_its_own_thread() -> None:
    ops = {op.op_type: op for op in analyzed(AWAITED).ops}
    assert ops["ReduceDataset"].is_preprocess
    assert ops["ReduceDataset"].total_ns == 590_000


BEFORE_2_15 = """
line grpc-1
  SessionRun 0..1000us id=5 _p=5
line tf_Compute/1
  ExecutorState::Process 100..200us id=5 _c=5
    r:ReduceDataset 160..165us
  ExecutorState::Process 210..220us id=5 _c=5
line tf_Compute/2
  ExecutorState::Process 820..900us id=5 _c=5
    m:MatMul 830..890us
line tf_data_reduce_dataset
"""


def test_before_2_15_the_work_begins_with_the_launch_of_the_op() -> None:
    computed = BEFORE_2_15 + "  ReduceDatasetOp::DoCompute 400..790us id=5"
    stages = stages_us(analyzed(computed))
    assert stages["preprocess"] == 640  # 160..790, and 820..830 ahead of the model's op
    assert stages["queue-executor"] == 100 + 30


def test_in_2_3_the_work_ends_with_the_last_event_of_the_iterators() -> None:
    iterated = BEFORE_2_15 + (
        "  ReduceIterator::Model 250..300us id=-7\n"
        "  ReduceIterator::Model 700..780us id=-7\n"
        "  ReduceIterator::Model 900..950us id=-7\n"  # of another step: this one has gone on
    )
    stages = stages_us(analyzed(iterated))
    assert stages["preprocess"] == 630
    assert stages["queue-executor"] == 100 + 40


def test_a_reduction_inside_a_batch_function_is_preprocessing_and_found_as_such() -> None:
    analysis = analyze(recorded("dataset-in-batch-function-tf2.21"))
    assert len(analysis.requests) == 160
    shares = analysis.requests.stage_ns.sum(axis=0) / analysis.requests.duration_ns.sum()
    assert 0.75 < shares[Stage.PREPROCESS.index] < 0.85
    assert shares[Stage.COMPUTE.index] < 0.10
    first = find(analysis)[0]
    assert first.id == "preprocessing-in-graph"
    assert "ReduceDataset" in first.what


def test_a_pipeline_in_an_earlier_version_is_preprocessing_and_cuts_no_request() -> None:
    analysis = analyze(recorded("dataset-tf2.8.4"))
    assert len(analysis.requests) == 5
    assert analysis.counts.censored <= 4  # two clients, at two edges
    shares = analysis.requests.stage_ns.sum(axis=0) / analysis.requests.duration_ns.sum()
    assert shares[Stage.PREPROCESS.index] > 0.9


def test_a_function_within_the_batch_s_function_is_part_of_it() -> None:
    analysis = analyze(recorded("nested-batch-function-tf2.3.4"))
    assert len(analysis.requests) == 33
    assert analysis.requests.complete.all()
    shares = analysis.requests.stage_ns.sum(axis=0) / analysis.requests.duration_ns.sum()
    assert shares[Stage.UNATTRIBUTED.index] < 0.01
    assert shares[Stage.QUEUE_EXECUTOR.index] < 0.03
