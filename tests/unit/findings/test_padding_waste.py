"""Padding is judged by its time, and what is not known of it is said."""

from __future__ import annotations

from diag.findings import find
from diag.findings.rules.padding_waste import ID
from diag.model.finding import Finding, Tier
from diag.model.gaps import Confidence
from tests.unit.analysis.traces import analyzed
from tests.unit.findings.servers import AT_ONCE, one_thread, unfounded_numbers

ROWS = "batch_size_after_padding="


def server(batches: list[tuple[int, int, int]]) -> str:
    """Batches back to back on one thread: rows, executed rows, µs."""
    text = one_thread([(rows, time) for rows, _, time in batches], wait=10)
    parts = text.split("    SessionRun ")
    merged = [
        f"    MergeInputTensors {{}}us {ROWS}{executed}\n            SessionRun "
        for _, executed, _ in batches
    ]
    out, at = parts[0], 1000
    for (_, _, time), merge, part in zip(batches, merged, parts[1:], strict=True):
        out += merge.format(f"{at + 1}..{at + 2}") + part
        at += time
    return out


def found(batches: list[tuple[int, int, int]]) -> Finding | None:
    findings = find(analyzed(server(batches), AT_ONCE))
    return next((finding for finding in findings if finding.id == ID), None)


def exactly(fixed: int, per_row: int) -> list[tuple[int, int, int]]:
    """Batches of 2 rows executed as 4, and of 4 rows executed as 8."""
    times = [(rows, 2 * rows, fixed + per_row * 2 * rows) for rows in (2, 4)]
    return times * 20


def test_rows_that_cost_are_told_with_their_cost() -> None:
    # 100 µs a row: of 500 and 900 µs, 200 and 400 µs are for padding.
    finding = found(exactly(100, 100))
    assert finding is not None
    assert finding.what == (
        "50% of the executed rows are padding. They take 43% of the time of batches and 42% of the "
        "time of requests."
    )
    assert finding.tier is Tier.REQUEST_TIME
    assert not unfounded_numbers(finding.what, finding.evidence)


def test_rows_that_cost_little_are_not_told() -> None:
    assert found(exactly(2000, 10)) is None


def test_a_cost_that_is_not_known_is_called_so() -> None:
    finding = found([(2, 4, 500)] * 40)
    assert finding is not None
    assert finding.what == (
        "50% of the executed rows are padding. They take at most 50% of the time of batches; how "
        "much is not known."
    )
    assert finding.confidence is Confidence.LOW
    assert finding.confidence_reason == (
        "What a padding row costs is not known: 1 batch size seen, 2 needed."
    )
    assert finding.tier is Tier.DEVICE_TIME
    assert not unfounded_numbers(finding.what, finding.evidence)
