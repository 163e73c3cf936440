"""Which kind of program a trace was recorded in, by the names of its events.

Only requests are attributed. A trace of another program has none, and what looks like parts of a
request there (map functions of an input pipeline, calls from Python) are none either. So the kind
is found first. Any event that a server's requests leave makes it a server: a served model may run a
tf.data pipeline or XLA as well. A server may leave no such event, at tracer level 1 or where it
calls its model in its own way. So what runs on a server's threads is not called another program.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from diag.formats.trace import event_names as ev
from diag.model.program import Program, ProgramKind

if TYPE_CHECKING:
    from diag.model.events import Plane

EVIDENCE_MAX: Final = 3

# The first kind whose expression a name matches has it. Names as recorded by TensorFlow 2.3 to
# 2.21, JAX 0.4.13 to 0.10.2, and by pytorch/xla d04e4d05 (torch_xla/csrc/).
_MARKERS: Final = {
    ProgramKind.PYTORCH_XLA: r"(?:PjRt|Ifrt|Xrt)ComputationClient::\w+|\w*SyncTensorsGraph\w*",
    ProgramKind.JAX: r"(?:Pjit|Jit|Pmap)Function(?=\()|\$(?:pjit|pxla)\.py",
    ProgramKind.XLA: (r"\w*(?:PjRt|Tfrt)\w*Executable::Execute\w*|PJRT_LoadedExecutable_Execute\Z"),
    # Updates of an optimizer (tensorflow/core/ops/training_ops.cc), gradients, Keras' names.
    ProgramKind.TRAINING: (
        r"gradient_tape/|(?<=:)(?:Resource)?(?:Sparse)?Apply[A-Z]\w*\Z"
        r"|EagerLocalExecute: (?:Resource)?(?:Sparse)?Apply[A-Z]\w*|EagerLocalExecute: \w+Grad\Z"
        r"|(?:EagerLocalExecute: __inference_)?train_(?:function|step)\b|train\Z"
    ),
    ProgramKind.PREDICT: r"predict_(?:function|step)\Z|one_step_on_data(?:_distributed)?\Z",
    ProgramKind.KERAS: r"(?:one|multi)_step_on_iterator\Z|test_(?:function|step)\Z",
    ProgramKind.FUNCTIONS: r"EagerLocalExecute: __inference_|TFE_Py_ExecuteCancelable\Z",
    ProgramKind.INPUT_PIPELINE: (
        r"IteratorGetNext(?:AsOptional)?Op::DoCompute|EagerLocalExecute: \w*(?:Iterator|Dataset)\w*"
    ),
    ProgramKind.EAGER: r"EagerLocalExecute: \w+|EagerExecute\Z|TFE_Py_\w+",
}
_MARKER: Final = re.compile(
    "|".join(f"(?P<{kind.name}>{text})" for kind, text in _MARKERS.items()), re.ASCII
)
_SERVING: Final = frozenset((*ev.SERVING_EVENTS, ev.TFRT_MODEL_RUN, ev.BATCH_TASK_EMPTY))
# Of TensorFlow 2.3: "ProcessBatch:3", "Schedule:3"; and the op of an in-graph batcher.
_SERVING_OTHERS: Final = re.compile(r"(?:ProcessBatch|Schedule):\d+|.*:BatchFunction", re.ASCII)
_UPDATE: Final = re.compile(r"(?:Resource)?(?:Sparse)?Apply[A-Z]\w*", re.ASCII)
_SERVER_THREADS: Final = ("grpcpp_sync_ser", "tf_httprestserver")  # gRPC; S:.../http_server.cc


def find_program(planes: tuple[Plane, ...], *, is_server: bool = False) -> Program:
    """The kind of the program, and the events that show it.

    Args:
        planes: All of the trace.
        is_server: Whether the process is known to serve models, by another source.
    """
    counts = _host_counts(planes)
    found: dict[ProgramKind, Counter[str]] = {}
    for name, count in counts.items():
        match = _marker(name)
        if match:
            kind = ProgramKind[match.lastgroup or ""]
            found.setdefault(kind, Counter())[match.group()] += count
    serving = {n for n in counts if n in _SERVING or _SERVING_OTHERS.fullmatch(n)}
    if is_server or serving:
        training = found.get(ProgramKind.TRAINING, Counter())
        if is_server or serving != {ev.SESSION_RUN} or not _trains(planes, training):
            return Program(ProgramKind.SERVING)
        return Program(ProgramKind.TRAINING, _most(training))
    tpus = sum(plane.name.startswith(ev.TPU_PLANE_PREFIX) for plane in planes)
    if tpus:
        found.setdefault(ProgramKind.XLA, Counter())["TPU planes"] += tpus
    if _on_server_threads(planes, of_any_name=tuple(found) == (ProgramKind.XLA,)):
        return Program(ProgramKind.UNKNOWN, _most(sum(found.values(), Counter())))
    if ev.EXECUTOR_PROCESS in counts:
        found.pop(ProgramKind.XLA, None)  # a served model may run XLA
    if _computes_eagerly(found):
        found.pop(ProgramKind.INPUT_PIPELINE, None)
    for kind in _MARKERS:
        if kind in found:
            return Program(kind, _most(found[kind]))
    is_empty = not any(len(plane.events) for plane in planes)
    return Program(ProgramKind.EMPTY if is_empty else ProgramKind.UNKNOWN)


def _host_counts(planes: tuple[Plane, ...]) -> dict[str, int]:
    """Number of events on the host by name."""
    out: Counter[str] = Counter()
    for plane in planes:
        if plane.name == ev.HOST_PLANE:
            count = np.bincount(plane.events.name_id, minlength=len(plane.events.names))
            for index in np.flatnonzero(count).tolist():
                out[plane.events.names[index]] += int(count[index])
    return out


def _marker(name: str) -> re.Match[str] | None:
    return _MARKER.match(name) or _of_an_op(name)


def _on_server_threads(planes: tuple[Plane, ...], *, of_any_name: bool) -> bool:
    """Whether a server's threads have an event that marks another program, or any event at all.

    A server may hand work to XLA's own threads, so with XLA alone any event of them counts. Another
    program may have such threads for other services (tf.data's, the profiler's).
    """
    for plane in planes:
        if plane.name != ev.HOST_PLANE:
            continue
        is_server = np.array([line.name.startswith(_SERVER_THREADS) for line in plane.lines], bool)
        if not is_server.any():
            continue
        events = plane.events
        ids = np.unique(events.name_id[is_server[events.line_index]])
        if any(of_any_name or _marker(events.names[index]) for index in ids.tolist()):
            return True
    return False


def _of_an_op(name: str) -> re.Match[str] | None:
    """The match at the op type of ``<node>:<OpType>``, or at a gradient's part of the node."""
    at = name.find("gradient_tape/")
    return _MARKER.match(name, at if at >= 0 else name.rfind(":") + 1)


def _trains(planes: tuple[Plane, ...], training: Counter[str]) -> bool:
    """Whether sessions update weights, as in TensorFlow 1, and no thread is a server's."""
    lines = (line.name for plane in planes if plane.name == ev.HOST_PLANE for line in plane.lines)
    return any(_UPDATE.fullmatch(name) for name in training) and not any(
        name.startswith(_SERVER_THREADS) for name in lines
    )


def _computes_eagerly(found: dict[ProgramKind, Counter[str]]) -> bool:
    """Whether Python runs more ops of its own than it takes elements from a pipeline."""
    own = {
        name: n
        for name, n in found.get(ProgramKind.EAGER, Counter()).items()
        if name.startswith("EagerLocalExecute: ") and not name.startswith("EagerLocalExecute: _")
    }
    return sum(own.values()) > sum(found.get(ProgramKind.INPUT_PIPELINE, Counter()).values())


def _most(names: Counter[str]) -> tuple[tuple[str, int], ...]:
    """The most frequent names; of equal ones, the first by name."""
    ranked = sorted(names.items(), key=lambda item: (-item[1], item[0]))
    return tuple(ranked[:EVIDENCE_MAX])
