"""The same work as naive.py, with images fetched ahead by tf.data while the model runs.

    diag run -o pipeline.zip -- python pipeline.py
    diag run -o pool.zip -- python pipeline.py 1000 16

The second argument is the number of threads that fetch; tf.data's own default is one a core.
"""

import sys

import tensorflow as tf
from naive import IMAGE, load_image, make_model


def fetch(path: tf.Tensor) -> tf.Tensor:
    """Fetch one image in a thread of tf.data."""
    image = tf.py_function(lambda each: load_image(each.numpy().decode()), [path], tf.float32)
    return tf.ensure_shape(image, IMAGE)


def serve(requests: int, threads: int) -> None:
    """Answer requests from an iterator that is ahead of the model."""
    model = make_model()
    paths = [f"image-{number}.jpg" for number in range(requests)]
    options = tf.data.Options()
    options.threading.private_threadpool_size = threads  # 0: as many as cores
    images = iter(
        tf.data.Dataset.from_tensor_slices(paths)
        .map(fetch, num_parallel_calls=threads or tf.data.AUTOTUNE)
        .batch(1)
        .prefetch(tf.data.AUTOTUNE)
        .with_options(options)
    )
    for _ in range(requests):
        model(next(images))


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:]]
    serve(*(numbers + [200, 0][len(numbers) :]))
