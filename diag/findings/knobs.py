"""What to change for each cause, with today's value where it is known."""

from __future__ import annotations

from collections.abc import Iterable

from diag.analysis.cupti_access import fix_for, numbered_fixes
from diag.analysis.result import Analysis
from diag.findings.device import DEVICE_WAIT, NOT_TRACED, OTHER_PROCESS, costliest
from diag.findings.shares import preprocesses_in_batches
from diag.model.availability import Unavailable
from diag.model.gaps import IdleCause
from diag.model.serving import Origin, Parameter, Queue, Stage


def knob_for(cause: str, analysis: Analysis) -> str:
    """The knob as an instruction; "" where there is nothing to turn.

    Sources: the batching guide of tensorflow/serving 9d981c5c (batching/README.md), its flags
    (model_servers/main.cc) and session_bundle_config.proto.
    """
    queues = [summary.queue for summary in analysis.queues]
    timeout = _now([q.batch_timeout_ns for q in queues], 1000)
    threads = _now([q.num_batch_threads for q in queues])
    batch_fill = (
        f"Lower batch_timeout_micros{timeout}; 0 is legitimate: then batches grow only while all "
        "batch threads are busy."
    )
    batch_threads = (
        f"Raise num_batch_threads{threads} if cores are idle, or take host work out of the batch; "
        "if the model itself keeps the threads busy, larger batches or another replica."
    )
    executor = (
        "Give the runtime threads and cores: --tensorflow_inter_op_parallelism, CPU limits, fewer "
        "models on this host; if all cores are busy, fewer requests at once or another replica."
    )
    output = (
        "Let another batch run while one is being answered: more requests at once from the "
        f"clients, more num_batch_threads{_are(threads)}; return fewer or smaller outputs."
    )
    device_wait = (
        "All models of a server share one compute stream a GPU: give the one that fills it a "
        "server of its own (MPS or MIG share the GPU), or add a replica."
    )
    if len(analysis.models) < 2:
        device_wait = (
            "Runs of a model follow each other on the GPU's one compute stream: fewer at once "
            "(num_batch_threads), larger batches, or another replica."
        )
    dispatch = (
        "Idle batch threads look every 1 ms, which no flag changes; a longer wait means they "
        "got no CPU: raise CPU limits or lower the number of threads."
    )
    more = "--tensorflow_inter_op_parallelism"
    if preprocesses_in_batches(analysis):
        more = f"raise num_batch_threads{threads}"
    preprocess = (
        "Move preprocessing out of the serving graph, to the client or a CPU tier of its own; if "
        f"cores are idle, let more of it run at once: {more}."
    )
    return {
        Stage.QUEUE_FILL.value: batch_fill,
        IdleCause.QUEUE_FILL.value: batch_fill,
        Stage.QUEUE_THREAD.value: batch_threads,
        IdleCause.BATCH_THREADS_IN_HOST_WORK.value: batch_threads,
        Stage.QUEUE_DISPATCH.value: dispatch,
        IdleCause.QUEUE_DISPATCH.value: dispatch,
        Stage.QUEUE_EXECUTOR.value: executor,
        IdleCause.QUEUE_EXECUTOR.value: executor,
        Stage.PREPROCESS.value: preprocess,
        "padding": (
            f"Add smaller entries to allowed_batch_sizes (batches hold {_rows(analysis)} rows on "
            "average); its last entry must stay max_batch_size."
        ),
        IdleCause.LAUNCH.value: (
            f"Launch less{_kernels(analysis)}: XLA (--xla_gpu_compilation_enabled, with the model "
            "compiled for it), TF-TRT or fused ops; larger batches share the same launches."
        ),
        IdleCause.TRANSFER.value: (
            f"Copy less{_bytes(analysis)}: send uint8 or smaller inputs and cast on the GPU, "
            "return fewer outputs (output_filter), keep the graph off the CPU in its middle."
        ),
        DEVICE_WAIT: device_wait,
        NOT_TRACED: fix_for(analysis.device_loss.errors)
        or f"Let the server's GPU tracer in: {numbered_fixes()}.",
        OTHER_PROCESS: (
            "Keep the other process off this GPU: schedule it elsewhere, split the GPU with MIG, "
            "or forbid sharing (nvidia-smi -c EXCLUSIVE_PROCESS)."
        ),
        Stage.BATCH_SPLIT.value: output,
        Stage.POSTPROCESS.value: output,
        IdleCause.SYNC_OR_OUTPUT.value: output,
        IdleCause.COLD_START.value: (
            "Warm up before traffic: assets.extra/tf_serving_warmup_requests with every batch size "
            "in allowed_batch_sizes; keep shapes few."
        ),
        IdleCause.MODEL_LOAD.value: (
            "Load models away from the peak: --num_load_threads=1, a staggered roll-out, fewer "
            "versions a server."
        ),
        IdleCause.ALLOCATOR.value: (
            "Let the GPU's memory be taken at the start (no TF_FORCE_GPU_ALLOW_GROWTH), and leave "
            "room: fewer models or versions, smaller max_batch_size."
        ),
        IdleCause.THROTTLED.value: (
            "Raise the container's CPU limit or run fewer threads: the kernel stopped the server."
        ),
        IdleCause.PROFILER.value: (
            "The recording disturbed what it measured: capture for less long, or at "
            "--host-tracer-level 1."
        ),
        IdleCause.INGRESS.value: (
            "Make requests cheaper to receive: gRPC instead of JSON, tensor_content or encoded "
            "bytes instead of lists of numbers, more --rest_api_num_threads or --grpc_max_threads."
        ),
        "saturated": "Add a replica, or make the model cheaper; batching settings cannot help.",
        "no-demand": "Nothing to turn: scale in, or let models share this host.",
    }.get(cause, "")


# A cause of idle time and the stage whose knob it shares.
_SAME_AS = {
    IdleCause.QUEUE_FILL: Stage.QUEUE_FILL,
    IdleCause.BATCH_THREADS_IN_HOST_WORK: Stage.QUEUE_THREAD,
    IdleCause.QUEUE_EXECUTOR: Stage.QUEUE_EXECUTOR,
}


def verify_for(cause: str) -> str:
    """How to see that turning the knob helped."""
    again = "Capture again under the same load: "
    expected = {
        Stage.QUEUE_FILL.value: "queue-fill p50 near the new timeout, compute no worse.",
        Stage.QUEUE_THREAD.value: "queue-thread gone, compute per batch no longer than before.",
        Stage.QUEUE_EXECUTOR.value: "queue-executor down, compute unchanged.",
        Stage.PREPROCESS.value: "preprocess down by what was moved, idle time with waiting down.",
        "padding": "padding down, service time of batches down.",
        IdleCause.LAUNCH.value: "kernels a request down, launch-bound score down.",
        IdleCause.TRANSFER.value: "bytes a request down, transfer-in down.",
        DEVICE_WAIT: "device-wait down, compute unchanged.",
        NOT_TRACED: "the trace then has a GPU plane, and the samples agree with it.",
        OTHER_PROCESS: "sampled and traced utilization agree.",
        IdleCause.SYNC_OR_OUTPUT.value: "more batches at once, idle in sync-or-output down.",
    }
    for cause_of_gap, stage in _SAME_AS.items():
        expected[cause_of_gap.value] = expected[stage.value]
    return again + expected[cause] if cause in expected else ""


def parameters_are_told(analysis: Analysis) -> bool:
    """Whether every queue's parameters come from the server rather than from estimates."""
    return all(
        isinstance(value, Parameter) and value.origin is not Origin.ESTIMATED
        for summary in analysis.queues
        for value in _parameters(summary.queue)
    )


def _parameters(queue: Queue) -> tuple[Parameter | Unavailable, ...]:
    return (queue.batch_timeout_ns, queue.max_batch_size, queue.num_batch_threads)


def _now(values: Iterable[Parameter | Unavailable], divisor: int = 1) -> str:
    """`` from 2`` where all queues agree on a value, else nothing."""
    known = {
        (value.value // divisor, value.origin) for value in values if isinstance(value, Parameter)
    }
    if len({value for value, _ in known}) != 1:
        return ""
    value, origin = min(known, key=lambda item: item[1].value)
    return f" from about {_rounded(value)}" if origin is Origin.ESTIMATED else f" from {value}"


def _rounded(value: int) -> int:
    """To two digits: an estimate is no better."""
    digits = max(0, len(str(value)) - 2)
    return round(value, -digits)


def _are(now: str) -> str:
    """`` (now 1)`` of `` from 1``."""
    return f" (now{now.removeprefix(' from')})" if now else ""


def _kernels(analysis: Analysis) -> str:
    cost = costliest(analysis)
    return "" if cost is None else f" (now {cost.kernels_per_request:.0f} kernels a request)"


def _bytes(analysis: Analysis) -> str:
    cost = costliest(analysis)
    if cost is None or isinstance(cost.bytes_in_per_request, Unavailable):
        return ""
    return f" (now {cost.bytes_in_per_request / 1e6:.3g} MB a request to the GPU)"


def _rows(analysis: Analysis) -> str:
    batches = sum(summary.batches for summary in analysis.queues)
    rows = sum(summary.batches * summary.rows_mean for summary in analysis.queues)
    return f"{rows / max(1, batches):.1f}"
