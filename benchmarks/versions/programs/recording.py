"""Records a program's trace, and next to it each call by the caller's own clock."""

from __future__ import annotations

import ctypes
import json
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

SECONDS = 0.5  # how long the profiler records a program that goes on before and after
LEAD_SECONDS = 0.2  # how long such a program runs before the profiler starts


class Calls:
    """The calls of a program: (thread, begin, end), in unix ns by the caller's clock."""

    def __init__(self):
        self.rows = []

    def timed(self, thread, call):
        """Make the call and note when it began and ended."""
        begin = time.time_ns()
        call()
        self.rows.append((thread, begin, time.time_ns()))


class TensorFlowProfiler:
    """Starts and stops TensorFlow's profiler with the options it has by default."""

    def __init__(self):
        import tensorflow as tf

        self.library = f"tensorflow {tf.__version__}"
        self._profiler = tf.profiler.experimental

    def start(self, folder):
        """Start recording; the trace will lie below the folder."""
        self._profiler.start(folder)

    def stop(self):
        """Stop and write the trace."""
        self._profiler.stop()


def record(work, calls, profiler=None):
    """Record `work()`; the trace and the truth go to the paths on the command line."""
    profiler = profiler or TensorFlowProfiler()
    with tempfile.TemporaryDirectory() as folder:
        profiler.start(folder)
        begin = time.time_ns()
        work()
        end = time.time_ns()
        profiler.stop()
        _keep(folder, profiler, calls, (begin, end))


def record_clients(call, threads, pause_seconds, profiler=None):
    """Record clients, each a thread of its own, that call before, during and after the window.

    Args:
        call: Makes a call; gets the client's number.
        threads: Number of clients.
        pause_seconds: How long a client waits between two calls.
        profiler: What records; TensorFlow's profiler by default.
    """
    calls, over = Calls(), threading.Event()

    def client(number):
        name_this_thread(f"handler-{number}")
        while not over.is_set():
            calls.timed(number, lambda: call(number))
            time.sleep(pause_seconds * (1 + 0.1 * number))

    clients = [threading.Thread(target=client, args=(number,)) for number in range(threads)]
    for each in clients:
        each.start()
    time.sleep(LEAD_SECONDS)

    try:
        record(lambda: time.sleep(SECONDS), calls, profiler)
    finally:
        over.set()
        for each in clients:
            each.join()


def name_this_thread(name):
    """Give the thread a name that the profiler sees; Python itself does so from 3.14 on only."""
    set_name = 15  # PR_SET_NAME of linux/prctl.h
    ctypes.CDLL(None).prctl(set_name, name.encode(), 0, 0, 0)


def _keep(folder, profiler, calls, window):
    trace, truth = map(Path, sys.argv[1:3])
    (written,) = Path(folder).rglob("*.xplane.pb")
    shutil.copyfile(written, trace)
    facts = {
        "library": profiler.library,
        "python": "{}.{}.{}".format(*sys.version_info[:3]),
        "window_unix_ns": window,
        "calls": sorted(calls.rows, key=lambda row: row[1]),
    }
    truth.write_text(json.dumps(facts))
