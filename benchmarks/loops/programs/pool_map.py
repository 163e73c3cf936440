"""A pool of two threads makes rows, and the loop takes its results in order."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf
from models import dense_function
from step_log import StepLog

WIDTH = 768


def load_row(number):
    """Stands for a file on a network."""
    time.sleep(0.03)
    return np.full((1, WIDTH), number % 5 / 5, np.float32)


def rows(log):
    """Rows of one job after the other."""
    with ThreadPoolExecutor(2) as pool:
        while log.goes_on:
            yield from pool.map(load_row, range(64))


def main():
    """The loop."""
    answer, log = dense_function(WIDTH), StepLog()
    made = rows(log)
    while log.goes_on:
        with log.step("result"):
            row = next(made)
        with log.step("prepare"):
            tensor = tf.constant(row)
        with log.step("model"):
            answer(tensor)
    log.end()


main()
