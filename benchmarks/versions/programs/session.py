"""Three threads call `Session.run` without batching, as a server written in Python does."""

import numpy as np
import tensorflow as tf
from layers import layers, weights
from recording import record_clients

ROWS = 16


def main():
    """Record the calls of three clients."""
    with tf.Graph().as_default() as graph:
        rows = tf.compat.v1.placeholder(tf.float32, [None, 256], name="rows")
        answer = layers(rows, [tf.constant(each) for each in weights()])
    session = tf.compat.v1.Session(graph=graph)
    data = np.ones([ROWS, 256], np.float32)
    session.run(answer, {rows: data})
    record_clients(lambda _: session.run(answer, {rows: data}), threads=3, pause_seconds=0.012)


main()
