"""A Keras model of many small layers, called op by op: Python takes longer than the ops."""

import time

import tensorflow as tf
from step_log import StepLog


def read_rows(number):
    """A short wait for the next rows."""
    time.sleep(0.002)
    return tf.fill([1, 16], number % 5 / 5)


def main():
    """The loop."""
    layers = [tf.keras.layers.Dense(16, activation="relu") for _ in range(20)]
    model, log, number = tf.keras.Sequential([tf.keras.Input((16,)), *layers]), StepLog(), 0
    while log.goes_on:
        number += 1
        with log.step("prepare"):
            rows = read_rows(number)
        with log.step("model"):
            model(rows)
    log.end()


main()
