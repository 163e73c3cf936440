"""Separate in-graph preprocessing from the model by the type of each op.

An executor op event is named ``<node>:<OpType>`` (tensorflow/core/common_runtime/executor.cc,
TensorFlow 2.21; sample_traces/). On a server without a GPU the trace shows nothing else about the
purpose of an op, so the tables below decide; docs/attribution.md shows them to users.
"""

from __future__ import annotations

import enum
import re

import numpy as np
from numpy.typing import NDArray

from diag.errors import UsageError
from diag.model.events import EventTable, Int64s
from diag.model.preprocess_ops import PREPROCESS_OPS as PREPROCESS_OPS


class OpClass(enum.IntEnum):
    """Classes of op events."""

    NOT_AN_OP = 0
    MODEL = 1
    PREPROCESS = 2
    # Reshapes and casts data: part of preprocessing while more preprocessing follows in the step.
    GLUE = 3
    # Calls another graph, whose ops are classified by themselves.
    CALL = 4


# TF:tensorflow/core/ops/dataset_ops.cc, 2.21: ops of tf.data; and those of them that run a
# pipeline, which others only describe.
DATASET_OPS = re.compile(r"IteratorGetNext\w*|DatasetToSingleElement|\w+Dataset(V\d)?")
PIPELINE_OPS = re.compile(r"IteratorGetNext\w*|DatasetToSingleElement|ReduceDataset")
GLUE_OPS = re.compile(
    r"""
      Cast | Reshape | ExpandDims | Squeeze | Shape(N)? | Size | Rank | Pack | Unpack | Stack\w*
    | Concat(V2)? | StridedSlice | Slice | Split(V)? | Tile | Transpose | Identity(N)? | Where
    | Gather(V2|Nd)? | Range | Fill | ZerosLike | Pad(V2)? | Add(V2)? | Sub | Mul | Div | RealDiv
    | Minimum | Maximum | FloorMod | Less | LogicalAnd | Round | _FusedMulSub
    | TensorArray\w* | TensorList\w* | Enter | Exit | Switch | Merge | NextIteration | LoopCond
    | Const | _Arg | _Retval | NoOp | ReadVariableOp | VarHandleOp | Timestamp | EnsureShape
    """,
    re.VERBOSE,
)
CALL_OPS = re.compile(
    r"BatchFunction|(Stateful)?PartitionedCall|While|StatelessWhile|If|StatelessIf|Case|_Send|_Recv"
)
_OP_TYPE = re.compile(r"[A-Za-z_][A-Za-z0-9_>]*")


def compile_preprocess_ops(pattern: str | re.Pattern[str] | None) -> re.Pattern[str] | None:
    """Compile the user's expression, searched for in the op type and in ``<node>:<OpType>``.

    Raises:
        UsageError: It is not a regular expression.
    """
    if pattern is None:
        return None
    try:
        return re.compile(pattern)
    except re.error as exc:
        raise UsageError(
            f"`preprocess_ops` is not a regular expression: {pattern!r}",
            cause=str(exc),
            hint="example: '^Decode|tokenizer/'",
            parameter="preprocess_ops",
        ) from exc


def classify(name: str, extra: re.Pattern[str] | None = None) -> OpClass:
    """The class of one event name."""
    node, _, op_type = name.rpartition(":")
    # "::" marks an event of the runtime, such as ExecutorState::Process.
    if not node or node.endswith(":") or not _OP_TYPE.fullmatch(op_type):
        return OpClass.NOT_AN_OP
    if extra is not None and (extra.search(op_type) or extra.search(name)):
        return OpClass.PREPROCESS
    # Rewritten kernels (oneDNN, fusions) keep the op's name behind a prefix.
    bare = op_type.removeprefix("_MklNative").removeprefix("_Mkl")
    if CALL_OPS.fullmatch(op_type):
        return OpClass.CALL
    if PREPROCESS_OPS.fullmatch(bare):
        return OpClass.PREPROCESS
    if GLUE_OPS.fullmatch(bare):
        return OpClass.GLUE
    return OpClass.MODEL


def classify_all(names: tuple[str, ...], extra: re.Pattern[str] | None) -> NDArray[np.int8]:
    """(names,) OpClass of every interned name, so that one lookup classifies an event."""
    return np.fromiter((classify(name, extra) for name in names), np.int8, len(names))


def rows_of_type(events: EventTable, op_types: tuple[str, ...]) -> Int64s:
    """Ascending rows of ops whose type is exactly one of these."""
    endings = tuple(f":{op_type}" for op_type in op_types)
    return events.rows_where(lambda name: name.endswith(endings))
