"""Client logs for tests: made next to a trace, or of a simulated load."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.clients.containment import Spans
from diag.model.client_log import ClientLog

if TYPE_CHECKING:
    from diag.model.capture import Capture

_MS = 1_000_000
_ORIGIN_UNIX_NS = 1_795_893_011_000_000_000


def with_calls(capture: Capture, *calls: tuple[float, float, str]) -> Capture:
    """The capture with a log of calls, given as begin and end in µs of it, and status."""
    statuses = tuple(dict.fromkeys(status for *_, status in calls))
    ordered = sorted(calls, key=lambda call: call[1])
    times = np.array([call[:2] for call in ordered]).reshape(-1, 2) * 1000
    columns = times.astype(np.int64) + _ORIGIN_UNIX_NS
    index = np.array([statuses.index(status) for *_, status in ordered], np.int32)
    log = ClientLog("calls.csv", columns[:, 0], columns[:, 1], index, statuses)
    return replace(capture, origin_unix_ns=_ORIGIN_UNIX_NS).with_client_log(log)


def shifted_load(off_ns: float, delay_ns: float) -> tuple[Spans, Spans]:
    """600 requests at random times over 3 s, and their calls by a clock that is ahead.

    Args:
        off_ns: How far the clients' clock is ahead.
        delay_ns: Mean of an exponential wait before the handler, besides 0.1 to 0.4 ms on each way.
    """
    random = np.random.default_rng(7)
    start = np.sort(random.integers(0, 3000 * _MS, 600))
    end = start + random.integers(2 * _MS, 12 * _MS, 600)
    way, back = random.integers(_MS // 10, 4 * _MS // 10, (2, 600))
    before = way + random.exponential(delay_ns, 600).astype(np.int64)
    calls = Spans(start - before + int(off_ns), end + back + int(off_ns))
    return Spans(start, end), calls
