"""A tf.data pipeline that is read by a loop which does nothing else."""

from recording import Calls, record
from training import batches


def main():
    """Record one pass over the data, the second of the process."""
    data, calls = batches(), Calls()

    def work():
        for _ in data:
            pass

    work()
    record(lambda: calls.timed(0, work), calls)


main()
