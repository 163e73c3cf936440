"""Two threads call a `tf.function` of a model, as a Python server without batching does."""

import numpy as np
import tensorflow as tf
from layers import layers, weights
from recording import record_clients


def main():
    """Record the calls of two clients."""
    matrices = [tf.constant(each) for each in weights()]

    @tf.function(input_signature=[tf.TensorSpec([None, 256], tf.float32)])
    def answer(rows):
        return layers(rows, matrices)

    data = tf.constant(np.ones([16, 256], np.float32))
    answer(data).numpy()
    record_clients(lambda _: answer(data).numpy(), threads=2, pause_seconds=0.012)


main()
