"""Gains and checks as an operator reads them."""

from __future__ import annotations

import pytest

from diag.model.availability import Unavailable
from diag.model.finding import Check, Gain
from diag.report.wording.metrics import describe_checks, describe_gain

MS = 1e6
AGAIN = "Capture again under the same load: "


@pytest.mark.parametrize(
    ("values_ms", "text"),
    [
        ((12.6, 5.21, 6.31), "mean latency 12.6 ms → 5.21 to 6.31 ms"),
        ((12.6, 0.84, 6.31), "mean latency 12.6 ms → 840 µs to 6.31 ms"),
        ((28.3, 6.30, 6.30), "mean latency 28.3 ms → 6.30 ms"),
        ((28.3, 6.3001, 6.3002), "mean latency 28.3 ms → 6.30 ms"),
        ((7.77, 2.56, 7.77), "mean latency 7.77 ms → 2.56 ms at best; it may not change"),
        ((7.77, 2.56, 8.00), "mean latency 7.77 ms → 2.56 ms at best; it may not change"),
    ],
)
def test_a_gain(values_ms, text):
    now, low, high = (value * MS for value in values_ms)
    assert describe_gain(Gain("latency.mean", "ns", now, low, high, "")) == text


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (
            Check("batches.service.mean", "ns", 4.03 * MS, high=4.44 * MS),
            "mean time per batch must stay below 4.44 ms (now 4.03 ms)",
        ),
        (
            Check("stage.queue-fill.mean", "ns", 8.17 * MS, high=1.30 * MS),
            "queue-fill mean falls to 1.30 ms or less (now 8.17 ms)",
        ),
        (
            Check("batches.rows_mean", "rows", 1.5, low=6.0),
            "mean rows per batch rise to 6 or more (now 1.50)",
        ),
        (
            Check("device.busy", "ratio", 0.5, low=0.4),
            "busy time of the device must stay above 40.0% (now 50.0%)",
        ),
        (
            Check("device.busy", "ratio", 0.2, low=0.4, high=0.9),
            "busy time of the device rises to 40.0% to 90.0% (now 20.0%)",
        ),
        (
            Check("device.busy", "ratio", 0.5, low=0.4, high=0.9),
            "busy time of the device must stay at 40.0% to 90.0% (now 50.0%)",
        ),
        (
            Check("samples.disagreements", "count", 0.0, high=0),
            "GPUs whose samples contradict the trace must stay at 0 (now 0)",
        ),
        (
            Check("latency.p99", "ns", Unavailable("too few requests"), high=9 * MS),
            "p99 latency must be below 9.00 ms",
        ),
        (
            Check("requests.complete", "requests", Unavailable("level 1"), low=1),
            "complete requests must be 1 or more",
        ),
        (Check("latency.p99", "ns", 9 * MS), "compare p99 latency (now 9.00 ms)"),
    ],
)
def test_a_check(check, text):
    assert describe_checks((check,)) == f"{AGAIN}{text}."


def test_goals_come_before_guards_and_each_time_has_a_sentence():
    guard = Check("latency.mean", "ns", 4 * MS, high=5 * MS)
    goal = Check("idle.queue-fill", "ratio", 0.5, high=0.01)
    other = Check("idle.cold-start", "ratio", 0.5, high=0.01, when="right after a new version")
    assert describe_checks((guard, other, goal)) == (
        f"{AGAIN}idle time in queue-fill falls to 1.0% or less (now 50.0%); mean latency must stay "
        "below 5.00 ms (now 4.00 ms). Capture again right after a new version: idle time in "
        "cold-start falls to 1.0% or less (now 50.0%)."
    )
