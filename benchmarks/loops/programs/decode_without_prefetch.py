"""Decoding inside of ``next()``: no parallel calls, no prefetch, and no autotuner to add them."""

import tensorflow as tf
import tf_data_loop
from models import dense_function, jpeg
from step_log import StepLog


def decode(data):
    """Shrink an image to a row."""
    image = tf.image.resize(tf.io.decode_jpeg(data, channels=1), [1, tf_data_loop.WIDTH])
    return tf.reshape(image / 255, [tf_data_loop.WIDTH])


def main():
    """The loop."""
    log, options = StepLog(), tf.data.Options()
    options.autotune.enabled = False
    rows = tf.data.Dataset.from_tensors(jpeg(1024)).repeat().map(decode).batch(1)
    answer = dense_function(tf_data_loop.WIDTH)
    tf_data_loop.run(rows.with_options(options), answer, log)


main()
