"""Four threads call `Session.run` on a graph that batches within itself (`BatchFunction`)."""

import numpy as np
import tensorflow as tf
from layers import batched, weights
from recording import record_clients


def main():
    """Record the calls of four clients."""
    with tf.Graph().as_default() as graph:
        rows = tf.compat.v1.placeholder(tf.float32, [None, 256], name="rows")
        answer = tf.identity(batched(weights())(rows), name="answer")
    session = tf.compat.v1.Session(graph=graph)
    data = np.ones([1, 256], np.float32)
    session.run(answer, {rows: data})
    record_clients(lambda _: session.run(answer, {rows: data}), threads=4, pause_seconds=0.012)


main()
