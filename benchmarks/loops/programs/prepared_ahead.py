"""The same in a pipeline: LOG KIND WAIT_MS COMPUTE_MS CALLS; CALLS 0 leaves all to tf.data."""

import sys

import tensorflow as tf
from prepare import WIDTH, prepare, start


def fetch(number):
    """Prepare a row on a thread of tf.data."""
    row = tf.py_function(lambda each: prepare(int(each)), [number], tf.float32)
    return tf.ensure_shape(row, [WIDTH])


def main():
    """The loop."""
    (answer, log), calls, options = start(), int(sys.argv[5]), tf.data.Options()
    if calls:
        options.threading.private_threadpool_size = calls
    rows = tf.data.Dataset.range(1 << 40).map(fetch, num_parallel_calls=calls or tf.data.AUTOTUNE)
    elements = iter(rows.batch(1).prefetch(tf.data.AUTOTUNE).with_options(options))
    while log.goes_on:
        with log.step("input"):
            row = next(elements)
        with log.step("model"):
            answer(row)
    log.end()


main()
