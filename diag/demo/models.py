"""The models of the demo, built as SavedModels with clocks in their graphs.

In addition to its answer every model returns the times at which TensorFlow reached certain points
of the graph, from ``tf.timestamp()`` ops held in place by control dependencies. They do not depend
on the profiler, so they can verify its events. Clients use the signature ``serving_default``;
``demo_clock`` adds the times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from diag.demo.locked_op import hold_lock

if TYPE_CHECKING:
    from pathlib import Path

    from diag.demo.batching import BatchFunctionAttributes
    from diag.demo.scenario import ModelPlan

v1 = tf.compat.v1
WIDTH = 1024
IMAGE_SIDE = 32  # pixels after resizing: 32 * 32 RGB reduced to WIDTH features
CLOCK_SIGNATURE = "demo_clock"


@dataclass(frozen=True, slots=True)
class _Timed:
    """The model's answer and the clock readings around it, one per row."""

    answer: Any
    start: Any
    end: Any
    executed_rows: Any


def build_saved_model(
    plan: ModelPlan, attributes: BatchFunctionAttributes | None, path: Path
) -> None:
    """Write one model as a SavedModel to ``path``, which must not exist.

    Args:
        plan: The model.
        attributes: Attributes of its BatchFunction; None: no in-graph batching.
        path: Folder of the model's version.
    """
    graph = tf.Graph()
    with graph.as_default(), graph.device("/cpu:0"):
        inputs = _placeholder(plan)
        request_time = _clock(inputs)
        features = _preprocess(plan, _after(request_time, inputs))
        ready_time = _clock(features)
        features = _after(ready_time, features)
        timed = _batched(plan, attributes, features) if attributes else _timed(plan, features)
        done_time = _clock(timed.answer, timed.end)
        clock = {
            "request_time": request_time,
            "ready_time": ready_time,
            "start_time": timed.start,
            "end_time": timed.end,
            "executed_rows": timed.executed_rows,
            "done_time": done_time,
        }
        with v1.Session(graph=graph) as session:
            _save(session, path, inputs, {"scores": timed.answer}, clock)


def _placeholder(plan: ModelPlan) -> Any:
    if plan.kind == "image":
        return v1.placeholder(tf.string, [None], name="images")
    return v1.placeholder(tf.float32, [None, WIDTH], name="features")


def _preprocess(plan: ModelPlan, inputs: Any) -> Any:
    """Decode and resize JPEGs in the graph, as image models on TensorFlow Serving do."""
    if plan.kind == "dense":
        return inputs

    def decode(image: Any) -> Any:
        pixels = tf.io.decode_jpeg(image, channels=3)
        # The method "area" reads every source pixel, so that resizing takes time as well.
        return tf.image.resize(pixels, [IMAGE_SIDE, IMAGE_SIDE], method="area")

    pixels = tf.map_fn(decode, inputs, fn_output_signature=tf.float32, parallel_iterations=1)
    gray = tf.reduce_mean(pixels, axis=3) / 255.0
    return tf.reshape(gray, [-1, IMAGE_SIDE * IMAGE_SIDE])


def _compute(plan: ModelPlan, features: Any) -> Any:
    """A chain of matrix products on ``plan.tokens`` vectors per row."""
    if plan.lock_ms:
        features = hold_lock(features, plan.lock_ms)
    random = np.random.default_rng(7)
    weights = (random.standard_normal((WIDTH, WIDTH)) * np.sqrt(2 / WIDTH)).astype(np.float32)
    shared = tf.constant(weights)
    spread = tf.constant(np.linspace(0.5, 1.5, plan.tokens, dtype=np.float32))
    hidden = tf.reshape(features[:, None, :] * spread[None, :, None], [-1, WIDTH])
    for _ in range(plan.layers):
        hidden = tf.nn.relu(tf.matmul(hidden, shared))
    tokens = tf.reshape(hidden, [-1, plan.tokens, WIDTH])
    mean = tf.reduce_mean(tokens, axis=1)
    if plan.scores > WIDTH:
        mean = tf.tile(mean, [1, -(-plan.scores // WIDTH)])
    return mean[:, : plan.scores]


def _timed(plan: ModelPlan, features: Any) -> _Timed:
    start = _clock(features)
    answer = _compute(plan, _after(start, features))
    end = _clock(answer)
    rows = tf.shape(features)[0]
    return _Timed(answer, tf.fill([rows], start), tf.fill([rows], end), tf.fill([rows], rows))


def _batched(plan: ModelPlan, attributes: BatchFunctionAttributes, features: Any) -> _Timed:
    """The model behind a BatchFunction; every row returns the times of its batch."""
    batch_function = tf.nondifferentiable_batch_function(
        num_batch_threads=attributes.num_batch_threads,
        max_batch_size=attributes.max_batch_size,
        batch_timeout_micros=attributes.batch_timeout_micros,
        allowed_batch_sizes=list(attributes.allowed_batch_sizes) or None,
        max_enqueued_batches=attributes.max_enqueued_batches,
        autograph=False,
        enable_large_batch_splitting=attributes.enable_large_batch_splitting,
    )

    def run(batch: Any) -> Any:
        timed = _timed(plan, batch)
        return timed.answer, timed.start, timed.end, timed.executed_rows

    return _Timed(*batch_function(run)(features))


def _clock(*after: Any) -> Any:
    """The time in seconds (float64, whole microseconds) after ``after`` is computed."""
    with tf.control_dependencies(after):
        return tf.timestamp()


def _after(first: Any, value: Any) -> Any:
    """``value``, computed after ``first``."""
    with tf.control_dependencies([first]):
        return tf.identity(value)


def _save(
    session: Any, path: Path, inputs: Any, outputs: dict[str, Any], clock: dict[str, Any]
) -> None:
    def signature(tensors: dict[str, Any]) -> Any:
        return v1.saved_model.signature_def_utils.build_signature_def(
            {"inputs": v1.saved_model.utils.build_tensor_info(inputs)},
            {name: v1.saved_model.utils.build_tensor_info(t) for name, t in tensors.items()},
            v1.saved_model.signature_constants.PREDICT_METHOD_NAME,
        )

    builder = v1.saved_model.Builder(str(path))
    builder.add_meta_graph_and_variables(
        session,
        [v1.saved_model.tag_constants.SERVING],
        {"serving_default": signature(outputs), CLOCK_SIGNATURE: signature(outputs | clock)},
    )
    builder.save()
