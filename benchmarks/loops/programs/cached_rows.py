"""Rows that take long to make are kept by ``cache()``: after the first pass nothing waits."""

import tensorflow as tf
import tf_data_loop
from models import dense_function
from step_log import StepLog


def main():
    """The loop."""
    log = StepLog()
    rows = tf.data.Dataset.range(40).map(tf_data_loop.slow_row(log, 0.02)).cache().repeat()
    answer = dense_function(tf_data_loop.WIDTH, layers=12)
    tf_data_loop.run(rows.batch(2).prefetch(2), answer, log)


main()
