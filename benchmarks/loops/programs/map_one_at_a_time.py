"""tf.data without ``num_parallel_calls``: a Python function waits for one row after the other."""

import tensorflow as tf
import tf_data_loop
from models import dense_function
from step_log import StepLog


def main():
    """The loop."""
    log = StepLog()
    rows = tf.data.Dataset.range(1_000_000).map(tf_data_loop.slow_row(log, 0.012))
    tf_data_loop.run(rows.batch(1).prefetch(2), dense_function(tf_data_loop.WIDTH), log)


main()
