"""The same work as naive.py, with images fetched ahead by tf.data while the model runs.

diag run -o pipeline.zip -- python pipeline.py
"""

import sys

import tensorflow as tf
from naive import IMAGE, load_image, make_model


def fetch(path: tf.Tensor) -> tf.Tensor:
    """Fetch one image in a thread of tf.data."""
    image = tf.py_function(lambda each: load_image(each.numpy().decode()), [path], tf.float32)
    return tf.ensure_shape(image, IMAGE)


def serve(requests: int) -> None:
    """Answer requests from an iterator that is ahead of the model."""
    model = make_model()
    paths = [f"image-{number}.jpg" for number in range(requests)]
    images = iter(
        tf.data.Dataset.from_tensor_slices(paths)
        .map(fetch, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(1)
        .prefetch(tf.data.AUTOTUNE)
    )
    for _ in range(requests):
        model(next(images))


if __name__ == "__main__":
    serve(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
