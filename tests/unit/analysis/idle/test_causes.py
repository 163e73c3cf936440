"""Every cause on a GPU, each from a few lines: piece, confidence and evidence (us)."""

from __future__ import annotations

from dataclasses import replace

from diag.analysis import analyze
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.samples import ServedModel, ServerInfo
from tests.unit.analysis.idle.tables import END, HOST, KERNEL, gpu, row_at, rows, step
from tests.unit.analysis.traces import ASYNC_START, QUEUE_A, analyzed, capture_of, tiles_exactly

KNOWN = BatchingParameters(max_batch_size=4, batch_timeout_micros=2000, num_batch_threads=1)

CALLS = step(
    1,
    "d:DecodeJpeg 1200..2800us",
    "cuMemcpyHtoDAsync_v2 2900..3000us correlation_id=1 device_id=0",
    "m:MatMul 3100..3400us",
    "  gemm 3200..3300us correlation_id=2 device_id=0",
    "cuMemAlloc_v2 3600..3900us correlation_id=3 device_id=0",
    "n:MatMul 4600..4900us",
    "  gemm 4700..4800us correlation_id=4 device_id=0",
    "cuStreamSynchronize 5500..8800us correlation_id=5",
)
STREAM = gpu(
    'MemcpyH2D 3000..3100us correlation_id=1 memcpy_details="kind_src:host kind_dst:device"',
    f"gemm 3300..3500us correlation_id=2 {KERNEL}",
    f"gemm 5000..6000us correlation_id=4 {KERNEL}",
)
KERNEL_AT_2200 = gpu(f"gemm 2200..3000us correlation_id=1 {KERNEL}")
LAUNCH_AT_2010 = "gemm 2010..2020us correlation_id=1"


def test_a_request_without_a_batcher_passes_through_host_work_copies_launches_and_a_wait() -> None:
    analysis = analyzed(HOST + CALLS + END + STREAM)
    assert rows(analysis) == [
        # A request as long as this one may have been cut without leaving a mark.
        (0, 1000, "trace-edge", "low", "", ""),
        (1000, 1100, "queue-executor", "medium", "", "SessionRun"),
        (1100, 2900, "preprocess", "high", "", "d:DecodeJpeg"),
        (2900, 3000, "transfer", "high", "preprocess", "cuMemcpyHtoDAsync_v2"),
        (3100, 3300, "launch", "high", "", "gemm"),
        (3500, 3600, "launch", "high", "", "ExecutorState::Process"),
        (3600, 3900, "allocator", "high", "launch", "cuMemAlloc_v2"),
        (3900, 5000, "launch", "high", "", "gemm"),
        (6000, 9000, "sync-or-output", "high", "", "cuStreamSynchronize"),
        (9000, 12000, "no-demand", "high", "", ""),
        (12000, 20000, "trace-edge", "low", "", ""),
    ]
    assert tiles_exactly(analysis)


def test_a_batch_passes_through_queue_threads_and_run() -> None:
    analysis = analyzed(
        f"""{HOST}
        line grpc
          BatchingSessionRun 1000..9000us
            ScheduleOutputTask 1010..1012us size=1 _p={QUEUE_A + 1}
        line b/1
          ProcessBatch 3200..8900us batch_size_before_padding=1 _c={QUEUE_A + 1}
            MergeInputTensors 3250..3350us batch_size_after_padding=1
            SessionRun 3500..7100us id=1 _p=1
        line tf_Compute/1
          ExecutorState::Process 3600..7100us id=1 _c=1
            d:DecodeJpeg 3600..4000us
            m:MatMul 4000..4400us
              gemm 4100..4110us correlation_id=2
        """
        + END
        + gpu(f"gemm 4200..7000us correlation_id=2 {KERNEL}"),
        KNOWN,
    )
    assert rows(analysis) == [
        # A batch that was taken before the window may have been under way.
        (0, 1000, "trace-edge", "low", "", ""),
        (1000, 1010, "unexplained", "low", "", "BatchingSessionRun"),
        (1010, 3010, "queue-fill", "high", "", "ScheduleOutputTask"),
        (3010, 3200, "queue-dispatch", "high", "", "ScheduleOutputTask"),
        (3200, 3500, "batch-threads-in-host-work", "high", "", "MergeInputTensors"),
        (3500, 3600, "queue-executor", "medium", "", "SessionRun"),
        (3600, 4200, "preprocess", "high", "", "d:DecodeJpeg"),
        (7000, 9000, "sync-or-output", "high", "", "ProcessBatch"),
        (9000, 20000, "no-demand", "high", "", ""),
    ]


def test_estimated_parameters_make_the_wait_in_the_queue_less_certain() -> None:
    text = f"""{HOST}
    line grpc
      BatchingSessionRun 1000..4000us
        ScheduleOutputTask 1010..1012us size=1 _p={QUEUE_A + 1}
    line b/1
      ProcessBatch 3200..3900us batch_size_before_padding=1 _c={QUEUE_A + 1}
        SessionRun 3200..3900us id=1 _p=1
    line tf_Compute/1
      ExecutorState::Process 3200..3900us id=1 _c=1
        gemm 3250..3260us correlation_id=2
    """
    text += END + gpu(f"gemm 3300..3900us correlation_id=2 {KERNEL}")
    assert row_at(analyzed(text), 1500)[2:4] == ("queue-fill", "medium")
    assert row_at(analyzed(text, KNOWN), 1500)[2:4] == ("queue-fill", "high")
    assert row_at(analyzed(text, KNOWN), 3100)[2:] == (
        "queue-dispatch",
        "high",
        "",
        "ScheduleOutputTask",
    )


def test_requests_ahead_of_a_batcher_in_the_graph_prepare_its_batches() -> None:
    analysis = analyzed(
        f"""{HOST}
        line grpc-9
          SessionRun 1000..9000us id=9 _p=9
        line tf_Compute/9
          ExecutorState::Process 1200..2000us id=9 _c=9
            p:Placeholder 1300..1980us
            {ASYNC_START} 1990..1995us step_id=9 _p=90 kernel_type=BatchFunction
              ScheduleOutputTask 1991..1992us size=1 _p={QUEUE_A + 1}
        line b/1
          ProcessBatch 2500..8900us batch_size_before_padding=1 _c={QUEUE_A + 1}
            FunctionRun 2600..2610us id=1 _p=1
        line tf_Compute/1
          ExecutorState::Process 2700..3500us id=1 _c=1
            m:MatMul 2800..3400us
              gemm 3100..3110us correlation_id=2
          ExecutorDoneCallback 7000..7400us id=1 _c=1
            ExecutorState::ProcessAsync::Done 7100..7200us _c=90
        line tf_Compute/8
          ExecutorState::Process 7300..7500us id=9 _c=9
        """
        + END
        + gpu(f"gemm 3200..6000us correlation_id=2 {KERNEL}"),
        BatchingParameters(max_batch_size=4, batch_timeout_micros=0, num_batch_threads=1),
    )
    assert rows(analysis)[1:8] == [
        (1000, 1200, "queue-executor", "medium", "", "SessionRun"),
        # The whole of the graph ahead, since all of it comes before the device's work.
        (1200, 1990, "preprocess", "high", "", "p:Placeholder"),
        (1990, 1991, "unexplained", "low", "", "SessionRun"),
        (1991, 2500, "queue-dispatch", "high", "", "ScheduleOutputTask"),
        (2500, 2600, "batch-threads-in-host-work", "high", "", "ProcessBatch"),
        (2600, 2700, "queue-executor", "medium", "", "FunctionRun"),
        (2700, 3200, "preprocess", "high", "", "m:MatMul"),
    ]


def test_modules_load_and_programs_compile_in_a_cold_start() -> None:
    for event in (
        "cuModuleLoadData 1300..1800us correlation_id=9",
        "cuGraphInstantiateWithFlags 1300..1800us correlation_id=9",
        "hipModuleLoadDataEx 1300..1800us correlation_id=9",
        "PjRtStreamExecutorClient::CompileInternal 1300..1800us",
        "backend_compile_and_load 1300..1800us",
    ):
        host = step(1, event, LAUNCH_AT_2010)
        found = row_at(analyzed(HOST + host + END + KERNEL_AT_2200), 1500)
        assert found == (1300, 1800, "cold-start", "high", "preprocess", event.split()[0])


def test_a_compiling_op_that_finds_its_cluster_compiled_is_no_cold_start() -> None:
    host = step(1, "cluster:_XlaCompile 1200..1300us", LAUNCH_AT_2010)
    assert row_at(analyzed(HOST + host + END + KERNEL_AT_2200), 1250)[2] == "preprocess"
    slow = step(1, "cluster:_XlaCompile 1200..3200us", "gemm 4000..4010us correlation_id=1")
    later = gpu(f"gemm 4200..5000us correlation_id=1 {KERNEL}")
    assert row_at(analyzed(HOST + slow + END + later), 1250)[2] == "cold-start"


def test_the_drivers_own_records_of_lazy_loading_are_a_cold_start_without_a_host_event() -> None:
    records = "line CUPTI overhead\n  LAZY_FUNCTION_LOADING 1300..1800us\n"
    host = step(1, LAUNCH_AT_2010)
    found = row_at(analyzed(HOST + host + END + KERNEL_AT_2200 + records), 1500)
    assert found == (
        1300,
        1800,
        "cold-start",
        "high",
        "preprocess",
        "",
    )


def test_such_records_on_a_host_thread_are_named_and_a_full_command_buffer_is_none() -> None:
    for record, cause in (
        ("RUNTIME_TRIGGERED_MODULE_LOADING", "cold-start"),
        ("COMMAND_BUFFER_FULL", "preprocess"),
    ):
        other_line = f"\nline 4711\n  {record} 1300..1800us\n"
        analysis = analyzed(HOST + step(1, LAUNCH_AT_2010) + other_line + END + KERNEL_AT_2200)
        found = row_at(analysis, 1500)
        assert found[2] == cause
        assert (found[5] == record) == (cause == "cold-start")


def test_memory_of_devices_and_pinned_memory_is_the_allocator() -> None:
    for call in (
        "cuMemAlloc_v2",
        "cuMemFree_v2",
        "cuMemHostAlloc",
        "cuMemAllocHost_v2",
        "cuMemHostRegister_v2",
        "hipMalloc",
        "MemoryAllocation",
    ):
        host = step(1, f"{call} 1300..1800us", LAUNCH_AT_2010)
        found = row_at(analyzed(HOST + host + END + KERNEL_AT_2200), 1500)
        assert found == (1300, 1800, "allocator", "high", "preprocess", call)


def test_an_allocation_that_works_for_no_request_explains_nothing() -> None:
    other_line = "\nline loader\n  cuMemAlloc_v2 10000..11000us correlation_id=9\n"
    host = step(1, LAUNCH_AT_2010)
    analysis = analyzed(HOST + host + other_line + END + KERNEL_AT_2200)
    assert "allocator" not in [row[2] for row in rows(analysis)]


def test_the_tracers_own_records_are_the_profilers() -> None:
    records = "line CUPTI overhead\n  BUFFER_FLUSH 3500..3700us\n"
    analysis = analyzed(HOST + step(1, LAUNCH_AT_2010) + END + KERNEL_AT_2200 + records)
    assert row_at(analysis, 3600) == (3500, 3700, "profiler", "high", "sync-or-output", "")
    on_a_thread = "\nline 4711\n  BUFFER_FLUSH 3500..3700us\n"
    analysis = analyzed(HOST + step(1, LAUNCH_AT_2010) + on_a_thread + END + KERNEL_AT_2200)
    assert row_at(analysis, 3600)[2:] == ("profiler", "high", "sync-or-output", "BUFFER_FLUSH")


def test_the_tracers_own_records_hold_up_nothing_where_nothing_is_open() -> None:
    records = "line CUPTI overhead\n  BUFFER_FLUSH 8500..11000us\n"
    analysis = analyzed(HOST + step(1, LAUNCH_AT_2010) + END + KERNEL_AT_2200 + records)
    assert row_at(analysis, 8700)[:3] == (8500, 9000, "profiler")
    assert row_at(analysis, 10500)[:3] == (9000, 12000, "no-demand")


def test_after_dropped_events_the_rest_is_the_profilers_too() -> None:
    dropped = (
        "warning Detected GPU events dropped on host: Profiler has collected 7 driver events and "
        "7 device events. 12 events dropped because total device(activity) events reaches max;\n"
    )
    analysis = analyzed(dropped + HOST + step(1, LAUNCH_AT_2010) + END + KERNEL_AT_2200)
    assert row_at(analysis, 5000)[:4] == (3000, 9000, "profiler", "medium")
    # But only where something is open, or may be: as long as the longest request, from the end.
    assert row_at(analysis, 10000)[:3] == (9000, 12000, "no-demand")
    assert row_at(analysis, 15000)[:3] == (12000, 20000, "profiler")


def test_a_model_loads_while_a_request_is_open() -> None:
    analysis = analyzed(
        HOST
        + step(1, "save/RestoreV2:RestoreV2 1200..8000us")
        + step(2, "gemm 2000..2010us correlation_id=1", begin=1500, end=3000)
        + END
        + gpu(f"gemm 2200..2500us correlation_id=1 {KERNEL}")
    )
    assert rows(analysis)[1:4] == [
        (1500, 1600, "model-load", "medium", "queue-executor", "save/RestoreV2:RestoreV2"),
        (1600, 2200, "preprocess", "medium", "model-load", "ExecutorState::Process"),
        (2500, 3000, "model-load", "high", "sync-or-output", "save/RestoreV2:RestoreV2"),
    ]


def test_a_warm_up_is_a_model_load_by_its_thread_and_the_model_s_status() -> None:
    text = step(1, "m:MatMul 1200..1300us").replace("line grpc-1", "line tf_Warmup_ThreadPool/7")
    waiting = """
    line grpc-2
      SessionRun 4000..13000us id=2 _p=2
    line tf_Compute/2
      ExecutorState::Process 10900..12900us id=2 _c=2
        gemm 11000..11010us correlation_id=1
    """
    kernel = gpu(f"gemm 11100..12000us correlation_id=1 {KERNEL}")
    not_asked = Unavailable("not asked")
    server = ServerInfo((ServedModel("m", 2, "LOADING"),), not_asked, not_asked)
    capture = replace(capture_of(HOST + text + waiting + END + kernel), server=server)
    analysis = analyze(capture)
    assert row_at(analysis, 5000)[2] == "model-load"


def test_a_step_between_two_kernels_without_a_burst_waits_for_a_thread() -> None:
    text = """
    line grpc
      SessionRun 1000..9000us id=1 _p=1
    line tf_Compute/1
      ExecutorState::Process 1100..2000us id=1 _c=1
        gemm 1500..1510us correlation_id=1
      ExecutorState::Process 5000..6000us id=1 _c=1
        gemm 5500..5510us correlation_id=2
    """
    stream = gpu(
        f"gemm 1600..1700us correlation_id=1 {KERNEL}",
        f"gemm 5600..5700us correlation_id=2 {KERNEL}",
    )
    assert rows(analyzed(HOST + text + END + stream))[3:6] == [
        (1700, 2000, "launch", "high", "", "ExecutorState::Process"),
        (2000, 5000, "queue-executor", "medium", "", "SessionRun"),
        (5000, 5600, "launch", "high", "", "gemm"),
    ]


def test_a_closure_that_waits_in_the_pool_shows_the_wait() -> None:
    text = """
    line grpc
      SessionRun 1000..9000us id=1 _p=1
        ThreadpoolListener::Record @1000us _p=5
    line tf_Compute/1
      ThreadpoolListener::StartRegion @3000us _c=5
      ExecutorState::Process 3000..8900us id=1 _c=1
        gemm 4000..4010us correlation_id=1
    """
    analysis = analyzed(HOST + text + END + gpu(f"gemm 4100..8900us correlation_id=1 {KERNEL}"))
    assert row_at(analysis, 2000) == (
        1000,
        3000,
        "queue-executor",
        "high",
        "",
        "ThreadpoolListener::Record",
    )


def test_a_run_without_bursts_prepares_launches_and_ends() -> None:
    text = """
    line python
      SessionRun 1000..9000us id=1 _p=1
        gemm 2000..2010us correlation_id=1
        gemm 4000..4010us correlation_id=2
    """
    stream = gpu(
        f"gemm 2200..3000us correlation_id=1 {KERNEL}",
        f"gemm 4200..6000us correlation_id=2 {KERNEL}",
    )
    found = rows(analyzed(HOST + text + END + stream))
    assert found[1:4] == [
        (1000, 2200, "preprocess", "high", "", "SessionRun"),
        (3000, 4200, "launch", "high", "", "gemm"),
        (6000, 9000, "sync-or-output", "medium", "", "SessionRun"),
    ]


def test_a_model_that_loads_while_no_request_waits_holds_nothing_up() -> None:
    loader = step(
        1,
        "save/RestoreV2:RestoreV2 1200..8000us",
        "cuMemAlloc_v2 8100..8300us correlation_id=9 device_id=0",
        "cuModuleLoadData 8400..8600us device_id=0",
        "cuMemcpyHtoDAsync_v2 8700..8800us correlation_id=8 device_id=0",
    )
    other = step(2, "gemm 11000..11010us correlation_id=1", begin=10500, end=13000)
    kernel = gpu(f"k 100..200us {KERNEL}", f"gemm 11100..12000us correlation_id=1 {KERNEL}")
    analysis = analyzed(HOST + loader + other + END + kernel)
    for at_us in (5000, 8200, 8500, 8750):
        assert row_at(analysis, at_us)[2] == "no-demand"


def test_a_gap_before_work_that_was_launched_is_the_devices_own() -> None:
    ahead = step(
        1,
        "gemm 1200..1210us correlation_id=1",
        "relu 1300..1310us correlation_id=2",
        begin=1000,
        end=9000,
    ).replace("Process 1100..8900us", "Process 1100..1400us")
    other = step(2, "d:DecodeJpeg 1600..8000us", "k 8200..8210us correlation_id=3", begin=1500)
    kernels = gpu(
        f"gemm 2000..3000us correlation_id=1 {KERNEL}",
        f"relu 3500..4000us correlation_id=2 {KERNEL}",
        f"k 8300..8500us correlation_id=3 {KERNEL}",
    )
    found = rows(analyzed(HOST + ahead + other + END + kernels))
    assert found[2:5] == [
        (1100, 2000, "preprocess", "high", "queue-executor", "d:DecodeJpeg"),
        (3000, 3500, "launch", "high", "preprocess", "relu"),
        (4000, 8300, "preprocess", "high", "sync-or-output", "d:DecodeJpeg"),
    ]


def test_work_that_a_loader_launched_is_not_waited_for() -> None:
    loader = step(
        1, "save/RestoreV2:RestoreV2 1200..1300us", "copy 1400..1410us correlation_id=1", end=5000
    )
    copies = gpu(
        f"copy 1500..1600us correlation_id=1 {KERNEL}",
        f"copy 4000..4100us correlation_id=1 {KERNEL}",
    )
    analysis = analyzed(HOST + loader + END + copies)
    assert row_at(analysis, 3000)[2] == "no-demand"
