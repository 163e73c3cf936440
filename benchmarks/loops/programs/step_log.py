"""The steps of a loop, by its own clock: ``time.perf_counter_ns`` around each."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

SECONDS_MAX = 90  # a program that nobody ends


class StepLog:
    """Collects steps in memory, and writes them to the path on the command line at the end."""

    def __init__(self):
        self.over = threading.Event()
        self._rows = []
        self._clocks = [_clocks()]
        self._end = time.monotonic() + SECONDS_MAX
        signal.signal(signal.SIGTERM, lambda *_: self.over.set())
        Path(sys.argv[1]).touch()  # the loop begins

    @property
    def goes_on(self):
        """False once the program has got SIGTERM."""
        return not self.over.is_set() and time.monotonic() < self._end

    def step(self, kind, number=0):
        """A context: one step of the calling thread.

        Args:
            kind: ``wait`` for a request, ``read`` the rest of it, ``result`` of a pool,
                ``input`` from an iterator, ``prepare``, ``model``, ``answer``; or ``made``, an
                element of a pipeline.
            number: Of the element.
        """
        return _Step(self._rows, kind, number)

    def add(self, kind, begin, end):
        """A step that another clock reading began."""
        self._rows.append((threading.get_ident(), kind, begin, end, 0))

    def write(self):
        """Write all steps."""
        self._clocks.append(_clocks())
        document = {"clocks": self._clocks, "steps": self._rows}
        Path(sys.argv[1]).write_text(json.dumps(document))

    def end(self):
        """Write all steps and end at once: threads of unread pipelines may hold Python's exit."""
        self.write()
        sys.stdout.flush()
        os._exit(0)


class _Step:
    __slots__ = ("_begin", "_kind", "_number", "_rows")

    def __init__(self, rows, kind, number):
        self._rows, self._kind, self._number, self._begin = rows, kind, number, 0

    def __enter__(self):
        self._begin = time.perf_counter_ns()

    def __exit__(self, *_):
        now = time.perf_counter_ns()
        self._rows.append((threading.get_ident(), self._kind, self._begin, now, self._number))


def _clocks():
    """Both clocks at one time: the log's and the wall clock."""
    return time.perf_counter_ns(), time.time_ns()
