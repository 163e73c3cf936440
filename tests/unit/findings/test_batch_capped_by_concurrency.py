"""The rule batch-capped-by-concurrency: clients that wait for answers never fill a batch."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from diag.analysis import analyze
from diag.findings import find
from diag.findings.concurrency import Most, share_at_most
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.finding import Finding, Gain, Tier
from tests.unit.analysis.traces import QUEUE_A, analyzed
from tests.unit.findings.servers import second_model, sessions, unfounded_numbers

WAITING = BatchingParameters(max_batch_size=32, batch_timeout_micros=500, num_batch_threads=1)


def closed_loop(clients: int = 4, rounds: int = 20, *, apart: int = 0, pause: int = 10) -> str:
    """``clients`` that each send a request when the answer of the last one is there.

    All of a round join one batch, which waits 500 µs for more and then runs for 400 µs.

    Args:
        clients: How many requests are open at a time.
        rounds: Batches.
        apart: µs between the begins of two clients' requests in a round.
        pause: µs from an answer to the client's next request.
    """
    text, batches, steps = "", "line batch/1\n", "line tf_Compute/1\n"
    for client in range(clients):
        text += f"line grpc-{client}\n"
        for i in range(rounds):
            at, end = i * (920 + pause), i * (920 + pause) + 920
            first = at + client * apart
            text += f"  BatchingSessionRun {first}..{end}us\n"
            text += (
                f"    ScheduleOutputTask {first + 1}..{first + 2}us size=1 _p={QUEUE_A + 1 + i}\n"
            )
    for i in range(rounds):
        at = i * (920 + pause)
        rows = f"batch_size_before_padding={clients} _c={QUEUE_A + 1 + i}"
        batches += f"  ProcessBatch {at + 502}..{at + 910}us {rows}\n"
        batches += f"    SessionRun {at + 505}..{at + 905}us id={i} _p={9000 + i}\n"
        steps += f"  ExecutorState::Process {at + 506}..{at + 904}us id={i} _c={9000 + i}\n"
    return text + batches + steps


def found(text: str, parameters: BatchingParameters = WAITING) -> Finding | None:
    findings = find(analyzed(text, parameters))
    return next((each for each in findings if each.id == "batch-capped-by-concurrency"), None)


def test_it_says_why_no_batch_fills_and_comes_in_place_of_the_timeout() -> None:
    findings = find(analyzed(closed_loop(), WAITING))
    assert [each.id for each in findings][:1] == ["batch-capped-by-concurrency"]
    assert "batch-timeout-dominates" not in [each.id for each in findings]
    first = findings[0]
    assert first.what == (
        "Requests spend 54% of their time waiting for batches of 32 rows to fill, which cannot "
        "happen: at most 4 requests with 4 rows are open at a time."
    )
    assert not unfounded_numbers(first.what, first.evidence)
    assert (first.cause, first.tier) == ("queue-fill", Tier.REQUEST_TIME)
    setting = first.remedies[0].setting
    assert setting is not None
    assert (setting.name, setting.now, setting.to) == ("max_batch_size", 32, 4)
    assert first.rollback == "Set max_batch_size back to 32."


def test_the_gain_is_what_the_last_request_of_a_batch_waits() -> None:
    finding = found(closed_loop(apart=50))
    assert finding is not None
    gain = finding.gain
    assert isinstance(gain, Gain)
    # The fourth request comes 150 us after the first, and waits 350 of the 500 us.
    assert gain.now - gain.high == pytest.approx(350_000)
    # And 1 us until the thread took the batch.
    assert gain.high - gain.low == pytest.approx(1_000)


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        (closed_loop(apart=160), WAITING),  # four open for less than half of the time
        (closed_loop(clients=2), WAITING),  # regular arrivals look the same
        (closed_loop(pause=900), WAITING),  # nobody is there half of the time
        (closed_loop(rounds=7), WAITING),  # 28 requests
        (
            closed_loop(),
            BatchingParameters(max_batch_size=4, batch_timeout_micros=500, num_batch_threads=1),
        ),  # a batch of four is full
        (sessions(40, taken=600, run=(610, 900)), WAITING),  # one client
    ],
    ids=["spread", "two", "pauses", "few", "fills", "one"],
)
def test_just_below_each_bound_it_says_nothing(text: str, parameters: BatchingParameters) -> None:
    assert found(text, parameters) is None


def test_a_queue_that_waits_little_is_not_blamed_for_another_one() -> None:
    """40 requests of another queue wait 9 ms each, on their own and for a timeout of 9 ms."""
    other = second_model(sessions(40, taken=9002, run=(9010, 9900), end=9960, period=10_000))
    other = re.sub(r"line (\S+)", r"line other-\1", other)
    findings = find(analyzed(closed_loop() + other, WAITING))
    assert "batch-timeout-dominates" in [each.id for each in findings]
    assert "batch-capped-by-concurrency" not in [each.id for each in findings]


def test_a_recorded_closed_loop_whose_change_was_measured() -> None:
    """Six clients, max_batch_size 64 → 6: 25.7 ms were measured after the change."""
    recording = Path(__file__).parents[2] / "recordings" / "live" / "closed_timeout.zip"
    first = find(analyze(open_bundle(recording)))[0]
    setting, gain = first.remedies[0].setting, first.gain
    assert first.id == "batch-capped-by-concurrency"
    assert setting is not None
    assert (setting.name, setting.now, setting.to) == ("max_batch_size", 64, 6)
    assert isinstance(gain, Gain)
    assert gain.now == pytest.approx(67.6e6, rel=0.01)
    assert gain.low < 25.7e6 < gain.high < 40e6


def test_without_a_known_size_it_says_nothing() -> None:
    findings = find(analyzed(closed_loop()))
    assert "batch-capped-by-concurrency" not in [each.id for each in findings]


def test_the_largest_number_is_looked_for_away_from_the_edges() -> None:
    def column(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array(values, np.int64)

    start, end = column(0, 10, 20, 30, 30), column(10, 20, 30, 40, 40)
    # 10..30 count: the longest takes 10.
    assert share_at_most(start, end, column(1, 1, 1, 1, 1)) == Most(1, 1.0)
    assert share_at_most(start, end, column(1, 1, 3, 1, 1)) == Most(3, 0.5)
    short = share_at_most(column(0), column(10), column(1))
    assert isinstance(short, Unavailable)
