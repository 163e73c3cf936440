"""The parts of a finding in one line of text, as a notebook shows them."""

from __future__ import annotations

from diag.model.availability import Unavailable
from diag.model.finding import (
    Check,
    Evidence,
    Gain,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Setting,
    Source,
)

MS = 1_000_000
TIMEOUT = Setting("batch_timeout_micros", 30_000, Unavailable("only a rerun can tell"))


def test_evidence_is_shown_with_its_unit_and_a_word_without():
    assert str(Evidence("queue-fill", 0.64, "ratio", Source("stages"))) == "queue-fill: 64.0%"
    assert str(Evidence("close reason", "timeout", "", Source("queues"))) == "close reason: timeout"


def test_a_setting_is_shown_with_both_values_and_a_question_mark_for_an_unknown_one():
    assert str(TIMEOUT) == "batch_timeout_micros: 30,000 → ?"
    assert str(Setting("wait", 30 * MS, 2 * MS, "ns")) == "wait: 30.0 ms → 2.00 ms"


def test_a_remedy_is_shown_with_its_setting_its_place_and_its_risk():
    place = RemedyPlace.SERVER_FLAG
    remedy = Remedy(RemedyKind.FLAG, place, "Lower the timeout.", TIMEOUT, "Smaller batches.")
    assert str(remedy) == (
        f"Lower the timeout. {TIMEOUT}. Where: {place.value}. Risk: Smaller batches."
    )
    plain = Remedy(RemedyKind.FLAG, place, "Lower the timeout.")
    assert str(plain) == f"Lower the timeout. Where: {place.value}."


def test_a_gain_is_shown_as_a_range_of_what_was_measured():
    gain = Gain("latency", "ns", 40 * MS, 10 * MS, 20 * MS, "The wait, less the new timeout.")
    assert str(gain) == "latency: 10.0 ms to 20.0 ms of 40.0 ms. The wait, less the new timeout."


def test_a_check_is_shown_with_the_bounds_that_it_has():
    assert str(Check("wait", "ns", 40 * MS, high=2 * MS)) == "wait: at most 2.00 ms (now 40.0 ms)"
    assert str(Check("fill", "ratio", 0.2, 0.5, 1.0)) == (
        "fill: at least 50.0% and at most 100.0% (now 20.0%)"
    )
