"""Large images are scaled by NumPy before a compiled function is called."""

import numpy as np
import tensorflow as tf
from models import dense_function
from step_log import StepLog

ROWS, WIDTH = 32, 768


def standardize(image):
    """Blur by a mean of neighbours, then subtract the mean and divide by the deviation."""
    wide = image.astype(np.float64)
    wide = (wide[1:-1] + wide[:-2] + wide[2:]) / 3
    wide = np.sqrt(np.abs(wide - wide.mean()) / (wide.std() + 1))
    return wide[:ROWS, :WIDTH].astype(np.float32)


def main():
    """The loop."""
    answer, log = dense_function(WIDTH), StepLog()
    image = np.random.default_rng(0).integers(0, 255, (1200, 1200), np.uint8)
    while log.goes_on:
        with log.step("prepare"):
            rows = tf.constant(standardize(image))
        with log.step("model"):
            answer(rows)
    log.end()


main()
