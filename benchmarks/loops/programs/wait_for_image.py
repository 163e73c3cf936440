"""Each image takes 20 ms to arrive; then a Keras model is called op by op."""

import time

import numpy as np
import tensorflow as tf
from models import IMAGE, conv_net
from step_log import StepLog


def fetch_image(number):
    """Stands for a download."""
    time.sleep(0.02)
    return np.full(IMAGE, number % 7 / 7, np.float32)


def main():
    """The loop."""
    model, log, number = conv_net(), StepLog(), 0
    while log.goes_on:
        number += 1
        with log.step("prepare"):
            image = tf.convert_to_tensor(fetch_image(number)[None])
        with log.step("model"):
            model(image)
    log.end()


main()
