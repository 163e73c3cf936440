"""A Python program with a loop around a model, that a capture records by its profiler server.

Run as a program with ``attach`` or ``server``, and its port; prints ``ready``, and ends when its
standard input does.
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

WAIT_S = 0.02


@contextmanager
def python_loop(how: str) -> Iterator[str]:
    """Yields ``127.0.0.1:PORT`` of a running one.

    Args:
        how: ``attach`` or ``server``: with stack sampler, or TensorFlow's profiler server alone.
    """
    port = str(_free_port())
    with child_module("tests.support.python_loop", how, port) as stdout:
        assert stdout.readline() == "ready\n"
        yield f"127.0.0.1:{port}"


def _free_port() -> int:
    """A free port, and the one after it free as well."""
    for _ in range(100):
        with socket.create_server(("127.0.0.1", 0)) as first:
            port = first.getsockname()[1]
            try:
                socket.create_server(("127.0.0.1", port + 1)).close()
            except OSError:
                continue
            return int(port)
    raise RuntimeError("no two free ports in a row")


def wait_for_image() -> None:
    """Stands for a download."""
    time.sleep(WAIT_S)


def _main(how: str, port: int) -> None:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    if how == "attach":
        import diag

        diag.attach(port)
    else:
        tf.profiler.experimental.server.start(port)
    weights = tf.ones([64, 64])
    answer = tf.function(lambda rows: tf.nn.relu(rows @ weights))
    answer(weights)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    ending = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ending.set())).start()
    while not ending.is_set():
        wait_for_image()
        answer(weights)


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
