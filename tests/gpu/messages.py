"""Predict's messages, as far as the load needs them, in a protobuf package of their own.

Field numbers: tensorflow_serving/apis/{model,predict}.proto, tensorflow/serving 9d981c5c, and
tensorflow/core/framework/{tensor,tensor_shape,types}.proto, TensorFlow 2.21. A test parses them
with TensorFlow Serving's own classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from numpy.typing import NDArray

PREDICT = "/tensorflow.serving.PredictionService/Predict"
DT_FLOAT, DT_STRING, DT_INT64 = 1, 7, 9
_PACKAGE = "diag.tests.gpu"
_FIELD = descriptor_pb2.FieldDescriptorProto

# message: (field, number, protobuf type, message type of a message field, repeated)
_MESSAGES: dict[str, tuple[tuple[str, int, int, str, bool], ...]] = {
    "ModelSpec": (
        ("name", 1, _FIELD.TYPE_STRING, "", False),
        ("signature_name", 3, _FIELD.TYPE_STRING, "", False),
    ),
    "Dim": (("size", 1, _FIELD.TYPE_INT64, "", False),),
    "TensorShape": (("dim", 2, _FIELD.TYPE_MESSAGE, "Dim", True),),
    "Tensor": (
        ("dtype", 1, _FIELD.TYPE_INT32, "", False),
        ("tensor_shape", 2, _FIELD.TYPE_MESSAGE, "TensorShape", False),
        ("tensor_content", 4, _FIELD.TYPE_BYTES, "", False),
        ("string_val", 8, _FIELD.TYPE_BYTES, "", True),
    ),
    # On the wire a map is a repeated entry of key and value.
    "NamedTensor": (
        ("key", 1, _FIELD.TYPE_STRING, "", False),
        ("value", 2, _FIELD.TYPE_MESSAGE, "Tensor", False),
    ),
    "PredictRequest": (
        ("model_spec", 1, _FIELD.TYPE_MESSAGE, "ModelSpec", False),
        ("inputs", 2, _FIELD.TYPE_MESSAGE, "NamedTensor", True),
    ),
    "PredictResponse": (
        ("outputs", 1, _FIELD.TYPE_MESSAGE, "NamedTensor", True),
        ("model_spec", 2, _FIELD.TYPE_MESSAGE, "ModelSpec", False),
    ),
}


def _build() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="diag_tests_gpu.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, of, repeated in fields:
            message.field.add(
                name=field,
                number=number,
                type=kind,
                label=_FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL,
                type_name=f".{_PACKAGE}.{of}" if of else None,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


_CLASSES = _build()
PredictRequest = _CLASSES["PredictRequest"]
PredictResponse = _CLASSES["PredictResponse"]
_NUMERIC: dict[int, np.dtype[Any]] = {DT_FLOAT: np.dtype("<f4"), DT_INT64: np.dtype("<i8")}


def request_of(model: str, rows: NDArray[Any] | list[bytes]) -> bytes:
    """A serialised PredictRequest for these rows: floats, 64-bit integers, or byte strings."""
    request = PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = "serving_default"
    _fill(request.inputs.add(key="inputs").value, rows)
    return bytes(request.SerializeToString())


def response_of(model: str, scores: NDArray[Any]) -> bytes:
    """A serialised PredictResponse with one output, ``scores``."""
    response = PredictResponse()
    response.model_spec.name = model
    _fill(response.outputs.add(key="scores").value, scores)
    return bytes(response.SerializeToString())


def rows_of(request: bytes) -> tuple[str, NDArray[Any] | list[bytes]]:
    """The model asked for and the rows sent; what :func:`request_of` was given.

    Raises:
        google.protobuf.message.DecodeError: Not a PredictRequest.
        ValueError: Not one input of a kind this server knows.
    """
    parsed = PredictRequest.FromString(request)
    if [entry.key for entry in parsed.inputs] != ["inputs"]:
        raise ValueError("the inputs must be exactly [inputs]")
    tensor = parsed.inputs[0].value
    if tensor.dtype == DT_STRING:
        return parsed.model_spec.name, list(tensor.string_val)
    if tensor.dtype not in _NUMERIC:
        raise ValueError(f"inputs of type {tensor.dtype} are not known here")
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    flat = np.frombuffer(tensor.tensor_content, _NUMERIC[tensor.dtype])
    return parsed.model_spec.name, flat.reshape(shape)


def _fill(tensor: Any, rows: NDArray[Any] | list[bytes]) -> None:
    if isinstance(rows, list):
        tensor.dtype = DT_STRING
        tensor.string_val.extend(rows)
        tensor.tensor_shape.dim.add(size=len(rows))
        return
    tensor.dtype = next(code for code, dtype in _NUMERIC.items() if dtype == rows.dtype)
    tensor.tensor_content = rows.tobytes()
    for size in rows.shape:
        tensor.tensor_shape.dim.add(size=size)
