"""Time of clients' calls that the trace does not show, and where it is spent."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple

from diag.findings import thresholds
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.analysis.clients.client_times import ClientTimes
    from diag.analysis.clients.open_calls import OpenCalls
    from diag.analysis.result import Analysis


class OutsideCause(enum.Enum):
    """What a call waits for besides its request in the trace."""

    THREADS = "handler-threads"
    HANDLER = "handler"  # decoding and encoding
    ON_THE_WAY = "grpc-threads-or-network"
    CLIENT = "client-or-network"
    UNKNOWN = "outside"


class Outside(NamedTuple):
    """Where clients' time goes besides the trace.

    Attributes:
        times: Calls joined with requests.
        mean_ns: Mean of a call minus that of its request.
        share: Of the call's time, 0 to 1.
        cause: The largest part, as far as evidence tells it.
        handler_ns: Mean of the part in the handler, by the server's metrics.
        probe_ns: Median latency of the capture's status calls.
    """

    times: ClientTimes
    mean_ns: float
    share: float
    cause: OutsideCause
    handler_ns: float | Unavailable
    probe_ns: float | Unavailable

    @property
    def is_before(self) -> bool:
        """Whether nearly all of it lies before the request, however far the clocks may be off."""
        return self.times.before_low_ns >= thresholds.OUTSIDE_BEFORE_SHARE * self.mean_ns


def find_outside(analysis: Analysis) -> Outside | None:
    """None without a client log that fits to the trace."""
    times = analysis.clients.times
    if isinstance(times, Unavailable):
        return None
    mean_ns, client_ns = times.outside.mean_ns, times.client.mean_ns
    if isinstance(mean_ns, Unavailable) or isinstance(client_ns, Unavailable):
        return None
    handler_ns, probe_ns = mean_handler_ns(analysis), _probe_median_ns(analysis)
    least = thresholds.OUTSIDE_MAIN_SHARE * mean_ns
    if not isinstance(handler_ns, Unavailable) and handler_ns >= least:
        cause = OutsideCause.HANDLER
    elif _is_full(times.open):
        cause = OutsideCause.THREADS
    elif isinstance(probe_ns, Unavailable):
        cause = OutsideCause.UNKNOWN
    else:
        cause = OutsideCause.ON_THE_WAY if probe_ns >= least else OutsideCause.CLIENT
    return Outside(times, mean_ns, mean_ns / max(1.0, client_ns), cause, handler_ns, probe_ns)


def _is_full(open_: OpenCalls) -> bool:
    """Whether the server has as many requests as it ever has, while clients have more calls."""
    return (
        not isinstance(open_.crowded_mean, Unavailable)
        and open_.requests_max > 1
        and open_.crowded_ratio >= thresholds.CROWDED_MIN_RATIO
        and open_.crowded_mean >= thresholds.CROWDED_MIN_FILL * open_.requests_max
    )


def mean_handler_ns(analysis: Analysis) -> float | Unavailable:
    """Mean time in the handler outside Session::Run, ns, over the answers of all models."""
    if isinstance(analysis.metrics, Unavailable):
        return analysis.metrics
    total_ns, answers = 0.0, 0
    for model in analysis.metrics:
        if isinstance(model.responses, Unavailable):
            continue
        n = model.responses.get("OK", 0)
        if isinstance(model.outside_mean_ns, Unavailable):
            if n:
                return model.outside_mean_ns
            continue
        total_ns, answers = total_ns + n * model.outside_mean_ns, answers + n
    return total_ns / answers if answers else Unavailable("the metrics count no answer")


def _probe_median_ns(analysis: Analysis) -> float | Unavailable:
    """Median latency of the capture's status calls."""
    probe = analysis.probe
    return probe if isinstance(probe, Unavailable) else probe.time.p50_ns
