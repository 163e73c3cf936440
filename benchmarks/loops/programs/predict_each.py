"""Keras' ``predict`` for one item at a time."""

import time

import numpy as np
from models import IMAGE, conv_net
from step_log import StepLog


def read_item(number):
    """A short wait for an item."""
    time.sleep(0.005)
    return np.full((1, *IMAGE), number % 5 / 5, np.float32)


def main():
    """The loop."""
    model, log, number = conv_net(), StepLog(), 0
    model.predict(read_item(0), verbose=0)
    while log.goes_on:
        number += 1
        with log.step("prepare"):
            item = read_item(number)
        with log.step("model"):
            model.predict(item, verbose=0)
    log.end()


main()
