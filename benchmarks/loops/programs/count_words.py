"""Plain Python turns text into numbers, and so holds Python's lock; the model is compiled."""

import tensorflow as tf
from models import dense_function
from step_log import StepLog

WIDTH = 768
TEXT = "a loop that counts the words of a text before it asks its model about them " * 600


def count_words(text):
    """A bag of hashed words."""
    counts = [0.0] * WIDTH
    for word in text.split():
        counts[hash_word(word) % WIDTH] += 1
    return counts


def hash_word(word):
    """A sum of its letters."""
    total = 7
    for letter in word:
        total = total * 31 + ord(letter)
    return total


def main():
    """The loop."""
    answer, log = dense_function(WIDTH), StepLog()
    while log.goes_on:
        with log.step("prepare"):
            rows = tf.constant([count_words(TEXT)])
        with log.step("model"):
            answer(rows)
    log.end()


main()
