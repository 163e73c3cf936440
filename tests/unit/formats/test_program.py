"""What kind of program a trace was recorded in."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from diag.formats.trace.program import EVIDENCE_MAX, find_program
from diag.formats.trace.xspace import decode_space
from diag.model.program import PROGRAM_NAMES, Program, ProgramKind
from diag.testing.xspace_builder import build_space
from tests.conftest import sample_path

RECORDINGS = Path(__file__).parent / "programs"
Kind = ProgramKind


def program(text: str, *, is_server: bool = False) -> Program:
    if "plane " not in text:
        text = f"plane /host:CPU\nline python\n{text}"
    return find_program(decode_space(build_space(text)).planes, is_server=is_server)


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        ("PjitFunction(f) 0..9us", Kind.JAX),
        ("JitFunction(f) 0..9us\nTfrtCpuExecutable::Execute 1..8us", Kind.JAX),
        ("TfrtCpuExecutable::Execute 1..8us", Kind.XLA),
        ("PjRtComputationClient::ExecuteComputation 0..9us", Kind.PYTORCH_XLA),
        ("SyncTensorsGraph 0..9us\nPjRtCpuExecutable::Execute 1..8us", Kind.PYTORCH_XLA),
        ("train_function 0..9us", Kind.TRAINING),
        ("gradient_tape/dense/MatMul:MatMul 0..9us", Kind.TRAINING),
        ("StatefulPartitionedCall/gradient_tape/dense/MatMul:MatMul 0..9us", Kind.TRAINING),
        ("SGD/update/ResourceApplyGradientDescent:ResourceApplyAdam 0..9us", Kind.TRAINING),
        ("predict_function 0..9us\nIteratorGetNextOp::DoCompute 1..2us", Kind.PREDICT),
        ("one_step_on_data_distributed 0..9us", Kind.PREDICT),
        ("multi_step_on_iterator 0..9us", Kind.KERAS),
        ("TFE_Py_ExecuteCancelable 0..9us", Kind.FUNCTIONS),
        ("IteratorGetNextOp::DoCompute 0..9us", Kind.INPUT_PIPELINE),
        ("TFE_Py_FastPathExecute_C 0..9us", Kind.EAGER),
        ("Something 0..9us", Kind.UNKNOWN),
        ("ThreadpoolListener::Record @1us _p=1", Kind.UNKNOWN),
        ("ExecutorState::Process 0..9us _c=1", Kind.UNKNOWN),
        # A served model may run XLA.
        ("ExecutorState::Process 0..9us _c=1\nTfrtCpuExecutable::Execute 1..8us", Kind.UNKNOWN),
    ],
)
def test_names_of_events_tell_the_kind(events: str, kind: ProgramKind) -> None:
    assert program(events).kind is kind


@pytest.mark.parametrize(
    "event",
    ["SessionRun", "BatchingSessionRun", "ProcessBatch", "ProcessBatch:3", "BatchTask::empty"],
)
@pytest.mark.parametrize(
    "other", ["PjitFunction(f) 0..9us", "predict_function 0..9us", "train_function 0..9us"]
)
def test_any_event_of_a_request_makes_it_a_server(event: str, other: str) -> None:
    assert program(f"{other}\n{event} 1..2us").kind is Kind.SERVING


def test_a_process_that_told_its_models_is_a_server_whatever_it_runs() -> None:
    assert program("PjitFunction(f) 0..9us", is_server=True).kind is Kind.SERVING
    assert program("", is_server=True).kind is Kind.SERVING


UPDATES = "SessionRun 0..9us\nupdate/ApplyAdam:ApplyAdam 1..2us\n"


def test_sessions_that_update_weights_train() -> None:
    assert program(UPDATES).kind is Kind.TRAINING
    on_server = f"plane /host:CPU\nline grpcpp_sync_ser/1\n{UPDATES}"
    assert program(on_server).kind is Kind.SERVING
    assert program(f"{UPDATES}ProcessBatch 0..9us").kind is Kind.SERVING


@pytest.mark.parametrize("thread", ["grpcpp_sync_ser/1", "tf_httprestserver/2"])
@pytest.mark.parametrize(
    "event",
    ["EagerLocalExecute: __inference_f_12", "PjRtCpuExecutable::Execute", "PjitFunction(f)"],
)
def test_what_runs_on_a_server_s_threads_is_no_other_program(thread: str, event: str) -> None:
    found = program(f"plane /host:CPU\nline {thread}\n{event} 0..9us")
    assert found.kind is Kind.UNKNOWN
    assert [count for _, count in found.evidence] == [1]


def test_threads_of_a_service_in_another_program_make_it_no_server() -> None:
    service = "plane /host:CPU\nline grpcpp_sync_ser/1\nSomething 0..9us\nline python\n"
    assert program(f"{service}train_function 0..9us").kind is Kind.TRAINING
    assert program(f"{service}PjRtCpuExecutable::Execute 0..9us").kind is Kind.UNKNOWN


def test_a_loop_of_ops_over_a_pipeline_is_named_after_its_ops() -> None:
    text = "EagerLocalExecute: IteratorGetNext 0..1us\n"
    assert program(text).kind is Kind.INPUT_PIPELINE
    text += "EagerLocalExecute: MatMul 2..3us\nEagerLocalExecute: Relu 4..5us\n"
    assert program(text).kind is Kind.EAGER


def test_a_tpu_plane_without_an_event_of_a_request_is_of_a_program_on_xla() -> None:
    found = program("plane /device:TPU:0\nline XLA Ops\nfusion 0..9us")
    assert (found.kind, found.evidence) == (Kind.XLA, (("TPU planes", 1),))


def test_no_event_at_all_is_empty() -> None:
    assert program("").kind is Kind.EMPTY
    assert program("plane /device:GPU:0\nline Stream #7\ngemm 0..9us").kind is Kind.UNKNOWN


def test_the_evidence_is_few_names_with_their_counts() -> None:
    text = "PjitFunction(f) 0..1us\nPjitFunction(g) 2..3us\nPmapFunction(h) 4..5us\n"
    assert program(text).evidence == (("PjitFunction", 2), ("PmapFunction", 1))
    many = "\n".join(f"EagerLocalExecute: Op{i} {i}..{i}us" for i in range(9))
    assert len(program(many).evidence) == EVIDENCE_MAX


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("jax0.10.2-infer", Kind.JAX),
        ("jax0.4.13-infer", Kind.JAX),
        ("jax0.6.2-train", Kind.JAX),
        ("tf2.15.1-predict", Kind.PREDICT),
        ("tf2.21.0-eager", Kind.EAGER),
        ("tf2.21.0-level-0", Kind.EMPTY),
        ("tf2.3.4-fit", Kind.TRAINING),
    ],
)
def test_recorded_programs(name: str, kind: ProgramKind) -> None:
    data = gzip.decompress((RECORDINGS / f"{name}.xplane.pb.gz").read_bytes())
    assert find_program(decode_space(data).planes).kind is kind


@pytest.mark.parametrize("story", ["no-batching", "batch-timeout", "padding", "in-graph-batching"])
def test_recorded_servers(story: str) -> None:
    data = (sample_path(story) / "server.xplane.pb").read_bytes()
    assert find_program(decode_space(data).planes) == Program(Kind.SERVING)


def test_every_kind_has_a_name() -> None:
    assert set(PROGRAM_NAMES) == set(ProgramKind)
