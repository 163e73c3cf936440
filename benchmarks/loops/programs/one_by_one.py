"""Prepare a row, then call the model: LOG KIND WAIT_MS COMPUTE_MS."""

import tensorflow as tf
from prepare import prepare, start


def main():
    """The loop."""
    (answer, log), number = start(), 0
    while log.goes_on:
        number += 1
        with log.step("prepare"):
            row = tf.constant(prepare(number)[None])
        with log.step("model"):
            answer(row)
    log.end()


main()
