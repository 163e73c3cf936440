"""Waiting for requests before recording, without disturbing the server more than needed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from diag.capture.plan import MS, SECOND
from diag.capture.recorded_traffic import shows_traffic
from diag.capture.server.metrics_page import MetricsSource, read_metrics, request_count
from diag.errors import EmptyCaptureError
from diag.formats.trace.xspace import decode_space
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.capture.progress import Progress
    from diag.capture.server.connection import Connection
    from diag.capture.tracers.recorder import Recorder

PROBE_NS = 100 * MS
PROBE_LEVEL = 1
# Reading a page is cheap, a probe takes the server's profiler; both wait longer each time.
SCRAPE_PAUSE_NS = 250 * MS
PROBE_PAUSE_NS = 500 * MS
PAUSE_MAX_NS = 10 * SECOND
PAUSE_GROWTH = 1.5


def wait_for_traffic(
    connection: Connection,
    recorder: Recorder,
    metrics: MetricsSource | Unavailable,
    progress: Progress,
) -> None:
    """Return when the server answers requests.

    With metrics, when its request count has grown between two readings; else when a recording of
    100 ms at level 1 shows work.

    Raises:
        EmptyCaptureError: It did not within the plan's limit.
        CaptureError: A probe failed.
    """
    if isinstance(metrics, MetricsSource):
        progress.say(f"waiting for requests (reading {metrics.url})")
        watch, pause_ns = _by_metrics(connection, metrics.url), SCRAPE_PAUSE_NS
    else:
        progress.say("waiting for requests (short level-1 recordings, for want of metrics)")
        watch, pause_ns = _by_probes(recorder), PROBE_PAUSE_NS
    deadline_ns = time.monotonic_ns() + connection.plan.wait_limit_ns
    while not watch():
        left_ns = deadline_ns - time.monotonic_ns()
        if left_ns <= 0:
            raise _none_came(connection)
        time.sleep(min(pause_ns, left_ns) / SECOND)
        pause_ns = min(PAUSE_MAX_NS, int(pause_ns * PAUSE_GROWTH))


def _by_metrics(connection: Connection, url: str) -> Callable[[], bool]:
    counts: list[float] = []

    def grew() -> bool:
        samples = read_metrics(connection, url)
        if isinstance(samples, Unavailable):
            return False
        counts.append(request_count(samples))
        return len(counts) > 1 and counts[-1] > counts[-2]

    return grew


def _by_probes(recorder: Recorder) -> Callable[[], bool]:
    def shows() -> bool:
        recording = recorder.record(PROBE_NS, PROBE_LEVEL, keep=False)
        return bool(recording.xspace) and shows_traffic(decode_space(recording.xspace or b""))

    return shows


def _none_came(connection: Connection) -> EmptyCaptureError:
    limit_s = connection.plan.wait_limit_ns / SECOND
    return EmptyCaptureError(
        f"{connection.target.given}: no request within {limit_s:g} s, nothing was recorded",
        hint="send it load, or wait longer with --wait-limit 30m",
    )
