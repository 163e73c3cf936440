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
        "planted": ("batch-timeout-dominates",),
        "first": "batch-timeout-dominates",
        "largest_stage": "queue-fill",
        "largest_gap": "no-demand",
        "has_neighbours": False,
        **changes,
    }
    return Comparison(**values)  # type: ignore[arg-type]


def test_a_comparison_shows_both_sides_and_what_is_too_far_off() -> None:
    assert comparison_text(comparison()) == (
        "diag compared with the truth: 100 of 100 requests of m, mean 40.00 ms\n"
        "  ms per request   diag  truth  difference\n"
        "  start            0.05   0.15       -0.10\n"
        "  queue           12.00  10.00       +2.00  more than 0.40\n"
        "planted: batch-timeout-dominates\n"
        "first finding: batch-timeout-dominates, the planted cause\n"
        "largest stage: queue-fill; largest idle cause: no-demand\n"
    )


def test_another_first_finding_is_called_so() -> None:
    wrong = comparison(first="healthy")
    assert "first finding: healthy, not the planted cause\n" in comparison_text(wrong)
    assert not wrong.is_verdict_right


def test_one_of_several_findings_may_be_right() -> None:
    either = comparison(planted=("healthy", "no-demand"), first="no-demand")
    assert "planted: healthy or no-demand\n" in comparison_text(either)
    assert either.is_verdict_right


def test_a_scenario_of_which_no_request_was_recorded_has_no_largest_stage() -> None:
    text = comparison_text(comparison(largest_stage="", largest_gap=""))
    assert "largest stage: none; largest idle cause: none\n" in text


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
