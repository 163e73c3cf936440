"""Plain Python in ``map()``: it runs once, while it is traced, and every row is the same."""

import random

import tensorflow as tf
import tf_data_loop
from models import dense_function
from step_log import StepLog


def random_row(_number):
    """Looks as if it made another row for each number."""
    return tf.constant([random.random() for _ in range(tf_data_loop.WIDTH)])


def main():
    """The loop."""
    log = StepLog()
    rows = tf.data.Dataset.range(1_000_000).map(random_row, num_parallel_calls=2)
    tf_data_loop.run(rows.batch(8).prefetch(2), dense_function(tf_data_loop.WIDTH), log)


main()
