"""A small Keras model and its input pipeline, for the programs that train."""

import tensorflow as tf

STEPS = 20


def compiled_model():
    """A model of two layers, ready to be trained."""
    model = tf.keras.Sequential(
        [tf.keras.layers.Dense(128, activation="relu"), tf.keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    return model


def batches(steps=STEPS):
    """A tf.data pipeline: parallel map, batch, prefetch."""

    def example(number):
        seed = tf.stack([number, number])
        return tf.random.stateless_normal([32], seed), tf.random.stateless_normal([1], seed)

    numbers = tf.data.Dataset.range(steps * 16)
    return numbers.map(example, num_parallel_calls=2).batch(16).prefetch(2)
