"""A tuning in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.quantity import duration, number, percent
from diag.prediction.changes import HANDLERS
from diag.tuning import thresholds
from diag.tuning.parameters import NOT_BATCHED, before_and_after

if TYPE_CHECKING:
    from diag.prediction.replicates import Estimate
    from diag.tuning import Tuning

NAMES = {
    "mean_ms": "mean latency",
    "p50_ms": "p50 latency",
    "p90_ms": "p90 latency",
    "p99_ms": "p99 latency",
    "rows_mean": "rows of a batch, mean",
    "throughput_per_s": "answered requests",
    "refused_ratio": "refused requests",
    "batch_ms_per_request": "batch time by request",
}
_NS = 1e6


def shown(name: str, value: float) -> str:
    """A value of a metric with its unit."""
    if name.endswith("_ms") or "_ms_" in name:
        return duration(value * _NS)
    if name == "refused_ratio":
        return percent(value)
    if name == "throughput_per_s":
        return f"{number(value)}/s"
    return number(value)


def changes_text(tuning: Tuning) -> str:
    """``batch_timeout_micros 10,000 → 2,000, num_batch_threads 1 → 2``; "" for no change."""
    found: dict[str, None] = {}
    for queue in range(len(tuning.settings.queues)):
        fields = before_and_after(tuning.settings, tuning.proposed, queue)
        for name, (now, to) in fields.items():
            if name == HANDLERS:
                found[f"--{HANDLERS} {to}"] = None
            elif now == NOT_BATCHED:
                if to != "":
                    found[f"{name} {value_text(to)}"] = None
            elif now != to:
                found[f"{name} {value_text(now)} → {value_text(to)}"] = None
    changes = ", ".join(found)
    turned_on = any(tuning.proposed.queues) and not tuning.is_batched
    return f"--enable_batching and {changes}" if turned_on else changes


def value_text(value: int | str) -> str:
    """A parameter's value; an empty list is ``none``."""
    return str(value) or "none"


def tuning_sentence(tuning: Tuning) -> str:
    """The answer."""
    if not tuning.self_check.ok:
        return f"No prediction: {misfit_text(tuning)}."
    changes = changes_text(tuning)
    if tuning.objective and not changes:
        return (
            f"No setting that was tried betters {tuning.objective} by 2% or more, without more "
            "refusals: leave it as it is."
        )
    changes = changes or "today's settings"
    load = "" if tuning.rate == 1 else f" at {number(tuning.rate)} times the load"
    prediction = tuning.prediction
    if isinstance(prediction, Unavailable):
        return f"No prediction: {prediction.reason}."
    parts = [_change(tuning, name, prediction[name]) for name in ("mean_ms", "p99_ms")]
    now, to = tuning.self_check.measured.throughput_per_s, prediction["throughput_per_s"].value
    if abs(to / now - 1) > thresholds.THROUGHPUT_SAID_RATIO:
        parts.append(_change(tuning, "throughput_per_s", prediction["throughput_per_s"]))
    refused = prediction["refused_ratio"]
    if tuning.self_check.measured.refused_ratio > 0 or refused.value > 0:
        parts.append(_change(tuning, "refused_ratio", refused))
    return f"With {changes}{load}: {'; '.join(parts)}."


def _change(tuning: Tuning, name: str, to: Estimate) -> str:
    now = shown(name, getattr(tuning.self_check.measured, name))
    value, low, high = (shown(name, each) for each in (to.value, to.low, to.high))
    return f"{NAMES[name]} {now} → {value} ({low} to {high})"


def misfit_text(tuning: Tuning) -> str:
    """What the simulation of today's settings misses."""
    check = tuning.self_check
    parts = [
        f"{NAMES[name]} {shown(name, getattr(check.simulated, name))} instead of "
        f"{shown(name, getattr(check.measured, name))}"
        for name in check.misses
    ]
    return f"the simulation of today's settings gives {', '.join(parts)}"
