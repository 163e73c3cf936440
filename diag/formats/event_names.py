"""Every event and stat name the analysis relies on, with the upstream file it was read in.

"W" is a header in the TensorFlow 2.21.0 wheel, "S" tensorflow/serving 9d981c5c, "TF" and "XLA" the
sources of the same runtime; all names were seen in traces of TensorFlow 2.21 unless it says so.
"""

from __future__ import annotations

from typing import Final

# -- TensorFlow Serving: S:tensorflow_serving/batching/batching_session.cc; tracer level 1 ---------
BATCHING_SESSION_RUN: Final = "BatchingSessionRun"  # the request, blocked until its batch is done
MERGE_INPUT_TENSORS: Final = "MergeInputTensors"  # batch formation

# -- batch scheduler: W:tensorflow/core/kernels/batching_util/shared_batch_scheduler.h; level 1 ----
SCHEDULE_WITHOUT_SPLIT: Final = "ScheduleWithoutSplit"
SCHEDULE_WITH_EAGER_SPLIT: Final = "ScheduleWithEagerSplit"
SCHEDULE_OUTPUT_TASK: Final = "ScheduleOutputTask"  # enqueue of one (sub)task; _p is the batch id
PROCESS_BATCH: Final = "ProcessBatch"  # dequeue to callback end; _c is the batch id
BATCH_TASK_EMPTY: Final = "BatchTask::empty"  # noise
# W:tensorflow/core/kernels/batching_util/adaptive_shared_batch_scheduler.h
ADAPTIVE_SCHEDULE: Final = "ASBSQueue::Schedule"
# TF:tensorflow/core/kernels/batching_util/batch_resource_base.cc
CONCAT_INPUT_TENSORS: Final = "ConcatInputTensors"  # BatchFunction's batch formation

# -- runtime: TF:tensorflow/core/common_runtime/{direct_session,executor}.cc, W:.../function.h -----
SESSION_RUN: Final = "SessionRun"  # level 2; id = step id, _p
FUNCTION_RUN: Final = "FunctionRun"  # level 2; covers only the launch
EXECUTOR_PROCESS: Final = "ExecutorState::Process"  # level 2; one burst of a step on one thread
EXECUTOR_DONE_CALLBACK: Final = "ExecutorDoneCallback"  # level 2; ends a step or a function, _c
PROCESS_ASYNC_START: Final = "ExecutorState::ProcessAsync::Start"  # level 1; _p, kernel_type
PROCESS_ASYNC_DONE: Final = "ExecutorState::ProcessAsync::Done"  # level 1; _c
# TF:tensorflow/core/tfrt/graph_executor/graph_execution_util; level 1, not seen in our traces
TFRT_MODEL_RUN: Final = "TfrtModelRun"

# -- inter-op pool: XLA:xla/tsl/profiler/backends/cpu/threadpool_listener.cc; zero-length marks ----
THREADPOOL_RECORD: Final = "ThreadpoolListener::Record"  # submitted, _p
THREADPOOL_START_REGION: Final = "ThreadpoolListener::StartRegion"  # begins to run, _c
THREADPOOL_STOP_REGION: Final = "ThreadpoolListener::StopRegion"  # no id: ends the line's last start

# -- planes: W:xla/tsl/profiler/utils/xplane_schema.h ----------------------------------------------
HOST_PLANE: Final = "/host:CPU"
DEVICE_PLANE_PREFIX: Final = "/device:"
ENVIRONMENT_PLANE: Final = "Task Environment"
# XLA:xla/tsl/profiler/convert/post_process_single_host_xplane.cc, uint64 ns since the epoch
PROFILE_START_TIME: Final = "profile_start_time"

# -- context types of _pt and _ct: W:tsl/profiler/lib/context_types.h ------------------------------
CONTEXT_EXECUTOR: Final = 2
CONTEXT_BATCH_SCHEDULER: Final = 4
CONTEXT_ADAPTIVE_BATCH_SCHEDULER: Final = 6
CONTEXT_THREADPOOL: Final = 15

# Links (W:tsl/profiler/lib/connected_traceme.h): ids of producer and consumer, and their types.
# The types cost a quarter of a column a thread pool mark and follow from the event's name except
# here, where two schedulers share a name.
TYPE_STATS: Final = ("_pt", "_ct")
TYPED_EVENTS: Final = (PROCESS_BATCH, ADAPTIVE_SCHEDULE, SCHEDULE_OUTPUT_TASK)

# Stats that decoding keeps; all others are skipped. Names as W:xplane_schema.h or the event's file.
INTEGER_STATS: Final = (
    "_p",
    "_c",
    *TYPE_STATS,
    "id",
    "step_id",
    "size",
    "batching_input_task_size",
    "batch_size_before_padding",
    "batch_size_after_padding",
    "padding_amount",
    "iter_num",
    "correlation_id",
    "device_id",
)
# XLA:xla/backends/profiler/gpu/cupti_collector.cc writes kernel and copy details.
TEXT_STATS: Final = (
    "name",
    "kernel_type",
    "model_id",
    "kernel_details",
    "memcpy_details",
    "Memset_details",
    "memset_details",
    "tf_op",
    "hlo_op",
    "hlo_module",
)
