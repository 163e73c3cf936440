"""JPEGs are decoded by PIL; the model is the signature of a SavedModel."""

import io
import tempfile

import numpy as np
import tensorflow as tf
from models import dense_function, jpeg
from PIL import Image
from step_log import StepLog

WIDTH = 768


def saved_signature():
    """Export a model and load it, as a server would."""
    module = tf.Module()
    module.answer = dense_function(WIDTH)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=module.answer)
        loaded = tf.saved_model.load(folder)
    return loaded, loaded.signatures["serving_default"]


def open_image(data):
    """Decode and shrink an image."""
    image = Image.open(io.BytesIO(data)).convert("L").resize((WIDTH, 32))
    return np.asarray(image, np.float32) / 255


def main():
    """The loop."""
    (_loaded, answer), data, log = saved_signature(), jpeg(1024), StepLog()
    while log.goes_on:
        with log.step("prepare"):
            rows = tf.constant(open_image(data))
        with log.step("model"):
            answer(rows=rows)
    log.end()


main()
