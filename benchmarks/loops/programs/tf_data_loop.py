"""The loop of all programs that read from tf.data, and a Python function for their pipelines."""

import time

import tensorflow as tf

WIDTH = 768


def run(dataset, answer, log):
    """Read elements and call the model until the program is ended."""
    elements = iter(dataset)
    while log.goes_on:
        with log.step("input"):
            rows = next(elements)
        with log.step("model"):
            answer(rows)
    log.end()


def slow_row(log, seconds):
    """A map function that waits in Python, as for a file on a network, and logs what it makes."""

    def load_row(number):
        with log.step("made", int(number)):
            time.sleep(seconds)
            return tf.fill([WIDTH], tf.cast(number, tf.float32) % 5 / 5)

    def call(number):
        return tf.ensure_shape(tf.py_function(load_row, [number], tf.float32), [WIDTH])

    return call
