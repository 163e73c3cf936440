"""PredictionService and ModelService over gRPC, on the stubs of tensorflow-serving-api."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from diag.demo.registry import CODE_NAMES, PredictError, Registry
from diag.demo.servable import VERSION

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STATUS = {code.value[0]: code for code in grpc.StatusCode}


# Generated stubs carry no types.
class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):  # type: ignore[misc]
    """Predict and GetModelMetadata; the other methods answer UNIMPLEMENTED."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Run one request and count it as prediction_service_impl.cc does."""
        arrival_unix_ns = time.time_ns()
        spec = request.model_spec
        try:
            servable = self._registry.find(spec.name, spec.version.value, spec.signature_name)
            inputs = _rows(request, servable.input_dtype)
            scores, runtime_ns = self._registry.predict(
                servable, inputs, arrival_unix_ns=arrival_unix_ns
            )
        except PredictError as error:
            status = CODE_NAMES.get(error.code, "UNKNOWN")
            self._registry.metrics.count_request(spec.name, status)
            context.abort(_STATUS[error.code], error.text)
        response = predict_pb2.PredictResponse()
        response.model_spec.name = servable.name
        response.model_spec.version.value = VERSION
        response.model_spec.signature_name = "serving_default"
        response.outputs["scores"].CopyFrom(tf.make_tensor_proto(scores))
        self._registry.metrics.count_request(servable.name, "OK")
        self._registry.metrics.add_latency(
            servable.name,
            entrypoint="GRPC",
            request_ns=time.time_ns() - arrival_unix_ns,
            runtime_ns=runtime_ns,
        )
        return response

    def GetModelMetadata(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Return the signatures; as in TensorFlow Serving, the only field is ``signature_def``."""
        spec = request.model_spec
        try:
            servable = self._registry.find(spec.name, spec.version.value)
        except PredictError as error:
            context.abort(_STATUS[error.code], error.text)
        if list(request.metadata_field) != ["signature_def"]:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, "GetModelMetadata supports signature_def only"
            )
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in servable.signatures.items():
            signatures.signature_def[name].CopyFrom(signature)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = servable.name
        response.model_spec.version.value = VERSION
        response.metadata["signature_def"].Pack(signatures)
        return response


class ModelService(model_service_pb2_grpc.ModelServiceServicer):  # type: ignore[misc]
    """GetModelStatus; every model has one version, which is available."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def GetModelStatus(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Return the status of a model's version."""
        spec = request.model_spec
        try:
            self._registry.find(spec.name, spec.version.value)
        except PredictError:
            context.abort(
                grpc.StatusCode.NOT_FOUND,
                f"Could not find any versions of model {spec.name}",
            )
        response = get_model_status_pb2.GetModelStatusResponse()
        status = response.model_version_status.add()
        status.version = VERSION
        status.state = get_model_status_pb2.ModelVersionStatus.AVAILABLE
        return response


def _rows(request: Any, dtype: Any) -> NDArray[Any]:
    if list(request.inputs) != ["inputs"]:
        raise PredictError(3, f"the inputs must be exactly [inputs], got {sorted(request.inputs)}")
    tensor = request.inputs["inputs"]
    if tensor.dtype != dtype.as_datatype_enum:
        raise PredictError(3, f"inputs must be {dtype.name}")
    try:
        rows: NDArray[Any] = np.asarray(tf.make_ndarray(tensor))
    except (ValueError, TypeError) as error:
        raise PredictError(3, f"malformed tensor: {error}") from error
    if rows.ndim == 0 or len(rows) == 0:
        raise PredictError(3, "inputs need at least one row")
    return rows
