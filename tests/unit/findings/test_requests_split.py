"""The rule requests-split: parts of large requests that run one after the other."""

from __future__ import annotations

from diag.findings import find
from diag.model.capture import BatchingParameters
from diag.model.finding import Finding, Tier
from tests.unit.analysis.traces import QUEUE_A, analyzed
from tests.unit.findings.servers import AT_ONCE, sessions, unfounded_numbers

SPLITTING = BatchingParameters(
    max_batch_size=16,
    batch_timeout_micros=0,
    num_batch_threads=1,
    enable_large_batch_splitting=True,
    max_execution_batch_size=4,
)


def split(count: int = 40, parts: int = 4, *, run: int = 200, first: int = 0) -> str:
    """``count`` requests of four rows a part, whose parts run one after the other.

    Args:
        count: Requests.
        parts: Batches of each.
        run: µs of a batch.
        first: µs that the first batch takes longer.
    """
    period = parts * run + first + 40
    requests, batches, steps, number = "line grpc\n", "line batch/1\n", "line tf_Compute/1\n", 0
    for i in range(count):
        at = i * period
        requests += f"  BatchingSessionRun {at}..{at + period - 10}us\n"
        begin = at + 10
        for part in range(parts):
            number += 1
            end = begin + run + (first if part == 0 else 0)
            context = QUEUE_A + number
            requests += (
                f"    ScheduleOutputTask {at + 1 + part}..{at + 2 + part}us size=4 _p={context}\n"
            )
            batches += (
                f"  ProcessBatch {begin}..{end - 2}us batch_size_before_padding=4 _c={context}\n"
            )
            batches += f"    SessionRun {begin + 2}..{end - 4}us id={number} _p={9000 + number}\n"
            burst = f"{begin + 3}..{end - 5}us id={number} _c={9000 + number}"
            steps += f"  ExecutorState::Process {burst}\n"
            begin = end
    return requests + batches + steps


def found(text: str, parameters: BatchingParameters = SPLITTING) -> Finding | None:
    findings = find(analyzed(text, parameters))
    return next((each for each in findings if each.id == "requests-split"), None)


def test_the_parts_of_a_request_wait_for_each_other() -> None:
    findings = find(analyzed(split(), SPLITTING))
    assert "batch-threads-saturated" not in [each.id for each in findings]
    first = findings[0]
    assert first.id == "requests-split"
    assert first.what == (
        "100% of requests are split over 4.0 batches on average, and wait 72% of their time for "
        "these to start one after the other."
    )
    assert not unfounded_numbers(first.what, first.evidence)
    assert (first.cause, first.tier) == ("queue-thread", Tier.REQUEST_TIME)
    setting = first.remedies[0].setting
    assert setting is not None
    assert (setting.name, setting.now, setting.to) == ("max_execution_batch_size", 4, 16)


def test_a_short_second_part_is_no_finding() -> None:
    assert found(split(parts=2, run=200, first=0)) is not None
    assert found(split(parts=2, run=200, first=600)) is not None
    assert found(split(parts=1)) is None
    assert found(split(parts=2, run=70, first=-30)) is None


def test_requests_of_one_batch_are_not_split() -> None:
    assert found(sessions(40), AT_ONCE) is None


def test_without_batches_it_says_nothing() -> None:
    unbatched = "line grpc\n" + "".join(
        f"  SessionRun {i * 1000}..{i * 1000 + 990}us id={i} _p={i}\n" for i in range(40)
    )
    assert found(unbatched) is None
