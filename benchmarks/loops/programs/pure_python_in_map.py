"""Plain Python in a parallel map: its threads take turns, because they share Python's lock."""

import tensorflow as tf
import tf_data_loop
from models import dense_function
from step_log import StepLog


def add_up(number):
    """Arithmetic in plain Python."""
    total = 0.0
    for each in range(200_000):
        total += each * 0.5
    return tf.fill([tf_data_loop.WIDTH], tf.cast(number, tf.float32) % 5 + total % 1)


def add_up_in_python(number):
    """The map function."""
    row = tf.py_function(add_up, [number], tf.float32)
    return tf.ensure_shape(row, [tf_data_loop.WIDTH])


def main():
    """The loop."""
    log = StepLog()
    rows = tf.data.Dataset.range(1_000_000).map(add_up_in_python, num_parallel_calls=2)
    tf_data_loop.run(rows.batch(1).prefetch(2), dense_function(tf_data_loop.WIDTH), log)


main()
