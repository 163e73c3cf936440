"""Serialised PredictRequests for the load generator, which does not import TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from diag.demo.models import WIDTH

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from diag.demo.scenario import ModelPlan, Stream


def make_rows(plan: ModelPlan, rows: int) -> NDArray[Any]:
    """Input rows for a model: random features, or JPEGs of a photograph's complexity."""
    random = np.random.default_rng(rows)
    if plan.kind == "dense":
        return random.standard_normal((rows, WIDTH)).astype(np.float32)
    height, width = plan.image_pixels
    # Smooth shapes with some noise: the size and decoding cost of a photograph.
    y, x = np.mgrid[0:height, 0:width]
    base = 127 + 80 * np.sin(x / 37) * np.cos(y / 53)
    noisy = base[..., None] + random.normal(0, 6, (height, width, 3))
    pixels = np.clip(noisy, 0, 255).astype(np.uint8)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        jpeg = session.run(tf.io.encode_jpeg(tf.constant(pixels), quality=90))
    return np.array([jpeg] * rows, dtype=object)


def write_payload(stream: Stream, rows: NDArray[Any], path: Path) -> None:
    """Write the PredictRequest for these rows to a file."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = stream.model
    request.model_spec.signature_name = "serving_default"
    tensor = tf.make_tensor_proto(rows)
    if stream.encoding == "numbers":
        tensor.ClearField("tensor_content")
        tensor.float_val.extend(rows.ravel().tolist())
    request.inputs["inputs"].CopyFrom(tensor)
    path.write_bytes(request.SerializeToString())
