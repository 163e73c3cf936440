"""One thread calls `Session.run` on a graph whose input is a tf.data pipeline."""

import tensorflow as tf
from layers import layers, weights
from recording import record_clients

ROWS = 16


def main():
    """Record the calls of one client; each takes the next element of the pipeline."""
    with tf.Graph().as_default() as graph:

        def example(number):
            return tf.random.stateless_normal([256], tf.stack([number, number]))

        numbers = tf.data.Dataset.range(1000).repeat()
        data = numbers.map(example, num_parallel_calls=2).batch(ROWS).prefetch(2)
        iterator = tf.compat.v1.data.make_initializable_iterator(data)
        answer = layers(iterator.get_next(), [tf.constant(each) for each in weights()])
    session = tf.compat.v1.Session(graph=graph)
    session.run(iterator.initializer)
    session.run(answer)
    record_clients(lambda _: session.run(answer), threads=1, pause_seconds=0.030)


main()
