"""Waits for requests before a recording, with as little load on the server as possible."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from diag.capture.plan import MS, SECOND
from diag.capture.recorded_traffic import shows_traffic
from diag.capture.server.metrics_page import MetricsPage, read_metrics, samples_of, scrape
from diag.errors import EmptyCaptureError
from diag.formats.text.prometheus import declared_names
from diag.formats.text.serving_metrics import NOT_ON_PAGE, REQUEST_COUNT, inferences
from diag.formats.trace.xspace import decode_space
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.capture.plan import CapturePlan
    from diag.capture.progress import Progress
    from diag.capture.tracers.trace_source import TraceSource

PROBE_NS = 100 * MS
PROBE_LEVEL = 1
# First pause between two attempts. A short recording costs the server more than a page, so it
# pauses longer. Each pause is longer than the one before.
SCRAPE_PAUSE_NS = 250 * MS
PROBE_PAUSE_NS = 500 * MS
PAUSE_MAX_NS = 10 * SECOND
PAUSE_GROWTH = 1.5


def wait_for_traffic(
    plan: CapturePlan,
    source: TraceSource,
    metrics: MetricsPage | Unavailable,
    progress: Progress,
) -> None:
    """Return as soon as the server handles requests.

    With a metrics page: when the count of inferences has grown between two readings; status and
    metadata requests, such as liveness probes, do not count. Without a page, or if it does not
    count them: when a recording of 100 ms at tracer level 1 shows work.

    Args:
        plan: Limits the wait.
        source: Makes the short recordings.
        metrics: The server's metrics page, if there is one.
        progress: Informed that the wait begins.

    Raises:
        EmptyCaptureError: No request came within the plan's ``wait_limit_ns``.
        CaptureError: A short recording failed.
    """
    if isinstance(metrics, MetricsPage) and _counts_requests(metrics.url, plan):
        progress.say(f"waiting for requests (reading {metrics.url})")
        has_traffic, pause_ns = _by_metrics(metrics.url, plan), SCRAPE_PAUSE_NS
    else:
        reason = "no metrics page" if isinstance(metrics, Unavailable) else NOT_ON_PAGE.reason
        progress.say(f"waiting for requests ({reason}: making short recordings at level 1)")
        has_traffic, pause_ns = _by_probes(source), PROBE_PAUSE_NS
    deadline_ns = time.monotonic_ns() + plan.wait_limit_ns
    while not has_traffic():
        left_ns = deadline_ns - time.monotonic_ns()
        if left_ns <= 0:
            raise _no_traffic(plan)
        time.sleep(min(pause_ns, left_ns) / SECOND)
        pause_ns = min(PAUSE_MAX_NS, int(pause_ns * PAUSE_GROWTH))


def _by_metrics(url: str, plan: CapturePlan) -> Callable[[], bool]:
    counts: list[float] = []

    def has_grown() -> bool:
        samples = read_metrics(url, plan)
        if isinstance(samples, Unavailable):
            return False
        count = inferences(samples)
        counts.append(0.0 if isinstance(count, Unavailable) else count)
        return len(counts) > 1 and counts[-1] > counts[-2]

    return has_grown


def _counts_requests(url: str, plan: CapturePlan) -> bool:
    """Whether the page has request_count, or declares it, as before the first request."""
    page = scrape(url, plan)
    if isinstance(page, Unavailable):
        return False
    samples = samples_of(page, url)
    has_count = not isinstance(samples, Unavailable) and isinstance(inferences(samples), float)
    return has_count or REQUEST_COUNT in declared_names(page.body)


def _by_probes(source: TraceSource) -> Callable[[], bool]:
    def shows_work() -> bool:
        xspace = source.record(PROBE_NS, PROBE_LEVEL, keep=False).xspace
        return shows_traffic(decode_space(xspace))

    return shows_work


def _no_traffic(plan: CapturePlan) -> EmptyCaptureError:
    limit_ns = plan.wait_limit_ns
    return EmptyCaptureError(
        f"no request came to {plan.server} within {limit_ns / SECOND:g} s; nothing was recorded",
        hint="send requests to the server, or wait longer (`wait_limit_ns`)",
        retry={"wait_limit_ns": 2 * limit_ns},
    )
