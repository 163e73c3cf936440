"""A model of a few milliseconds: dense layers on random weights."""

import numpy as np
import tensorflow as tf

WIDTHS = (256, 1024, 1024, 1024, 256)


def weights():
    """The weights of each layer, the same in every run."""
    random = np.random.RandomState(1)
    shapes = [WIDTHS[i : i + 2] for i in range(len(WIDTHS) - 1)]
    return [random.normal(0, 0.05, shape).astype(np.float32) for shape in shapes]


def layers(rows, matrices):
    """Apply the layers to rows of the first width."""
    for matrix in matrices:
        rows = tf.nn.relu(tf.matmul(rows, matrix))
    return rows


def batched(matrices):
    """The layers behind a batch function: 2 threads, 8 rows, 5 ms."""

    @tf.nondifferentiable_batch_function(
        num_batch_threads=2,
        max_batch_size=8,
        batch_timeout_micros=5000,
        allowed_batch_sizes=[2, 4, 8],
    )
    def batch(rows):
        return layers(rows, [tf.constant(each) for each in matrices])

    return batch
