"""A Python loop of eager ops, without any function."""

import time

import numpy as np
import tensorflow as tf
from layers import layers, weights
from recording import Calls, record

ROUNDS = 30


def main():
    """Record the loop: a few milliseconds of ops, then a pause."""
    matrices = [tf.constant(each) for each in weights()]
    data = tf.constant(np.ones([16, 256], np.float32))
    layers(data, matrices).numpy()
    calls = Calls()

    def work():
        for _ in range(ROUNDS):
            calls.timed(0, lambda: layers(data, matrices).numpy())
            time.sleep(0.005)

    record(work, calls)


main()
