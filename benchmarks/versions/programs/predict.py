"""Ten calls of a Keras model's `predict`, one after the other."""

import numpy as np
import tensorflow as tf
from recording import Calls, record

PREDICTIONS = 10


def main():
    """Record the predictions."""
    model = tf.keras.Sequential(
        [tf.keras.layers.Dense(256, activation="relu"), tf.keras.layers.Dense(8)]
    )
    data = np.ones([64, 64], np.float32)
    model.predict(data, verbose=0)
    calls = Calls()

    def work():
        for _ in range(PREDICTIONS):
            calls.timed(0, lambda: model.predict(data, verbose=0))

    record(work, calls)


main()
