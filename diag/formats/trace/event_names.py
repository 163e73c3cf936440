"""Every event and stat name that the analysis uses, with the upstream file that defines it.

"W" is a header in the TensorFlow 2.21.0 wheel, "S" tensorflow/serving 9d981c5c, "TF" and "XLA" are
the sources of the same runtime. All names occur in traces of TensorFlow 2.21, except where a
comment says otherwise.
"""

from __future__ import annotations

from typing import Final

# -- TensorFlow Serving: S:tensorflow_serving/batching/batching_session.cc; tracer level 1
BATCHING_SESSION_RUN: Final = "BatchingSessionRun"  # the request, blocked until its batch is done
MERGE_INPUT_TENSORS: Final = "MergeInputTensors"  # batch formation

# -- batch scheduler: W:tensorflow/core/kernels/batching_util/shared_batch_scheduler.h; level 1
SCHEDULE_WITHOUT_SPLIT: Final = "ScheduleWithoutSplit"
SCHEDULE_WITH_EAGER_SPLIT: Final = "ScheduleWithEagerSplit"
SCHEDULE_OUTPUT_TASK: Final = "ScheduleOutputTask"  # enqueue of one (sub)task; _p is the batch id
PROCESS_BATCH: Final = "ProcessBatch"  # dequeue to callback end; _c is the batch id
BATCH_TASK_EMPTY: Final = "BatchTask::empty"  # noise
# W:tensorflow/core/kernels/batching_util/adaptive_shared_batch_scheduler.h
ADAPTIVE_SCHEDULE: Final = "ASBSQueue::Schedule"
# A call of a scheduler, which encloses the enqueues of one request.
SCHEDULE_CALLS: Final = (
    SCHEDULE_WITHOUT_SPLIT,
    SCHEDULE_WITH_EAGER_SPLIT,
    ADAPTIVE_SCHEDULE,
)
# TF:tensorflow/core/kernels/batching_util/batch_resource_base.cc
CONCAT_INPUT_TENSORS: Final = "ConcatInputTensors"  # BatchFunction's batch formation

# -- runtime: TF:tensorflow/core/common_runtime/{direct_session,executor}.cc, W:.../function.h
SESSION_RUN: Final = "SessionRun"  # level 2; id = step id, _p
FUNCTION_RUN: Final = "FunctionRun"  # level 2; covers only the launch
EXECUTOR_PROCESS: Final = "ExecutorState::Process"  # level 2; one burst of a step on one thread
EXECUTOR_DONE_CALLBACK: Final = "ExecutorDoneCallback"  # level 2; ends a step or a function, _c
PROCESS_ASYNC_START: Final = "ExecutorState::ProcessAsync::Start"  # level 1; _p, kernel_type
PROCESS_ASYNC_DONE: Final = "ExecutorState::ProcessAsync::Done"  # level 1; _c
# TF:tensorflow/core/framework/log_memory.h (SpecialStepIds; read in 2.21 and 2.3): ids of work that
# is part of no run. Executors bear the last of them, with which helper graphs run on their own
# (TF:tensorflow/core/common_runtime/graph_runner.cc).
SPECIAL_STEP_IDS: Final = range(-6, 0)
# Sessions count the ids of their steps from 0; functions choose negative numbers at random, so as
# not to meet those (W:tensorflow/core/framework/function.h, Options::step_id; 2.3 to 2.21).
# TF:tensorflow/core/kernels/data/*_op.cc: work of a tf.data op on its own thread, such as
# ReduceDatasetOp::DoCompute or IteratorGetNextOp::DoCompute; level 2, id = step id of its run
DATASET_COMPUTE_ENDING: Final = "Op::DoCompute"
# TF:tensorflow/core/kernels/data/reduce_dataset_op.cc: prefix of its iterators' events; level 2
REDUCE_ITERATOR: Final = "ReduceIterator::"
# TF:tensorflow/core/data/captured_function.cc: a pipeline calls a function; level 2, id = step id
# of the function's run
CAPTURED_FUNCTION_RUN: Final = "InstantiatedCapturedFunction::Run"
# TF:tensorflow/core/common_runtime/eager/execute.cc: prefix of an eager call, with the function or
# op that it calls; level 2, on the caller's thread until the results are there
EAGER_CALL: Final = "EagerLocalExecute: "
# TF:tensorflow/core/tfrt/graph_executor/graph_execution_util; level 1, in none of our traces
TFRT_MODEL_RUN: Final = "TfrtModelRun"

# Events of a batch's formation, which name neither the batch nor its requests.
FORMATION_EVENTS: Final = (MERGE_INPUT_TENSORS, CONCAT_INPUT_TENSORS)
# Events that only requests and their batches leave.
SERVING_EVENTS: Final = (
    BATCHING_SESSION_RUN,
    SESSION_RUN,
    PROCESS_BATCH,
    SCHEDULE_OUTPUT_TASK,
    ADAPTIVE_SCHEDULE,
    *FORMATION_EVENTS,
)

# -- inter-op pool: XLA:xla/tsl/profiler/backends/cpu/threadpool_listener.cc; zero-length marks
THREADPOOL_RECORD: Final = "ThreadpoolListener::Record"  # submitted, _p
THREADPOOL_START_REGION: Final = "ThreadpoolListener::StartRegion"  # begins to run, _c
THREADPOOL_STOP_REGION: Final = (
    "ThreadpoolListener::StopRegion"  # no id: ends the line's last start
)
THREADPOOL_MARKS: Final = (THREADPOOL_RECORD, THREADPOOL_START_REGION, THREADPOOL_STOP_REGION)

# -- driver calls on the calling thread's line, by the start of their names: CUPTI's callbacks
# are called after the driver function with its version, e.g. cuMemcpyHtoDAsync_v2
# (XLA:xla/backends/profiler/gpu/cupti_tracer.cc; the newer list hooks no synchronization), ROCm's
# after the HIP function (XLA:xla/backends/profiler/gpu/rocm_tracer.cc); only in traces of ROCm
ALLOCATOR_CALLS: Final = (
    "cuMemAlloc",
    "cuMemFree",
    "cuMemHostAlloc",
    "cuMemHostRegister",
    "cuMemHostUnregister",
    "cuMemPool",
    "cuMemCreate",
    "cuMemMap",
    "hipMalloc",
    "hipFree",
    "hipHostMalloc",
    "hipHostFree",
    "hipHostRegister",
    "hipMemPool",
)
# XLA:xla/tsl/framework/bfc_allocator.cc; level 2, mostly marks of zero length
ALLOCATOR_EVENTS: Final = ("MemoryAllocation", "MemoryDeallocation")
# TensorFlow 2.2 to 2.4 named a host's copy after what the device does
COPY_CALLS: Final = ("cuMemcpy", "hipMemcpy", "MemcpyH2D", "MemcpyD2H")
SYNC_CALLS: Final = (
    "cuStreamSynchronize",
    "cuEventSynchronize",
    "cuCtxSynchronize",
    "hipStreamSynchronize",
    "hipEventSynchronize",
    "hipDeviceSynchronize",
)
MODULE_LOAD_CALLS: Final = (
    "cuModuleLoad",
    "cuLibraryLoad",
    "cuLinkComplete",
    "cuGraphInstantiate",
    "hipModuleLoad",
    "hipGraphInstantiate",
)
# XLA compiles: names of TraceMes in the 2.21 binary (XLA:xla/pjrt/pjrt_stream_executor_client.cc,
# xla/pjrt/gpu/tfrt/tfrt_gpu_client.cc, xla/pjrt/cpu/cpu_client.cc, xla/service/gpu/autotuning/
# autotuner_compile_util.cc, xla/backends/autotuner/autotuner.cc), and of JAX 0.10
# (jax/_src/compiler.py), where an annotated function has its Python name.
COMPILE_EVENTS: Final = (
    "PjRtStreamExecutorClient::CompileInternal",
    "TfrtGpuClient::CompileInternal",
    "PjRtCpuClient::Compile",
    "NanoRtClient::Compile",
    "AutotunerCompile",
    "CompileAll",
    "backend_compile",
)
# TF:tensorflow/compiler/jit/ops/xla_ops.cc; runs also, very briefly, for a compiled cluster
COMPILE_OPS: Final = ("_XlaCompile",)
# TF:tensorflow/core/ops/{io,lookup}_ops.cc: what a SavedModel's restore and init graphs run
LOAD_OPS: Final = (
    "Restore",
    "RestoreV2",
    "RestoreSlice",
    "InitializeTable",
    "InitializeTableV2",
    "InitializeTableFromTextFile",
    "InitializeTableFromTextFileV2",
)
# S:tensorflow_serving/servables/tensorflow/saved_model_warmup_util.cc: threads that replay records
WARM_UP_THREADS: Final = "tf_Warmup_ThreadPool"
# S:tensorflow_serving/core/{aspired_versions_manager,basic_manager}.cc: threads that load models;
# the first by default, as the thread that polls the file system (seen on a live server)
LOAD_THREADS: Final = ("periodic_function/", "tf_BasicManager_Load_ThreadPool")

# TF:tensorflow/core/common_runtime/device/device_event_mgr.cc: threads that wait for work on a GPU
# (or another accelerator); the first name until 2020 (seen in a V100 recording of that year)
GPU_EVENT_THREADS: Final = ("tf_GPU_Event_Manager", "tf_Device_Event_Manager")

# -- planes: W:xla/tsl/profiler/utils/xplane_schema.h
HOST_PLANE: Final = "/host:CPU"
DEVICE_PLANE_PREFIX: Final = "/device:"
GPU_PLANE_PREFIX: Final = "/device:GPU:"
TPU_PLANE_PREFIX: Final = "/device:TPU:"
ENVIRONMENT_PLANE: Final = "Task Environment"
STAT_GPU_MODEL: Final = "gpu_device_name"  # of a GPU plane, from 2023 on
STAT_GPU_VENDOR: Final = "device_vendor"
STAT_DEVICE_TYPE: Final = "device_type_string"  # of a TPU plane
STAT_CAP_MAJOR: Final = "compute_cap_major"  # this and the next five of a GPU plane
STAT_CAP_MINOR: Final = "compute_cap_minor"
STAT_CLOCK_RATE: Final = "clock_rate"  # kHz
STAT_CORE_COUNT: Final = "core_count"
STAT_MEMORY_SIZE: Final = "memory_size"  # bytes
STAT_MEMORY_BANDWIDTH: Final = "memory_bandwidth"  # bytes a second
STAT_PROFILE_START: Final = "profile_start_time"  # of the environment plane, unix ns
STAT_PROFILE_STOP: Final = (
    "profile_stop_time"  # of the same plane; taken after the data was collected
)
STAT_PROFILE_OPTIONS: Final = "profile_options"  # of the same plane; a serialized ProfileOptions

# -- context types of _pt and _ct: W:tsl/profiler/lib/context_types.h; 6 is the adaptive scheduler
CONTEXT_EXECUTOR: Final = 2
CONTEXT_BATCH_SCHEDULER: Final = 4
CONTEXT_THREADPOOL: Final = 15

# -- links: W:tsl/profiler/lib/connected_traceme.h; ids are unsigned 64-bit
STAT_ROOT: Final = "_r"  # level of a root event
STAT_PRODUCER_TYPE: Final = "_pt"
STAT_PRODUCER_ID: Final = "_p"
STAT_CONSUMER_TYPE: Final = "_ct"
STAT_CONSUMER_ID: Final = "_c"

# -- other stats: in the file of the event that carries them, above
STAT_ID: Final = "id"  # step id of a SessionRun, FunctionRun, executor burst or done callback
STAT_STEP_ID: Final = "step_id"  # of ProcessAsync
STAT_ITER_NUM: Final = "iter_num"
STAT_NAME: Final = "name"  # node name, of ProcessAsync
STAT_KERNEL_TYPE: Final = "kernel_type"  # op type, of ProcessAsync
BATCH_FUNCTION: Final = "BatchFunction"  # the kernel_type of an in-graph batcher
STAT_MODEL_ID: Final = "model_id"  # "name:version", only with session metadata
STAT_SIZE: Final = "size"  # rows of a (sub)task
STAT_BATCHING_INPUT_TASK_SIZE: Final = "batching_input_task_size"  # rows of a request
STAT_BATCH_SIZE_BEFORE_PADDING: Final = "batch_size_before_padding"
STAT_BATCH_SIZE_AFTER_PADDING: Final = "batch_size_after_padding"
STAT_PADDING_AMOUNT: Final = "padding_amount"
# XLA:xla/backends/profiler/gpu/cupti_collector.cc, which capitalizes memset details; other
# collectors write them in lower case.
STAT_CORRELATION_ID: Final = "correlation_id"
STAT_DEVICE_ID: Final = "device_id"
STAT_CONTEXT_ID: Final = "context_id"
STAT_KERNEL_DETAILS: Final = "kernel_details"
STAT_MEMCPY_DETAILS: Final = "memcpy_details"
STAT_MEMSET_DETAILS: Final = ("Memset_details", "memset_details")
STAT_ALLOCATION_DETAILS: Final = (
    "memalloc_details",
    "MemFree_details",
    "MemoryResidency_details",
)
STAT_TF_OP: Final = "tf_op"
STAT_HLO_OP: Final = "hlo_op"
STAT_HLO_MODULE: Final = "hlo_module"

# -- Python loops and tf.data (TensorFlow 2.21; own recordings and the sources named)
# TF:tensorflow/core/common_runtime/eager/core.cc: one op or function that Python runs; level 1. Up
# to TensorFlow 2.3 its name holds the op.
EAGER_EXECUTE: Final = "EagerExecute"
EAGER_EXECUTE_EARLIER: Final = "EagerExecute: "
STAT_EAGER_OP: Final = "eager_op"
# jaxlib/pjit.cc and pmap_lib.cc (JAX 0.4.13 to 0.10.2): a call of a jitted function, by its name.
JIT_FUNCTIONS: Final = ("PjitFunction(", "JitFunction(", "PmapFunction(")
# xla/pjrt/cpu/cpu_client.cc (JAX 0.10.2): the threads that execute jitted functions on CPUs.
XLA_CPU_THREADS: Final = "tf_XLAPjRtCpuClient"
# TF:tensorflow/python/eager/polymorphic_function/polymorphic_function.py: a call of a tf.function
STAT_FUNCTION_CALL: Final = "tf_function_call"  # "notTraced-nonXla", "traced-nonXla", "concrete", …
STAT_TRACING_COUNT: Final = "tracing_count"
GRAPH_BUILDING: Final = "tf.function-graph_building"  # one trace of a Python function
# TF:tensorflow/python/framework/{constant_op,tensor_conversion_registry}.py
CONVERSIONS: Final = ("convert_to_tensor", "tf.constant")
# On a Python line at any time: releases of handles and memory, marks of pools.
HOUSEKEEPING: Final = ("TFE_DeleteTensorHandle", "MemoryAllocation", "MemoryDeallocation")
THREADPOOL_PREFIX: Final = "ThreadpoolListener::"
# Annotations of diag in the program.
REQUEST_ANNOTATION: Final = "diag.request"
STAGE_ANNOTATION: Final = "diag.stage:"
# TF:tensorflow/core/framework/dataset.cc, core/data/*, core/kernels/data/*: level 2
ITERATOR_ROOT: Final = "Iterator::Root"
PREFETCH_CONSUME: Final = "PrefetchConsume"
PREFETCH_PRODUCE: Final = "PrefetchProduce"
PRODUCE_ENDING: Final = "Produce"
TF_DATA_THREADS: Final = ("tf_data_", "tf_Compute", "batch_threads_", "tf_numa_", "tf_inter_op")
STAT_PARENT_ID: Final = "parent_id"
STAT_ELEMENT_ID: Final = "element_id"
STAT_PARALLELISM: Final = "parallelism"
STAT_BUFFER_LIMIT: Final = "buffer_limit"
STAT_BUFFERED: Final = "buffered_elements"
STAT_BATCH_SIZE: Final = "batch_size"
STAT_CYCLE_LENGTH: Final = "cycle_length"
STAT_BUFFER_SIZE: Final = "buffer_size"
STAT_THREADPOOL_SIZE: Final = "threadpool_size"
STAT_CPU_BUDGET: Final = "cpu_budget"
STAT_AUTOTUNE: Final = "autotune"
STAT_DETERMINISTIC: Final = "deterministic"

# Types of links would cost 16 bytes per thread pool mark. The event's name implies them, except for
# these events, whose name two schedulers share.
TYPE_STATS: Final = (STAT_PRODUCER_TYPE, STAT_CONSUMER_TYPE)
TYPED_EVENTS: Final = (PROCESS_BATCH, ADAPTIVE_SCHEDULE, SCHEDULE_OUTPUT_TASK)

# Events that only a server with a batcher has.
BATCHER_EVENTS: Final = (BATCHING_SESSION_RUN, *TYPED_EVENTS)

# The stats that decoding keeps; all others are skipped.
INTEGER_STATS: Final = (
    STAT_PRODUCER_ID,
    STAT_CONSUMER_ID,
    *TYPE_STATS,
    STAT_ID,
    STAT_STEP_ID,
    STAT_SIZE,
    STAT_BATCHING_INPUT_TASK_SIZE,
    STAT_BATCH_SIZE_BEFORE_PADDING,
    STAT_BATCH_SIZE_AFTER_PADDING,
    STAT_PADDING_AMOUNT,
    STAT_ITER_NUM,
    STAT_CORRELATION_ID,
    STAT_DEVICE_ID,
    STAT_TRACING_COUNT,
    STAT_PARENT_ID,
    STAT_ELEMENT_ID,
    STAT_PARALLELISM,
    STAT_BUFFER_LIMIT,
    STAT_BUFFERED,
    STAT_BATCH_SIZE,
    STAT_CYCLE_LENGTH,
    STAT_BUFFER_SIZE,
    STAT_THREADPOOL_SIZE,
    STAT_CPU_BUDGET,
)
TEXT_STATS: Final = (
    STAT_NAME,
    STAT_KERNEL_TYPE,
    STAT_MODEL_ID,
    STAT_KERNEL_DETAILS,
    STAT_MEMCPY_DETAILS,
    *STAT_MEMSET_DETAILS,
    *STAT_ALLOCATION_DETAILS,
    STAT_TF_OP,
    STAT_HLO_OP,
    STAT_HLO_MODULE,
    STAT_EAGER_OP,
    STAT_FUNCTION_CALL,
    STAT_AUTOTUNE,
    STAT_DETERMINISTIC,
)
