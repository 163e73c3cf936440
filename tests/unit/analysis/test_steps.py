"""Which run each burst of work belongs to: ids of no run, and functions without a run event."""

from __future__ import annotations

from diag.analysis.execution.steps import find_steps
from tests.unit.analysis.traces import analyzed, capture_of, requests_us, stages_us, tiles_exactly

NO_RUN = 2**64 - 1  # -1 as an unsigned number: the step id of helper graphs

THREE_REQUESTS = "".join(
    f"""
line grpc-{n}
  SessionRun {n * 400}000..{n * 400 + 1}000us id={n} _p={n}
line tf_Compute/{n}
  ExecutorState::Process {n * 400000 + 50}..{n * 400000 + 950}us id={n} _c={n}
    m:MatMul {n * 400000 + 60}..{n * 400000 + 900}us
line helper/{n}
  ExecutorState::Process {n * 400000 + 200}..{n * 400000 + 250}us id=-1 _c={NO_RUN}u
    d:MapDataset {n * 400000 + 210}..{n * 400000 + 240}us
  ExecutorDoneCallback {n * 400000 + 251}..{n * 400000 + 252}us id=-1 _c={NO_RUN}u
"""
    for n in (1, 2, 3)
)


def test_helper_graphs_are_no_run_that_is_open_all_the_time() -> None:
    analysis = analyzed(THREE_REQUESTS)
    assert len(analysis.requests) == 3
    assert analysis.counts.censored == 0
    assert stages_us(analysis) == {"queue-executor": 50, "compute": 950}
    (summary,) = analysis.idle
    idle_ns = {cause.value: ns for cause, ns in summary.by_cause_ns.items()}
    assert idle_ns["no-demand"] > 0.99 * summary.idle_ns
    assert idle_ns["queue-executor"] == 3 * 50_000


def test_a_helper_graph_inside_a_burst_is_work_of_that_step() -> None:
    analysis = analyzed(
        f"""
        line grpc-1
          SessionRun 0..1000us id=5 _p=5
        line tf_Compute/1
          ExecutorState::Process 100..800us id=5 _c=5
            ExecutorState::Process 200..300us id=-1 _c={NO_RUN}u
              d:MapDataset 210..290us
            m:MatMul 400..700us
        """
    )
    assert stages_us(analysis)["preprocess"] == 190  # from the op until the model's first


def test_work_of_a_pipeline_on_its_own_thread_belongs_to_the_step_it_names() -> None:
    events = (
        capture_of(
            f"""
        line grpc-1
          SessionRun 0..1000us id=5 _p=55
        line tf_Compute/1
          ExecutorState::Process 100..150us id=5 _c=55
        line tf_data_reduce_dataset
          ReduceDatasetOp::DoCompute 160..900us id=5
            ExecutorState::Process 200..250us id=-1 _c={NO_RUN}u
            InstantiatedCapturedFunction::Run 300..400us id=90
        line tf_data_private_threadpool
          ExecutorState::Process 310..380us id=90 _c=91
          ExecutorDoneCallback 385..390us id=90 _c=91
        """
        )
        .planes[0]
        .events
    )
    steps = find_steps(events)
    assert steps.is_orphan.tolist() == [False, False]
    assert steps.root.tolist() == [0, 0]
    assert steps.burst_step.tolist() == [0, 0, 0]
    assert steps.end_ns.tolist() == [1_000_000, 385_000]


def test_functions_that_a_pipeline_calls_by_itself_are_no_requests_cut_off() -> None:
    analysis = analyzed(
        """
        line tf_data_iterator_resource
          InstantiatedCapturedFunction::RunAsync 100..120us id=90
        line tf_Compute/1
          ExecutorState::Process 130..400us id=90 _c=90
            d:DecodeJpeg 140..390us
          ExecutorDoneCallback 401..402us id=90 _c=90
        """
    )
    assert requests_us(analysis) == []
    assert analysis.counts.censored == 0


def test_a_done_callback_without_an_id_ends_no_run() -> None:
    analysis = analyzed(
        """
        line grpc-1
          SessionRun 0..1000us
        line tf_Compute/1
          ExecutorState::Process 100..200us
          ExecutorDoneCallback 300..310us
        """
    )
    assert stages_us(analysis) == {"unattributed": 1000}
    assert analysis.counts.censored == 0


def test_nested_functions_before_a_later_root_run_keep_their_steps_apart() -> None:
    analysis = analyzed(
        """
        line caller
          FunctionRun 0..5us id=11 _p=11
          FunctionRun 100..105us id=13 _p=13
        line tf_Compute/1
          ExecutorState::Process 10..50us id=11 _c=11
            FunctionRun 15..20us id=12 _p=12
          ExecutorDoneCallback 60..62us _c=11
          ExecutorState::Process 110..120us id=13 _c=13
        line tf_Compute/2
          ExecutorState::Process 22..32us id=12 _c=12
          ExecutorDoneCallback 33..34us _c=12
          ExecutorDoneCallback 131..133us _c=13
        """
    )
    assert tiles_exactly(analysis)
    steps = find_steps(analysis.host.events)
    assert steps.root.tolist() == [0, 1, 0]  # in row order: 11, 13, and 12 that 11 called


def test_a_call_in_a_trace_whose_bursts_are_of_no_run_is_a_request_cut_off() -> None:
    analysis = analyzed(
        """
        line tf_Compute/1
          ExecutorState::ProcessAsync::Start 0..10us _p=7 kernel_type=BatchFunction
          ExecutorState::Process 20..30us id=-1 _c=-1
        """
    )
    assert requests_us(analysis) == []
    assert analysis.counts.censored == 1
