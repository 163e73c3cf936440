"""How stages and causes are called in a verdict's sentence."""

from __future__ import annotations

from diag.analysis.result import Analysis
from diag.model.gaps import IdleCause
from diag.model.serving import Stage

# "Requests take ..., 65% of it ..."
WAIT_TEXT = {
    Stage.PREPROCESS: "in preprocessing ops inside the graph",
    Stage.QUEUE_FILL: "waiting for a batch to fill or time out",
    Stage.QUEUE_THREAD: "ready, waiting for a free batch thread",
    Stage.QUEUE_DISPATCH: "ready, waiting for the batch scheduler to look",
    Stage.QUEUE_EXECUTOR: "runnable, waiting for an inter-op thread",
    Stage.SCHEDULE: "getting into the batching queue",
    Stage.BATCH_FORMATION: "having their batch put together",
    Stage.BATCH_SPLIT: "having their outputs split off and being woken",
    Stage.POSTPROCESS: "in host work after the model",
}
# "... stood idle 61% of the window: 40% ..."
IDLE_TEXT = {
    IdleCause.PROFILER: "with the profiler busy or its events lost",
    IdleCause.THROTTLED: "with the server's CPU throttled",
    IdleCause.ALLOCATOR: "waiting for memory to be allocated",
    IdleCause.COLD_START: "compiling, tuning or loading kernels",
    IdleCause.TRANSFER: "with the host preparing copies",
    IdleCause.LAUNCH: "waiting for the host to launch the next kernel",
    IdleCause.PREPROCESS: "in preprocessing ops",
    IdleCause.MODEL_LOAD: "with a model being loaded",
    IdleCause.QUEUE_EXECUTOR: "waiting for inter-op threads",
    IdleCause.BATCH_THREADS_IN_HOST_WORK: "with batch threads in host work",
    IdleCause.QUEUE_DISPATCH: "waiting for the batch scheduler",
    IdleCause.QUEUE_FILL: "waiting for batches to fill",
    IdleCause.SYNC_OR_OUTPUT: "with outputs being awaited, split and sent",
    IdleCause.INGRESS: "with requests being received and parsed",
    IdleCause.TRACE_EDGE: "at the window's edges, where requests may have been cut",
    IdleCause.UNEXPLAINED: "unexplained",
    IdleCause.NO_DEMAND: "without any request",
}
# "What holds them up most is ...": what no request's own stage is to blame for.
MACHINE_TEXT = {
    IdleCause.PROFILER: "the recording itself",
    IdleCause.THROTTLED: "the operating system, which kept the server from the CPU",
    IdleCause.ALLOCATOR: "the allocation of memory",
    IdleCause.COLD_START: "the compiling, tuning or loading of kernels",
    IdleCause.TRANSFER: "the host's part in copying inputs and outputs",
    IdleCause.MODEL_LOAD: "the loading of a model",
}


def name_preprocess_ops(analysis: Analysis) -> str:
    """`` (`DecodeJpeg` and `ResizeArea`)``: those with most time; "" if none was seen."""
    names = [f"`{op.op_type}`" for op in analysis.ops if op.is_preprocess][:2]
    return f" ({' and '.join(names)})" if names else ""
