"""Four threads call a `tf.function` that batches within itself: no session anywhere."""

import numpy as np
import tensorflow as tf
from layers import batched, weights
from recording import record_clients


def main():
    """Record the calls of four clients."""
    batch = batched(weights())

    @tf.function(input_signature=[tf.TensorSpec([None, 256], tf.float32)])
    def answer(rows):
        return tf.identity(batch(rows))

    data = tf.constant(np.ones([1, 256], np.float32))
    answer(data).numpy()
    record_clients(lambda _: answer(data).numpy(), threads=4, pause_seconds=0.012)


main()
