"""Eight Python functions at a time are asked for, but tf.data's pool has a thread a core."""

import tensorflow as tf
import tf_data_loop
from models import dense_function
from step_log import StepLog


def main():
    """The loop."""
    log = StepLog()
    slow_row = tf_data_loop.slow_row(log, 0.04)
    rows = tf.data.Dataset.range(1_000_000).map(slow_row, num_parallel_calls=8)
    tf_data_loop.run(rows.batch(1).prefetch(2), dense_function(tf_data_loop.WIDTH), log)


main()
