"""Small Python programs as traces: loops of eager ops, of functions, and over tf.data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diag.analysis import analyze
from diag.analysis.result import Analysis
from diag.formats.trace.capture import capture_from_trace
from diag.model.stacks import Frame, StackSamples
from diag.testing.xspace_builder import build_space

LINE = 77
POOL = 88
MS = 1_000_000
SERVE = Frame("serve.py", "serve", 3, is_user=True)
LOAD = Frame("serve.py", "load", 10, is_user=True)
ANSWER = Frame("serve.py", "answer", 20, is_user=True)
QUEUE = Frame("queue.py", "Queue.get", 154, is_user=False)
KERAS = Frame("keras/src/layers/layer.py", "Layer.__call__", 800, is_user=False)
ITERATOR = Frame("tensorflow/python/data/ops/iterator_ops.py", "next", 800, is_user=False)
SERVER = Frame("http/server.py", "BaseHTTPRequestHandler.handle", 430, is_user=False)
SOCKET = Frame("socket.py", "SocketIO.readinto", 694, is_user=False)
CONSTANT = Frame("tensorflow/python/ops/weak_tensor_ops.py", "wrapper", 80, is_user=False)
FUTURE = Frame("concurrent/futures/_base.py", "Future.result", 428, is_user=False)
CONDITION = Frame("threading.py", "Condition.wait", 288, is_user=False)
WORKER = Frame("concurrent/futures/thread.py", "_worker", 69, is_user=False)
FRAMES = (
    SERVE,
    LOAD,
    ANSWER,
    QUEUE,
    KERAS,
    ITERATOR,
    SERVER,
    SOCKET,
    FUTURE,
    CONDITION,
    WORKER,
    CONSTANT,
)
LOADING, ANSWERING, TAKING, IN_KERAS, LOOPING = (0, 1), (0, 2), (0, 3), (0, 4), (0,)
IN_NEXT, READING = (0, 5), (6, 0, 7)
COLLECTING, IN_POOL, POOL_WAITS, CONVERTING = (0, 8, 9), (10, 1), (10,), (0, 11)
STACKS = (
    *(LOADING, ANSWERING, TAKING, IN_KERAS, LOOPING, IN_NEXT, READING),
    *(COLLECTING, IN_POOL, POOL_WAITS, CONVERTING),
)


def layers(n: int, wait_us: int, *, equal: int, between_us: int) -> str:
    """Iterations of a wait and as many equal layers of two ops, 100 us each."""
    out, at = [f"plane /host:CPU\nline python id={LINE}"], 0
    for _ in range(n):
        at += wait_us - between_us
        for _ in range(equal):
            at += between_us
            for op in ("MatMul", "Relu"):
                out.append(f"  EagerExecute {at}..{at + 100}us eager_op={op}")
                at += 100
    return "\n".join(out)


def eager(n: int, wait_us: int, *, dispatch_us: int = 100, ops_us: int = 100) -> str:
    """Iterations of a wait, a conversion of 50 us, and two ops with Python between them."""
    out, at = [f"plane /host:CPU\nline python id={LINE}"], 0
    for _ in range(n):
        at += wait_us
        out.append(f"  convert_to_tensor {at}..{at + 50}us")
        out.append(f"    EagerExecute {at + 10}..{at + 40}us eager_op=_EagerConst")
        at += 50
        for op in ("MatMul", "BiasAdd"):
            at += dispatch_us
            out.append(f"  TFE_Py_FastPathExecute_C {at}..{at + ops_us}us")
            out.append(f"    EagerExecute {at}..{at + ops_us}us eager_op={op}")
            out.append(f"      EagerLocalExecute: {op} {at}..{at + ops_us}us")
            at += ops_us
    return "\n".join(out)


def function_call(at: int, us: int, *, kind: str = "notTraced-nonXla", count: int = 1) -> list[str]:
    """A call of ``infer``; where it is traced, half of it builds the graph."""
    traced = kind.startswith("traced")
    building = [f"    tf.function-graph_building {at}..{at + us // 2}us"] if traced else []
    begin = at + us // 2 if traced else at
    return [
        f"  infer {at}..{at + us}us tf_function_call={kind} tracing_count={count}",
        *building,
        f"    EagerExecute {begin}..{at + us}us eager_op=__inference_infer_{at}",
        f"      EagerLocalExecute: __inference_infer_{at} {begin}..{at + us}us",
    ]


def functions(n: int, wait_us: int, call_us: int, *, kind: str = "notTraced-nonXla") -> str:
    """Iterations of a wait and a call of a tf.function."""
    out, at = [f"plane /host:CPU\nline python id={LINE}"], 0
    for _ in range(n):
        at += wait_us
        out += function_call(at, call_us, kind=kind)
        at += call_us
    return "\n".join(out)


def dataset(
    n: int,
    wait_us: int,
    call_us: int = 500,
    after_us: int = 500,
    *,
    kind: str = "MapAndBatch",
    name: str = "MapDataset:2",
    op: str = "load:EagerPyFunc",
    pool: int = 2,
    function_us: int | None = None,
) -> str:
    """Iterations of next(), a call, and Python; a map function executes during each wait."""
    out, at, pools = [f"plane /host:CPU\nline python id={LINE}"], 0, [f"line pool/1 id={POOL}"]
    produces = ["line tf_data_iterator_resource/1"]
    path = f"Iterator::Root::Prefetch::{kind}"
    root = f"threadpool_size={pool} cpu_budget=2 name=PrefetchDataset:9"
    buffer = "autotune=true buffer_limit=2 name=PrefetchDataset:9"
    source = "parent_id=3 name=TensorSliceDataset:0"
    for i in range(n):
        end = at + wait_us + 20
        out += [
            f"  EagerExecute {at}..{end}us eager_op=IteratorGetNext",
            f"    IteratorGetNextOp::DoCompute {at}..{end}us id={i}",
            f"      Iterator::Root {at}..{end}us id=1 {root}",
            f"        Iterator::Root::Prefetch {at}..{end}us id=2 parent_id=1 {buffer}",
            f"          PrefetchConsume {at + wait_us}..{end - 5}us element_id={i}",
        ]
        run = max(1, wait_us) if function_us is None else function_us
        produces += [
            f"  PrefetchProduce {at}..{at + run + 5}us element_id={i}",
            f"    {path} {at}..{at + run + 4}us id=3 parent_id=2 parallelism=2 name={name}",
            f"    {kind}Produce {at}..{at + 3}us element_id={i}",
            f"      {path}::TensorSlice {at}..{at + 1}us id=4 {source}",
            f"      InstantiatedCapturedFunction::RunAsync {at + 1}..{at + 2}us id={1000 + i}",
        ]
        pools.append(f"  ExecutorState::Process {at}..{at + run}us id={1000 + i}")
        pools += [f"    {op} {at}..{at + run}us"] if op else []
        out += function_call(end, call_us)
        at = end + call_us + after_us
    return "\n".join([*out, *produces, *pools])


def jitted(n: int, wait_us: int, execute_us: int, name: str = "infer") -> str:
    """A JAX loop: each call returns after 100 us, and executes on another thread meanwhile."""
    out, executes, at = (
        [f"plane /host:CPU\nline python id={LINE}"],
        ["line tf_XLAPjRtCpuClient/1"],
        0,
    )
    for _ in range(n):
        at += wait_us
        out.append(f"  PjitFunction({name}) {at}..{at + 100}us")
        out.append(f"    PjitFunction({name}) {at + 1}..{at + 99}us")
        executes.append(f"  fusion {at + 100}..{at + 100 + execute_us}us")
        executes.append(f"  end: fusion @{at + 101 + execute_us}us")
        at += 100 + execute_us
    return "\n".join([*out, *executes])


def capture_of_program(text: str, samples: StackSamples | None = None, *, level: int = 2):
    capture = replace(capture_from_trace("loop", build_space(text), "loop"), tracer_level=level)
    return capture if samples is None else replace(capture, stacks=samples)


def analyzed_program(text: str, samples: StackSamples | None = None, *, level: int = 2) -> Analysis:
    return analyze(capture_of_program(text, samples, level=level))


def sampled(
    rows: list[tuple[int, tuple[int, ...]]], *, cpu: float = 0.0, line: int = LINE, step_us=1000
) -> StackSamples:
    """Samples at these times in us, of these stacks, with CPU time in proportion."""
    n = len(rows)
    return StackSamples(
        time_ns=np.array([at * 1000 for at, _ in rows], np.int64),
        thread_id=np.ones(n, np.int64),
        line_id=np.full(n, line, np.int64),
        weight=np.ones(n, np.int32),
        cpu_ns=np.full(n, int(cpu * step_us * 1000), np.int64),
        stack_id=np.array([STACKS.index(stack) for _, stack in rows], np.int32),
        stacks=STACKS,
        frames=FRAMES,
        period_ns=step_us * 1000,
    )


def every_ms(us: int, stack: tuple[int, ...], **options: float) -> StackSamples:
    """The same stack at each ms of a recording."""
    return sampled([(at, stack) for at in range(500, us, 1000)], **options)


def both(one: StackSamples, other: StackSamples) -> StackSamples:
    """The samples of two threads."""
    columns = ("time_ns", "thread_id", "line_id", "weight", "cpu_ns", "stack_id")
    joined = {c: np.concatenate((getattr(one, c), getattr(other, c))) for c in columns}
    return replace(one, **joined)
