"""Compressed files are read one after the other: unpacking them takes the time."""

import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_data_loop
from models import dense_function
from step_log import StepLog

RECORD_BYTES = 1_500_000


def write_files(folder):
    """Four files with large records."""
    options = tf.io.TFRecordOptions(compression_type="GZIP")
    random = np.random.default_rng(0)
    for number in range(4):
        with tf.io.TFRecordWriter(str(Path(folder) / f"{number}.records"), options) as file:
            for _ in range(20):
                file.write(random.integers(0, 40, RECORD_BYTES, np.uint8).tobytes())


def read(path):
    """The records of one file."""
    return tf.data.TFRecordDataset(path, compression_type="GZIP").repeat()


def first_bytes(record):
    """The part that the model takes."""
    data = tf.io.decode_raw(tf.strings.substr(record, 0, tf_data_loop.WIDTH), tf.uint8)
    return tf.ensure_shape(tf.cast(data, tf.float32), [tf_data_loop.WIDTH])


def main():
    """The loop."""
    with tempfile.TemporaryDirectory() as folder:
        write_files(folder)
        log, paths = StepLog(), sorted(map(str, Path(folder).iterdir()))
        rows = tf.data.Dataset.from_tensor_slices(paths).interleave(read, cycle_length=4)
        rows = rows.map(first_bytes, num_parallel_calls=2).batch(1).prefetch(2)
        tf_data_loop.run(rows, dense_function(tf_data_loop.WIDTH), log)


main()
