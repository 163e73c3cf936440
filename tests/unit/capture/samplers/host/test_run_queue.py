"""The number of threads that run or could run, from the kernel's page."""

from __future__ import annotations

import os

from diag.capture.samplers.host.reader import HostReader
from diag.capture.server.local_server import LocalServer


def test_every_reading_counts_at_least_the_thread_that_reads() -> None:
    reader = HostReader(LocalServer(os.getpid()))
    assert reader.units["runnable_threads"] == "threads"
    readings = [reader.read()["runnable_threads"] for _ in range(5)]
    assert all(isinstance(count, int) and count >= 1 for count in readings), readings
