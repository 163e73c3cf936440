"""Reads versions, states and signatures of the server's models over gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError

from diag.capture.plan import SECOND
from diag.formats.wire.serving_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    GetModelStatusRequest,
    GetModelStatusResponse,
    ModelSpec,
    ModelVersionStatus,
    SignatureDef,
    SignatureDefMap,
    TensorInfo,
)
from diag.model.availability import Unavailable
from diag.model.samples import ServedModel, ServerInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from diag.capture.plan import CapturePlan
    from diag.capture.server.connection import Connection

# tensorflow_serving/apis/{model_service,prediction_service}.proto
STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"
AVAILABLE = "AVAILABLE"

# tensorflow/core/framework/types.proto, enum DataType
_DTYPES = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: "string",
    9: "int64",
    10: "bool",
    14: "bfloat16",
    17: "uint16",
    19: "float16",
    22: "uint32",
    23: "uint64",
}


def read_status(
    connection: Connection, name: str, timeout_ns: int
) -> tuple[ServedModel, ...] | Unavailable:
    """Versions and states of a model, or why the server did not report them."""
    request = GetModelStatusRequest(model_spec=ModelSpec(name=name))
    try:
        response = connection.call(STATUS, request, GetModelStatusResponse, timeout_ns / SECOND)
    except grpc.RpcError as exc:
        connection.note(exc)
        return Unavailable(f"GetModelStatus of {name}: {exc.details() or exc.code().name}")
    return tuple(
        ServedModel(name, status.version, _state_name(status.state))
        for status in response.model_version_status
    )


def read_server(connection: Connection, names: Iterable[str], plan: CapturePlan) -> ServerInfo:
    """Read status and signatures of models; each part can be Unavailable with a reason.

    Args:
        connection: To the server.
        names: Names of the models.
        plan: Has the batching parameters and the time allowed for each call.
    """
    parameters = str(plan.batching_parameters) or _NO_PARAMETERS
    names = sorted(set(names))
    if not names:
        nameless = Unavailable(
            "no model name is known: none was given, and none came from a metrics page"
        )
        return ServerInfo(nameless, nameless, parameters)
    answers = [read_status(connection, name, plan.timeout_ns) for name in names]
    models = [model for answer in answers if isinstance(answer, tuple) for model in answer]
    reasons = [answer.reason for answer in answers if isinstance(answer, Unavailable)]
    signatures = {
        name: _signatures(connection, name, plan.timeout_ns)
        for name in {model.name for model in models}
    }
    known = {name: found for name, found in signatures.items() if isinstance(found, dict)}
    refused = [found.reason for found in signatures.values() if isinstance(found, Unavailable)]
    return ServerInfo(
        models=tuple(models) if models else Unavailable("; ".join(reasons) or "no versions"),
        signatures=known if known else Unavailable("; ".join(refused) or "no model answered"),
        batching_parameters=parameters,
    )


_NO_PARAMETERS = Unavailable(
    "the server does not report them, and no batching_parameters_file was given"
)


def _state_name(state: int) -> str:
    known = ModelVersionStatus.State.values()
    return str(ModelVersionStatus.State.Name(state)) if state in known else f"STATE_{state}"


def _signatures(connection: Connection, name: str, timeout_ns: int) -> dict[str, Any] | Unavailable:
    request = GetModelMetadataRequest(
        model_spec=ModelSpec(name=name), metadata_field=["signature_def"]
    )
    try:
        response = connection.call(METADATA, request, GetModelMetadataResponse, timeout_ns / SECOND)
    except grpc.RpcError as exc:
        return Unavailable(f"GetModelMetadata of {name}: {exc.details() or exc.code().name}")
    packed = response.metadata["signature_def"].value
    try:
        definitions = SignatureDefMap.FromString(packed).signature_def
    except DecodeError as exc:
        return Unavailable(f"GetModelMetadata of {name}: {exc}")
    return {key: _signature(definitions[key]) for key in sorted(definitions)}


def _signature(definition: SignatureDef) -> dict[str, Any]:
    return {
        "method_name": definition.method_name,
        "inputs": _tensors(definition.inputs),
        "outputs": _tensors(definition.outputs),
    }


def _tensors(infos: Mapping[str, TensorInfo]) -> dict[str, Any]:
    """Type and shape by tensor name; -1 is any dimension, a missing shape is any rank."""
    return {
        name: {
            "dtype": _DTYPES.get(info.dtype, f"DT_{info.dtype}"),
            **(
                {}
                if info.tensor_shape.unknown_rank
                else {"shape": [dim.size for dim in info.tensor_shape.dim]}
            ),
        }
        for name, info in sorted(infos.items())
    }
