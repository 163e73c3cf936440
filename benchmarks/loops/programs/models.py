"""Small models, and inputs for them."""

from __future__ import annotations

import io

import numpy as np
import tensorflow as tf

IMAGE = (224, 224, 3)


def conv_net():
    """A Keras network that runs op by op when it is called."""
    return tf.keras.Sequential(
        [
            tf.keras.Input(IMAGE),
            tf.keras.layers.Conv2D(8, 3, strides=4, activation="relu"),
            tf.keras.layers.GlobalAveragePooling2D(),
            tf.keras.layers.Dense(10),
        ]
    )


def dense_function(width=768, layers=4):
    """A compiled function of some layers; takes rows of ``width`` numbers."""
    weights = [tf.random.normal([width, width], stddev=0.04) for _ in range(layers)]

    @tf.function(input_signature=[tf.TensorSpec([None, width], tf.float32)])
    def answer(rows):
        for each in weights:
            rows = tf.nn.relu(rows @ each)
        return rows

    answer(tf.zeros([32, width]))
    return answer


def jpeg(size=512):
    """The bytes of an image with some content."""
    from PIL import Image

    ramp = np.add.outer(np.arange(size), np.arange(size)) % 256
    noise = np.random.default_rng(0).integers(0, 60, (size, size))
    channels = [ramp, (ramp + noise) % 256, noise * 4]
    file = io.BytesIO()
    Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()
