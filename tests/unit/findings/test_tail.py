"""What slow requests spend their extra time in."""

from __future__ import annotations

import re

from diag.findings import conclude, find
from diag.findings.tail import find_tail
from tests.unit.analysis.traces import QUEUE_A, analyzed
from tests.unit.findings.servers import AT_ONCE, TOLD, sessions, unfounded_numbers

# 3 % of the requests wait for 3 ms more in the model's own run.
SLOW_EVERY = 33


def server(count: int, *, taken: int) -> str:
    """``count`` requests, every ``SLOW_EVERY``-th of which runs 3 ms longer."""
    text = ""
    for i in range(count):
        slow = 3000 if i % SLOW_EVERY == 0 else 0
        one = sessions(1, taken=taken, run=(taken + 10, taken + 300 + slow), end=taken + 360 + slow)
        text += _shifted(one, i)
    return text


def _shifted(text: str, index: int) -> str:
    """The one request of the text later by ``index`` periods of 10 ms, with ids of its own."""
    at = index * 10_000
    text = re.sub(r"(\d+)\.\.(\d+)us", lambda m: f"{int(m[1]) + at}..{int(m[2]) + at}us", text)
    text = text.replace(str(QUEUE_A + 1), str(QUEUE_A + 1 + index))
    return text.replace("id=0", f"id={index}").replace("=1000", f"={1000 + index}")


def test_the_tail_has_a_stage_of_its_own_and_the_change_does_not_touch_it() -> None:
    analysis = analyzed(server(330, taken=2100), TOLD)
    findings = find(analysis)
    verdict = conclude(analysis, findings)
    assert findings[0].id == "batch-timeout-dominates"
    assert verdict.tail == (
        "Requests around p99 take 3.00 ms more than those around p50, 3.00 ms of it in compute. "
        "The change above may not lower p99."
    )
    assert not unfounded_numbers(verdict.tail, verdict.evidence)
    assert verdict.tail not in verdict.sentence


def test_too_few_requests_have_no_tail() -> None:
    analysis = analyzed(server(198, taken=2100), TOLD)
    assert find_tail(analysis) is None
    assert conclude(analysis, find(analysis)).tail == ""


def test_without_slow_requests_there_is_no_tail() -> None:
    analysis = analyzed(sessions(330, period=1300), AT_ONCE)
    assert find_tail(analysis) is None
