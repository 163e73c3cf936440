"""Parallel decoding with a prefetch, for a model that takes longer: the pipeline keeps up."""

import tensorflow as tf
import tf_data_loop
from models import dense_function, jpeg
from step_log import StepLog


def decode(data):
    """One row of an image."""
    image = tf.image.resize(tf.io.decode_jpeg(data, channels=1), [1, tf_data_loop.WIDTH])
    return tf.reshape(image / 255, [tf_data_loop.WIDTH])


def main():
    """The loop."""
    log = StepLog()
    rows = tf.data.Dataset.from_tensors(jpeg(256)).repeat()
    rows = rows.map(decode, num_parallel_calls=2).batch(2).prefetch(tf.data.AUTOTUNE)
    tf_data_loop.run(rows, dense_function(tf_data_loop.WIDTH, layers=24), log)


main()
