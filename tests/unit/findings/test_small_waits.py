"""Where no wait is large by itself: what is said, and what is not worth a word."""

from __future__ import annotations

from diag.findings import conclude, find
from tests.unit.analysis.traces import analyzed
from tests.unit.findings.servers import AT_ONCE, sessions, unfounded_numbers


def test_a_healthy_verdict_names_the_largest_stage_outside_the_model() -> None:
    analysis = analyzed(sessions(4, period=1300, end=1080), AT_ONCE)
    verdict = conclude(analysis, ())
    assert verdict.what == (
        "No stage holds requests up: 81% of their time is in the model, 17% in batch-split."
    )
    assert not unfounded_numbers(verdict.sentence, verdict.evidence)


def test_small_waits_that_are_large_together_name_the_largest() -> None:
    text = sessions(enqueue=100, taken=300, run=(450, 1000), end=1010)
    findings = find(analyzed(text, AT_ONCE))
    assert [finding.id for finding in findings] == ["batch-dispatch-slow"]
    assert findings[0].what == (
        "Requests spend 46% of their time in queues and batching; the largest part, 20%, is spent "
        "in ready batches, waiting to be started although a batch thread was free."
    )
    assert not unfounded_numbers(findings[0].what, findings[0].evidence)


def test_small_parts_of_a_wait_are_not_worth_a_change() -> None:
    # A fifth of 300 µs: no thread wakes faster.
    prompt = sessions(enqueue=40, taken=102, run=(140, 270), end=300)
    assert find(analyzed(prompt, AT_ONCE)) == ()
