"""The served model: host ops and a chain of matrix products in JAX, with an executor's events.

On a GPU an op's event covers its launch and the step ends by waiting for the device, as
TensorFlow's do (tensorflow/core/common_runtime/executor.cc, TensorFlow 2.21); on a CPU an op
computes inside its event.
"""

from __future__ import annotations

import io
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from tests.gpu.annotate import ann, consumes_step, produces_step
from tests.gpu.batcher import RunTimes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tests.gpu.scenarios import ModelPlan, Platform

DENSE_FEATURES = 64
THUMBNAIL = (32, 32)
BLOCKS = 4
SAMPLED_BYTES = 4096
EAGER_WIDTH, LAUNCHES_PER_OP = 1024, 30
LAYERS_MAX = 2000
_CALIBRATION_LAYERS = (8, 40)
_CALIBRATION_TRIES = 5


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the model's matrices are: width of a layer, and vectors a row becomes."""

    width: int
    tokens: int


# A layer takes about 0.1 ms on a CPU's cores and on a large GPU: few enough events a batch.
SIZES: dict[Platform, Sizes] = {"cpu": Sizes(256, 8), "gpu": Sizes(8192, 128)}


class Model:
    """One model on one device; built, measured and warmed up at once.

    Args:
        plan: What it is.
        name: In ``model_id``, with version 1.
        platform: What JAX computes on.
        batch_sizes: Every number of rows it will run with, ascending.

    Attributes:
        layers: Matrix products, chosen to take the planned time.
    """

    def __init__(
        self, plan: ModelPlan, name: str, platform: Platform, batch_sizes: tuple[int, ...]
    ) -> None:
        self._plan, self._model_id = plan, f"{name}:1"
        self._sizes, self._is_gpu = SIZES[platform], platform == "gpu"
        self._steps = itertools.count(1)
        random = np.random.default_rng(7)
        width = self._sizes.width
        scale = 1 / np.sqrt(width)
        self._weights = jnp.asarray(random.normal(0, scale, (width, width)), jnp.float32)
        self._embedding = jnp.asarray(random.normal(0, 0.1, (DENSE_FEATURES, width)), jnp.float32)
        block_bytes = plan.block_mib << 20
        self._blocks = [random.bytes(block_bytes) for _ in range(BLOCKS if block_bytes else 0)]
        self.layers = self._calibrate(batch_sizes[-1]) if plan.compute_ms else 0
        self._forward = self._compile(self.layers)
        for rows in batch_sizes:
            for _ in range(3):
                self.run(self.merge([self.example(row) for row in range(rows)], rows))

    def example(self, row: int) -> Any:
        """The inputs of one request of one row, as :meth:`merge` takes them."""
        return self.decode(example_rows(self._plan, row))

    def decode(self, rows: NDArray[Any] | list[bytes]) -> Any:
        """What a handler makes of a request's tensor: blocks are looked up."""
        if self._plan.kind != "stored":
            return rows
        chosen = np.asarray(rows, np.int64).reshape(-1)
        views = [np.frombuffer(self._blocks[int(i) % BLOCKS], np.uint8) for i in chosen]
        return np.stack(views) if len(views) > 1 else views[0][None]

    def merge(self, inputs: list[Any], padded_rows: int) -> Any:
        """One batch of all tasks' rows; padding repeats the first, as batching_util.cc does."""
        if self._plan.kind == "image":
            images = [image for rows in inputs for image in rows]
            return images + images[:1] * (padded_rows - len(images))
        rows = sum(len(each) for each in inputs)
        parts = [*inputs, *[inputs[0][:1]] * (padded_rows - rows)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def split(self, scores: NDArray[Any], first: int, rows: int) -> NDArray[Any]:
        """The scores of one task."""
        return np.array(scores[first : first + rows])

    def run(self, merged: Any) -> tuple[NDArray[Any], RunTimes]:
        """One step: host ops, the copy to the device, the model, the copy back, the wait."""
        step = next(self._steps)
        with produces_step("SessionRun", id=step, _p=step, model_id=self._model_id):
            run_start = time.time_ns()
            with consumes_step("ExecutorState::Process", id=step, iter_num=0, _c=step):
                host = self._preprocess(merged)
                launch = time.time_ns()
                with ann("edge_inputs:_Recv"):
                    # As from pageable memory in TensorFlow: the call returns when it is copied.
                    on_device = jax.device_put(host).block_until_ready()
                copied = time.time_ns()
                result = self._compute(on_device)
                with ann("edge_scores:_HostRecv"):
                    result.copy_to_host_async()
                launched = time.time_ns()
            scores = np.asarray(result)  # waits for the device, as device->Sync() does
            ready = time.time_ns()
            with consumes_step("ExecutorDoneCallback", id=step, _c=step):
                pass
        return scores, RunTimes(run_start, launch, copied, launched, ready)

    def _preprocess(self, merged: Any) -> NDArray[Any]:
        if self._plan.kind == "image":
            with ann("decode:DecodeJpeg"):
                images = [Image.open(io.BytesIO(jpeg)).convert("RGB") for jpeg in merged]
            with ann("resize:ResizeBilinear"):
                small = [image.resize(THUMBNAIL, Image.Resampling.BILINEAR) for image in images]
                stacked = np.stack([np.asarray(image, np.uint8) for image in small])
            return stacked.reshape(len(stacked), -1)
        if self._plan.kind == "stored" and not self._plan.copies_blocks:
            with ann("sample:StridedSlice"):
                return np.ascontiguousarray(merged[:, :: merged.shape[1] // SAMPLED_BYTES])
        return np.asarray(merged)

    def _compute(self, x: jax.Array) -> jax.Array:
        if self._plan.eager_ops:
            with ann("inputs:Tile"):
                x = jnp.tile(x, (1, EAGER_WIDTH // x.shape[1]))
            for i in range(self._plan.eager_ops):
                with ann(f"layer_{i}:Sin"):
                    for _ in range(LAUNCHES_PER_OP):
                        x = jnp.sin(x)
                    x = self._finished(x)
            return x[:, :1]
        with ann("dense:MatMul"):
            return self._finished(self._forward(x))

    def _finished(self, x: jax.Array) -> jax.Array:
        return x if self._is_gpu else x.block_until_ready()

    def _compile(self, layers: int) -> Callable[[jax.Array], jax.Array]:
        weights, embedding, tokens = self._weights, self._embedding, self._sizes.tokens

        def forward(x: jax.Array) -> jax.Array:
            rows = x.shape[0]
            features = x[:, :DENSE_FEATURES].astype(jnp.float32)
            shifts = jnp.arange(tokens, dtype=jnp.float32)[None, :, None] / tokens
            hidden = (features[:, None, :] + shifts).reshape(rows * tokens, -1) @ embedding
            # A loop, not its unrolling: hundreds of layers compile in no time.
            hidden = jax.lax.fori_loop(0, layers, lambda _, h: jnp.tanh(h @ weights), hidden)
            scores: jax.Array = hidden.reshape(rows, -1).mean(axis=1, keepdims=True)
            return scores

        return jax.jit(forward)

    def _calibrate(self, rows: int) -> int:
        """Layers that take the planned time for this many rows."""
        x = jnp.ones((rows, DENSE_FEATURES), jnp.float32)
        fastest_s = []
        for layers in _CALIBRATION_LAYERS:
            forward = self._compile(layers)
            forward(x).block_until_ready()
            tries = []
            for _ in range(_CALIBRATION_TRIES):
                begin = time.perf_counter()
                forward(x).block_until_ready()
                tries.append(time.perf_counter() - begin)
            fastest_s.append(min(tries))
        few, many = _CALIBRATION_LAYERS
        layer_s = max(1e-6, (fastest_s[1] - fastest_s[0]) / (many - few))
        return max(1, min(LAYERS_MAX, round(self._plan.compute_ms / 1e3 / layer_s)))


def example_rows(plan: ModelPlan, seed: int) -> NDArray[Any] | list[bytes]:
    """One row as a client sends it."""
    random = np.random.default_rng(seed)
    if plan.kind == "dense":
        return random.standard_normal((1, DENSE_FEATURES)).astype(np.float32)
    if plan.kind == "stored":
        return np.array([seed % BLOCKS], np.int64)
    width, height = plan.image_pixels
    # Smooth shapes with some noise: the size and decoding cost of a photograph.
    y, x = np.mgrid[0:height, 0:width]
    base = 127 + 80 * np.sin(x / 37) * np.cos(y / 53)
    noisy = base[..., None] + random.normal(0, 6, (height, width, 3))
    file = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
    return [file.getvalue()]
