"""A serving loop that does one thing after the other: fetch an image, then ask the model.

Each request waits 100 ms for its image, while the model does nothing.

    diag run -o naive.zip -- python naive.py
"""

import sys
import time

import numpy as np
import tensorflow as tf

IMAGE = (224, 224, 3)


def make_model() -> tf.keras.Model:
    """A small image classifier."""
    return tf.keras.Sequential(
        [
            tf.keras.Input(IMAGE),
            tf.keras.layers.Conv2D(8, 3, strides=4, activation="relu"),
            tf.keras.layers.GlobalAveragePooling2D(),
            tf.keras.layers.Dense(10),
        ]
    )


def load_image(path: str) -> np.ndarray:
    """Stands for a download: 100 ms until the image is there."""
    time.sleep(0.1)
    return np.full(IMAGE, len(path) % 7 / 7, np.float32)


def serve(requests: int) -> None:
    """Answer requests one by one."""
    model = make_model()
    for number in range(requests):
        image = load_image(f"image-{number}.jpg")
        model(tf.convert_to_tensor(image[None]))


if __name__ == "__main__":
    serve(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
