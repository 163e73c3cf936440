from __future__ import annotations

from diag.demo.comparison import Comparison
from diag.demo.observer import Phase
from diag.demo.tables import comparison_text, observer_text
from diag.demo.tolerance import Deviation

LINES = (
    Deviation("start", 50_000, 150_000, 400_000),
    Deviation("queue", 12_000_000, 10_000_000, 400_000),
)


def comparison(**changes: object) -> Comparison:
    values = {
        "model": "m",
        "recorded": 100,
        "matched": 100,
        "expected": 100,
        "lines": LINES,
        "request_ns": 40_000_000.0,
        "planted": "queue-fill",
        "accepted": ("queue-fill",),
        "verdict": "queue-fill",
        "largest_stage": "queue-fill",
        "largest_gap": "no-demand",
        **changes,
    }
    return Comparison(**values)  # type: ignore[arg-type]


def test_a_comparison_shows_both_sides_and_what_is_too_far_off() -> None:
    assert comparison_text(comparison()) == (
        "diag compared with the truth: 100 of 100 requests of m, mean 40.00 ms\n"
        "  ms per request   diag  truth  difference\n"
        "  start            0.05   0.15       -0.10\n"
        "  queue           12.00  10.00       +2.00  more than 0.40\n"
        "planted: queue-fill; largest stage: queue-fill; largest idle cause: no-demand\n"
        "verdict: queue-fill, correct\n"
    )


def test_a_wrong_verdict_is_called_wrong() -> None:
    assert "healthy, which is not the planted cause" in comparison_text(
        comparison(verdict="healthy")
    )


def test_the_planted_cause_may_be_the_largest_stage_or_idle_cause() -> None:
    assert comparison().found
    assert comparison(planted="no-demand").found
    assert not comparison(planted="preprocess").found


def test_a_tenth_of_a_request_or_of_the_requests_is_gross() -> None:
    assert not comparison().is_gross
    assert comparison(request_ns=19_000_000.0).is_gross
    assert comparison(matched=89).is_gross
    assert comparison(matched=0, expected=0).is_gross


def test_what_is_not_known_of_the_observer_effect_is_a_dash() -> None:
    phases = (
        Phase("before", 3.0, 20, 0, 10.0, {50: 9.5, 90: None, 99: None}),
        Phase("during", 2.0, 0, 3, None, {50: None, 90: None, 99: None}),
    )
    assert observer_text(phases) == (
        "cost of the capture: latency of the clients\n"
        "  ms by the clients  calls  errors  mean  p50  p90  p99\n"
        "  before                20       0  10.0  9.5    -    -\n"
        "  during                 0       3     -    -    -    -\n"
    )
