"""A process with TensorFlow's own profiler server and a small model that runs all the time.

Run as a program: prints its port, then ``ready``; ends when its standard input does.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.child_module import child_module


@contextmanager
def tensorflow_profiler() -> Iterator[str]:
    """Yields ``127.0.0.1:PORT`` of a running one."""
    with child_module("tests.support.tensorflow_profiler") as stdout:
        port = stdout.readline().strip()
        assert stdout.readline() == "ready\n"
        yield f"127.0.0.1:{port}"


def _main() -> None:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    tf.profiler.experimental.server.start(port)
    graph = tf.Graph()
    with graph.as_default():
        given = tf.compat.v1.placeholder(tf.float32, [None, 128])
        value = given
        for _ in range(4):
            value = tf.tanh(tf.matmul(value, tf.fill([128, 128], 0.01)))
    run = tf.compat.v1.Session(graph=graph).make_callable(value, [given])
    rows = [[0.5] * 128] * 16
    run(rows)
    sys.stdout.write(f"{port}\nready\n")
    sys.stdout.flush()
    ending = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ending.set())).start()
    while not ending.is_set():
        run(rows)
        time.sleep(0.005)


if __name__ == "__main__":
    _main()
