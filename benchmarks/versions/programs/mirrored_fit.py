"""Distributed training: `fit` under MirroredStrategy on two logical CPUs."""

import tensorflow as tf
from recording import Calls, record
from training import batches, compiled_model


def main():
    """Record one epoch, the second of the process."""
    (cpu,) = tf.config.list_physical_devices("CPU")
    if hasattr(tf.config, "set_logical_device_configuration"):
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)
    else:  # before TensorFlow 2.4
        two = [tf.config.experimental.VirtualDeviceConfiguration()] * 2
        tf.config.experimental.set_virtual_device_configuration(cpu, two)
    with tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"]).scope():
        model = compiled_model()
    data, calls = batches(), Calls()
    model.fit(data, epochs=1, verbose=0)
    record(lambda: calls.timed(0, lambda: model.fit(data, epochs=1, verbose=0)), calls)


main()
