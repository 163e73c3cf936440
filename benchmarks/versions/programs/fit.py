"""Training: a Keras model's `fit` on a tf.data pipeline."""

from recording import Calls, record
from training import batches, compiled_model


def main():
    """Record one epoch, the second of the process."""
    model, data, calls = compiled_model(), batches(), Calls()
    model.fit(data, epochs=1, verbose=0)
    record(lambda: calls.timed(0, lambda: model.fit(data, epochs=1, verbose=0)), calls)


main()
