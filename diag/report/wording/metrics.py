"""Metrics in words: today's value, the value to expect, and what a later capture must show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.report.shown import shown_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.model.finding import Check, Gain

# Units that say more than what is counted: a metric's name says that already.
_SHOWN_UNITS = frozenset({"ns", "ratio", "bytes", "GB/s", "%"})
_SINGULAR_UNITS = frozenset({"ns", "ratio", "times"})  # of one quantity, not of things counted
_NAMES = {
    "device.busy": "busy time of the device",
    "device.planes": "GPUs in the trace",
    "device.kernels_per_request": "kernels per request",
    "device.bytes_in_per_request": "bytes copied to the GPU per request",
    "device.kernel_spread": "p90 over p10 of the kernel that varies most",
    "samples.disagreements": "GPUs whose samples contradict the trace",
    "batches.rows_mean": "mean rows per batch",
    "batches.padding": "padding",
    "batches.service.mean": "mean time per batch",
    "requests.complete": "complete requests",
    "requests.failed": "the failed share of requests",
}
_SAME_LOAD = "under the same load"


def metric_name(metric: str) -> str:
    """A metric of ``diag.findings.metrics`` in words: ``queue-fill p50``, ``p99 latency``."""
    head, _, rest = metric.partition(".")
    if head == "latency":
        return f"{rest} latency"
    if head == "stage":
        return rest.replace(".", " ")
    if head == "idle":
        return f"idle time in {rest}"
    return _NAMES.get(metric, metric.replace(".", " ").replace("_", " "))


def describe_gain(gain: Gain) -> str:
    """Today's value and the range to expect, without a final dot.

    If the range reaches today's value, the best value is given alone, with a warning.
    """
    name, now = metric_name(gain.metric), _shown(gain.now, gain.unit)
    if gain.low < gain.now <= gain.high:
        best = _shown(gain.low, gain.unit)
        return f"{name} {now} → {best} at best; it may not change"
    return f"{name} {now} → {_range(gain.low, gain.high, gain.unit)}"


def describe_checks(checks: Sequence[Check]) -> str:
    """One sentence for each time at which to capture: first the goals, then the guards.

    A goal is a check that does not hold today; a guard holds today and must not break.
    """
    by_time: dict[str, list[Check]] = {}
    for check in checks:
        by_time.setdefault(check.when or _SAME_LOAD, []).append(check)
    return " ".join(
        f"Capture again {when}: {_goals_and_guards(each)}." for when, each in by_time.items()
    )


def _goals_and_guards(checks: Sequence[Check]) -> str:
    goals = [_goal(check) for check in checks if not _holds(check)]
    guards = [_guard(check) for check in checks if _holds(check)]
    return "; ".join([*goals, *guards])


def _guard(check: Check) -> str:
    name = metric_name(check.metric)
    if check.low is None and check.high is None:
        return f"compare {name}{_now(check)}"
    return f"{name} must stay {_limit(check) or f'at {_wanted(check)}'}{_now(check)}"


def _holds(check: Check) -> bool:
    """Whether today's value is known and in the range."""
    if isinstance(check.now, Unavailable):
        return False
    is_high_enough = check.low is None or check.now >= check.low
    return is_high_enough and (check.high is None or check.now <= check.high)


def _goal(check: Check) -> str:
    name = metric_name(check.metric)
    if isinstance(check.now, Unavailable):
        return f"{name} must be {_limit(check) or _wanted(check)}"
    verb = "fall" if check.high is not None and check.now > check.high else "rise"
    ending = "s" if check.unit in _SINGULAR_UNITS else ""  # "requests rise", "latency rises"
    return f"{name} {verb}{ending} to {_wanted(check)}{_now(check)}"


def _wanted(check: Check) -> str:
    """The range, as it follows a verb: ``1.30 ms or less``."""
    if check.low is not None and check.high is not None:
        return _range(check.low, check.high, check.unit)
    if check.high == 0:
        return _shown(check.high, check.unit)
    if check.high is not None:
        return f"{_shown(check.high, check.unit)} or less"
    return f"{_shown(check.low, check.unit)} or more" if check.low is not None else "any value"


def _limit(check: Check) -> str:
    """``below 4.44 ms`` or ``above 40%``; "" for two bounds, and for counts, which include it."""
    if check.unit in _SHOWN_UNITS and check.low is None and check.high is not None:
        return f"below {_shown(check.high, check.unit)}"
    if check.unit in _SHOWN_UNITS and check.high is None and check.low is not None:
        return f"above {_shown(check.low, check.unit)}"
    return ""


def _now(check: Check) -> str:
    return "" if isinstance(check.now, Unavailable) else f" (now {_shown(check.now, check.unit)})"


def _range(low: float, high: float, unit: str) -> str:
    """Both bounds, with the unit once where it is the same: ``5.21 to 6.31 ms``."""
    first, last = _shown(low, unit), _shown(high, unit)
    if first == last:
        return last
    number, _, first_unit = first.partition(" ")
    return f"{number if first_unit == last.partition(' ')[2] else first} to {last}"


def _shown(value: float, unit: str) -> str:
    return shown_value(value, unit if unit in _SHOWN_UNITS else "count")
