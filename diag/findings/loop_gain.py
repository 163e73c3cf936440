"""What parallel prefetching brings to a loop, by the pipeline's arithmetic.

With a queue of prepared inputs in front of it, the model waits only while fewer inputs are ready
than it takes: the interval is max(rest, f / p), where f is the time to prepare an input, p how many
are prepared at a time, and rest the other time of an iteration. Measured on TensorFlow 2.21 with
functions that wait 100 ms: within 4 %. Time that computes in Python gains nothing, because threads
share Python's lock; it is left as it is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.model.availability import Unavailable
from diag.model.finding import Gain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from diag.model.loops import PythonFunction


COMPUTES = Unavailable(
    "the preparation computes, or waits for a free core: threads do not make it faster"
)


def cpu_ratio_of(functions: Iterable[PythonFunction]) -> float | Unavailable:
    """The functions' CPU time over their time; Unavailable if one of them is not known."""
    time = cpu = 0.0
    for function in functions:
        if isinstance(function.cpu_ratio, Unavailable):
            return Unavailable(
                "whether the preparation waits or computes is not known; only waiting can overlap"
            )
        time += function.share
        cpu += function.share * function.cpu_ratio
    if not time:
        return Unavailable("no sample tells whether it waits or computes")
    return cpu / time


def parallel_calls(prepare_ns: float, rest_ns: float, now: float = 1.0) -> int:
    """How many inputs to prepare at a time so that they keep up with the rest of the loop.

    Args:
        prepare_ns: Time to prepare one input.
        rest_ns: Other time of an iteration.
        now: Inputs that are prepared at a time now; the answer is twice as many at least.
    """
    wanted = math.ceil(prepare_ns / max(rest_ns, 1.0))
    return max(2 * round(now), min(wanted, thresholds.PARALLEL_CALLS_MAX))


def prefetch_gain(
    mean_ns: float,
    least_ns: tuple[float, float],
    prepare_ns: float,
    calls: int,
    now: float = 1.0,
) -> Gain | Unavailable:
    """The gain for the part of the preparation that waits.

    Args:
        mean_ns: Of an iteration now.
        least_ns: The iteration if inputs were always ready: by the CPU time of the preparation as
            it was measured, and by what it would be at most on free cores.
        prepare_ns: Time to prepare one input.
        calls: Inputs prepared at a time after the change.
        now: Inputs prepared at a time before it.
    """
    few = 2 * round(now)
    low, high = max(least_ns[0], prepare_ns / calls), max(least_ns[1], prepare_ns / few)
    if low > mean_ns * (1 - thresholds.CHECK_SLACK):
        return COMPUTES
    upper = f"; the upper value is that of {few} at a time" if high > low else ""
    return Gain(
        "loop.iteration.mean",
        "ns",
        mean_ns,
        low,
        min(high, mean_ns),
        f"max(rest, preparation / {calls} at a time), for its waiting part alone{upper}.",
    )
