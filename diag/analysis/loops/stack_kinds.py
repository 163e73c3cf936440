"""What a sampled stack of a Python thread says: which function of the program, and what it does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.loops import thresholds
from diag.model.events import Bools, Int32s, Int64s
from diag.model.loops import LoopStage
from diag.model.stacks import Frame, StackSamples

_TENSORFLOW = "tensorflow/"
_RUNTIMES = ("tensorflow/", "keras/", "tf_keras/", "jax/", "jaxlib/", "flax/")
# next() of a dataset; TensorFlow 2.3 to 2.21.
_ITERATORS = "tensorflow/python/data/ops/iterator_ops.py"
# CPython 3.10 to 3.13: where a thread takes work that others hand to it, or a connection. The wait
# itself is C code, or a condition of threading.py.
_QUEUES = ("queue.py", "multiprocessing/queues.py", "multiprocessing/connection.py")
_TAKES = ("get", "recv", "recv_bytes", "_recv", "_recv_bytes", "accept", "poll", "_poll", "wait")
_SERVERS = ("socketserver.py", "selectors.py", "asyncio/base_events.py", "asyncio/runners.py")
# Servers that call the program: gunicorn 27, uvicorn 0.30 and the like. What they wait for in their
# own code are requests.
_LIBRARIES = (
    "gunicorn/",
    "uvicorn/",
    "hypercorn/",
    "waitress/",
    "cheroot/",
    "werkzeug/serving.py",
    "tornado/",
    "grpc/_server.py",
)
_POOL = ("concurrent/futures/thread.py", "_worker")
_POOLS = (_POOL, ("multiprocessing/pool.py", "worker"))
# Results of concurrent.futures, of threads and of processes, and of multiprocessing's pools.
_RESULTS = ("concurrent/futures/_base.py", "multiprocessing/pool.py")
_READS = ("socket.py", "ssl.py")
_CONNECTIONS = ("http/server.py", "wsgiref/simple_server.py")  # they read the lines of requests
_RECEIVES = ("readinto", "read", "recv", "recv_into")
# Where a server's handler is called, and what reads a request's body for it.
_HANDLERS = ("http/server.py", "socketserver.py", "wsgiref/", *_LIBRARIES)
_BODIES = (*_HANDLERS, *_READS, "werkzeug/", "flask/", "django/", "bottle.py", "json/", "shutil.py")
_ACCEPTS = ("accept", "get_request", "select", "poll", "serve_forever")
_CONDITIONS = "threading.py"
# Below requests, urllib3, botocore and urllib; and below httpx.
_CLIENTS = ("http/client.py", "httpcore/")
_OTHER = -1


@dataclass(frozen=True, slots=True, eq=False)
class StackKinds:
    """By ``stack_id``.

    Attributes:
        function: (stacks,) int32, frame of the program's function that the loop called, or where
            the loop's own frames are not known the innermost one; -1 where no frame is the
            program's.
        leaf: (stacks,) int32, innermost frame of the program; -1 without one.
        stage: (stacks,) int8, ``REQUEST_WAIT``, ``REQUEST_READ``, ``RESULT_WAIT``, ``INPUT_FETCH``,
            ``DISPATCH``, ``NOT_KNOWN``, or -1 for the program's own work.
        calls_tensorflow: (stacks,) bool, whether the program's innermost function called
            TensorFlow itself, and not Keras.
    """

    function: Int32s
    leaf: Int32s
    stage: NDArray[np.int8]
    calls_tensorflow: Bools


def kinds_of(samples: StackSamples, rows: Int64s, in_call: Bools) -> StackKinds:
    """The kinds of all stacks, for one thread.

    Args:
        samples: All samples.
        rows: The thread's.
        in_call: (rows,) whether TensorFlow's events cover each: the frames on those stacks are the
            loop's.
    """
    loop = _loop_frames(samples, rows[in_call])
    waiting = _waiting(samples, rows)
    n = len(samples.stacks)
    function, leaf = np.full(n, _OTHER, np.int32), np.full(n, _OTHER, np.int32)
    stage, calls = np.full(n, _OTHER, np.int8), np.zeros(n, np.bool_)
    for stack_id in np.unique(samples.stack_id[rows]).tolist():
        stack = samples.stacks[stack_id]
        own = [i for i in stack if samples.frames[i].is_user]
        called = [i for i in own if i not in loop] if loop else own[1:]
        if own:
            function[stack_id] = called[0] if loop and called else own[-1]
            leaf[stack_id] = own[-1]
        last = max((k for k, i in enumerate(stack) if samples.frames[i].is_user), default=-1)
        above = [samples.frames[i] for i in stack[: max(0, last)]]
        below = [samples.frames[i] for i in stack[last + 1 :]]
        calls[stack_id] = bool(own and below) and below[0].file.startswith(_TENSORFLOW)
        is_loop = bool(loop) and not called
        is_waiting = stack_id in waiting
        if reads_request(above, below, is_waiting=is_waiting):
            stage[stack_id] = LoopStage.REQUEST_READ.index
        elif waits_for_result(below):
            stage[stack_id] = LoopStage.RESULT_WAIT.index
        elif waits_for_work(below, is_called=bool(called), is_waiting=is_waiting):
            stage[stack_id] = LoopStage.REQUEST_WAIT.index
        elif below and below[0].file == _ITERATORS:
            stage[stack_id] = LoopStage.INPUT_FETCH.index
        elif any(frame.file.startswith(_RUNTIMES) for frame in below):
            stage[stack_id] = LoopStage.DISPATCH.index
        elif is_loop and is_waiting and not _fetches(below):
            stage[stack_id] = LoopStage.NOT_KNOWN.index
    return StackKinds(function, leaf, stage, calls)


def _loop_frames(samples: StackSamples, rows: Int64s) -> set[int]:
    """Frames on nearly all stacks in calls of TensorFlow."""
    if len(rows) < thresholds.LOOP_FRAME_MIN_SAMPLES:
        return set()
    weight = np.bincount(
        samples.stack_id[rows], weights=samples.weight[rows], minlength=len(samples.stacks)
    )
    on: dict[int, float] = {}
    for stack_id in np.flatnonzero(weight).tolist():
        for frame in set(samples.stacks[stack_id]):
            on[frame] = on.get(frame, 0.0) + float(weight[stack_id])
    least = thresholds.LOOP_FRAME_MIN_RATIO * float(weight.sum())
    return {frame for frame, total in on.items() if total >= least}


def _waiting(samples: StackSamples, rows: Int64s) -> set[int]:
    """Stacks whose thread is hardly on the CPU: it waits, and C code hides for what."""
    known = rows[samples.cpu_ns[rows] >= 0]
    ids, n = samples.stack_id[known], len(samples.stacks)
    time = np.bincount(ids, weights=samples.weight[known], minlength=n) * samples.period_ns
    cpu = np.bincount(ids, weights=samples.cpu_ns[known], minlength=n)
    waits = (time > 0) & (cpu <= thresholds.WAITS_MAX_CPU_RATIO * time)
    return set(np.flatnonzero(waits).tolist())


def reads_request(above: list[Frame], below: list[Frame], *, is_waiting: bool) -> bool:
    """Whether a handler reads the rest of a request, or a server the lines of its head.

    The client decides how long that takes, and so does waiting for Python's lock after it.

    Args:
        above: The frames that called the program's innermost function.
        below: The frames called by it, or all if the program has none.
        is_waiting: Whether its thread is hardly on the CPU.
    """
    if not below:
        return False
    leaf = below[-1]
    if not _receives(leaf) and not (leaf.file.startswith(_LIBRARIES) and is_waiting):
        return False
    files = [frame.file for frame in below]
    if "http/server.py" in files and "http/client.py" in files:
        return True  # parse_headers() of http.client, called by parse_request()
    is_handler = any(frame.file.startswith(_HANDLERS) for frame in above)
    return is_handler and all(file.startswith(_BODIES) for file in files)


def waits_for_result(below: list[Frame]) -> bool:
    """Whether the thread waits until the program's own threads or processes have a result.

    Args:
        below: The frames called by the program's innermost function.
    """
    is_waiting = bool(below) and below[-1].file == _CONDITIONS
    return is_waiting and any(frame.file in _RESULTS for frame in below)


def is_pool(stack: list[Frame]) -> bool:
    """Whether a stack is that of a pool's thread."""
    return any((frame.file, frame.function) in _POOLS for frame in stack)


def waits_for_work(below: list[Frame], *, is_called: bool, is_waiting: bool) -> bool:
    """Whether the thread takes its next work: from a queue, a pool or a connection.

    A function of the program that waits on a connection fetches something; only ``accept`` and a
    server's own loop wait for a request there.

    Args:
        below: The frames called by the program's innermost function, or all if it has none.
        is_called: Whether that function is one that the loop calls, and not the loop itself.
        is_waiting: Whether its thread is hardly on the CPU.
    """
    if not below:
        return False
    leaf = below[-1]
    if leaf.file.startswith(_LIBRARIES):
        return is_waiting
    if _receives(leaf) and any(frame.file in _CONNECTIONS for frame in below):
        return True  # the next request of a connection that is kept open
    if leaf.file in _SERVERS or (leaf.file, leaf.function) == _POOL:
        return _last_name(leaf) != "write"  # of an answer, by socketserver._SocketWriter
    if leaf.file == "socket.py":
        return leaf.function.endswith(_ACCEPTS)
    if leaf.file != _CONDITIONS and leaf.file not in _QUEUES:
        return False
    if any(frame.file in _QUEUES and _last_name(frame) in _TAKES for frame in below):
        return True
    is_plain = all(frame.file == _CONDITIONS for frame in below) and _last_name(leaf) == "wait"
    return is_plain and not is_called


def _receives(leaf: Frame) -> bool:
    return leaf.file in _READS and _last_name(leaf) in _RECEIVES


def _fetches(below: list[Frame]) -> bool:
    """Whether it asks another server for something, as HTTP clients do."""
    return any(frame.file.startswith(_CLIENTS) for frame in below)


def _last_name(frame: Frame) -> str:
    return frame.function.rpartition(".")[2]


def when_others_work(samples: StackSamples, loops: set[int]) -> Int64s:
    """Times of samples at which a thread of the program, no loop itself, computes or reads.

    Args:
        samples: Of all threads.
        loops: ``line_id`` of the threads with iterations.
    """
    rows = np.flatnonzero(~np.isin(samples.line_id, list(loops)))
    waiting = _waiting(samples, rows)
    works = np.zeros(len(samples.stacks), np.bool_)
    for stack_id in np.unique(samples.stack_id[rows]).tolist():
        frames = [samples.frames[i] for i in samples.stacks[stack_id]]
        reads = frames[-1].file in _READS and not frames[-1].function.endswith(_ACCEPTS)
        works[stack_id] = any(f.is_user for f in frames) and (reads or stack_id not in waiting)
    return np.unique(samples.time_ns[rows][works[samples.stack_id[rows]]])
