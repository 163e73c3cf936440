"""What a sampled stack of a Python thread says: which function of the program, and what it does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.loops import thresholds
from diag.model.events import Bools, Int32s, Int64s
from diag.model.loops import LoopStage
from diag.model.stacks import Frame, StackSamples

_RUNTIMES = ("tensorflow/", "keras/", "tf_keras/")
# CPython 3.10 to 3.13: where a thread waits for work that others hand to it, or for a connection.
_QUEUES = (
    "queue.py",
    "socketserver.py",
    "selectors.py",
    "asyncio/",
    "concurrent/futures/thread.py",
)
_ACCEPTS = ("accept", "get_request", "select", "poll", "serve_forever")
_WAITS = ("threading.py",)
_OTHER = -1


@dataclass(frozen=True, slots=True, eq=False)
class StackKinds:
    """By ``stack_id``.

    Attributes:
        function: (stacks,) int32, frame of the program's function that the loop called, or where
            the loop's own frames are not known the innermost one; -1 where no frame is the
            program's.
        leaf: (stacks,) int32, innermost frame of the program; -1 without one.
        stage: (stacks,) int8, ``REQUEST_WAIT``, ``DISPATCH`` or, for the program's own code, -1.
    """

    function: Int32s
    leaf: Int32s
    stage: NDArray[np.int8]


def kinds_of(samples: StackSamples, rows: Int64s, in_call: Bools) -> StackKinds:
    """The kinds of all stacks, for one thread.

    Args:
        samples: All samples.
        rows: The thread's.
        in_call: (rows,) whether TensorFlow's events cover each: the frames on those stacks are the
            loop's.
    """
    loop = _loop_frames(samples, rows[in_call])
    n = len(samples.stacks)
    function, leaf = np.full(n, _OTHER, np.int32), np.full(n, _OTHER, np.int32)
    stage = np.full(n, _OTHER, np.int8)
    for stack_id in np.unique(samples.stack_id[rows]).tolist():
        stack = samples.stacks[stack_id]
        own = [i for i in stack if samples.frames[i].is_user]
        called = [i for i in own if i not in loop] if loop else own[1:]
        if own:
            function[stack_id] = called[0] if loop and called else own[-1]
            leaf[stack_id] = own[-1]
        last = max((k for k, i in enumerate(stack) if samples.frames[i].is_user), default=-1)
        below = [samples.frames[i] for i in stack[last + 1 :]]
        if _waits_for_request(below, is_called=bool(called)):
            stage[stack_id] = LoopStage.REQUEST_WAIT.index
        elif any(frame.file.startswith(_RUNTIMES) for frame in below):
            stage[stack_id] = LoopStage.DISPATCH.index
    return StackKinds(function, leaf, stage)


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


def _waits_for_request(below: list[Frame], *, is_called: bool) -> bool:
    """Whether the loop takes its next request: from a queue, or a connection.

    A function of the program that waits on a connection fetches something; only ``accept`` and a
    server's own loop wait for a request there.
    """
    if any(frame.file.startswith(_QUEUES) for frame in below):
        return True
    if any(frame.file == "socket.py" and frame.function.endswith(_ACCEPTS) for frame in below):
        return True
    return bool(below) and not is_called and below[-1].file.startswith(_WAITS)
