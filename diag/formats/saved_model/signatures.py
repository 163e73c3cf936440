"""Signatures of a model: the names, types and shapes that requests use.

Field numbers: tensorflow/core/protobuf/meta_graph.proto, tensorflow/core/framework/
tensor_shape.proto, TensorFlow 2.21.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.formats.saved_model.wire import messages, number, text

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One input or output of a signature.

    Attributes:
        key: Its name in requests.
        tensor: Name of the graph's tensor, such as ``serving_default_x:0``.
        dtype: Number of the DataType enum.
        shape: Sizes; -1 is any; None: the rank is not fixed.
    """

    key: str
    tensor: str
    dtype: int
    shape: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature: inputs and outputs in order of their keys."""

    name: str
    method: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


def read_signatures(meta: memoryview) -> Iterator[Signature]:
    """Those of a MetaGraphDef, without TensorFlow's own, whose names begin with ``__``.

    Raises:
        WireError: The bytes are not such a message.
    """
    for entry in messages(meta, 5):
        name = text(entry, 1)
        if name.startswith("__"):
            continue
        for body in messages(entry, 2):
            yield Signature(name, text(body, 3), _tensors(body, 1), _tensors(body, 2))


def _tensors(signature: memoryview, field: int) -> tuple[TensorInfo, ...]:
    found = (
        TensorInfo(text(entry, 1), text(info, 1), number(info, 2), _shape(info))
        for entry in messages(signature, field)
        for info in messages(entry, 2)
    )
    return tuple(sorted(found, key=lambda each: each.key))


def _shape(info: memoryview) -> tuple[int, ...] | None:
    """TensorShapeProto.dim.size; an absent size is 0."""
    for shape in messages(info, 3):
        if number(shape, 3):
            return None
        return tuple(number(dim, 1) for dim in messages(shape, 2))
    return ()
