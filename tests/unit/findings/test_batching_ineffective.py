"""The rule batching-ineffective: it fires, it does not just below, and it says what to change."""

from __future__ import annotations

import pytest

from diag.findings import find
from diag.findings.rules.batching_ineffective import ID
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.finding import Finding, Tier
from tests.unit.analysis.traces import QUEUE_A, analyzed
from tests.unit.findings.servers import unfounded_numbers

AT_ONCE = BatchingParameters(max_batch_size=8, batch_timeout_micros=0, num_batch_threads=4)
WAITING = BatchingParameters(max_batch_size=8, batch_timeout_micros=500, num_batch_threads=4)


def server(
    lanes: int,
    count: int = 12,
    *,
    wait: int = 0,
    run: int = 900,
    apart: int = 0,
    period: int = 1000,
    each: int = 1,
    alone: int = 0,
) -> str:
    """``lanes`` callers, each with ``count`` requests one after the other.

    Each batch holds the requests of ``each`` callers, but those of the first ``alone`` callers
    have batches to themselves; a request takes 920 µs, or ``wait`` and ``run`` µs. Callers begin
    ``apart`` µs after each other.
    """
    text, run = "", run + wait

    def group(lane: int) -> int:
        return lane if lane < alone else alone + (lane - alone) // each

    for lane in range(lanes):
        text += f"line grpc-{lane}\n"
        for i in range(count):
            at = i * period + lane * apart
            batch = QUEUE_A + 1 + group(lane) * count + i
            text += f"  BatchingSessionRun {at}..{at + run + 20}us\n"
            text += f"    ScheduleOutputTask {at + 1}..{at + 2}us size=1 _p={batch}\n"
    for lane in (*range(alone), *range(alone, lanes, each)):
        rows_each = 1 if lane < alone else each
        text += f"line batch/{lane}\n"
        steps = f"line tf_Compute/{lane}\n"
        for i in range(count):
            at, number = i * period + lane * apart, group(lane) * count + i
            rows = f"batch_size_before_padding={rows_each} _c={QUEUE_A + 1 + number}"
            text += f"  ProcessBatch {at + 4 + wait}..{at + run + 15}us {rows}\n"
            bounds = f"{at + 6 + wait}..{at + run + 10}us id={number} _p={9000 + number}"
            text += f"    SessionRun {bounds}\n"
            bounds = f"{at + 7 + wait}..{at + run + 9}us id={number} _c={9000 + number}"
            steps += f"  ExecutorState::Process {bounds}\n"
        text += steps
    return text


def found(text: str, parameters: BatchingParameters = AT_ONCE) -> Finding | None:
    findings = find(analyzed(text, parameters))
    return next((finding for finding in findings if finding.id == ID), None)


def test_single_requests_in_every_batch_while_several_are_open() -> None:
    finding = found(server(4))
    assert finding is not None
    assert finding.what == (
        "Batches hold 1.0 requests on average, although 3.7 are open at a time: batching has no "
        "effect."
    )
    assert not unfounded_numbers(finding.what, finding.evidence)
    assert (finding.id, finding.tier) == ("batching-ineffective", Tier.DEVICE_TIME)
    # Half of a batch's 911 µs, as 1, 2 or 5; and half of the open requests.
    timeout, threads = (remedy.setting for remedy in finding.remedies)
    assert timeout is not None
    assert threads is not None
    assert (timeout.name, timeout.now, timeout.to) == ("batch_timeout_micros", 0, 200)
    assert (threads.name, threads.now, threads.to) == ("num_batch_threads", 4, 1)
    assert finding.rollback == "Set batch_timeout_micros back to 0."


def test_one_shared_batch_of_six_changes_little() -> None:
    finding = found(server(7, each=2, alone=5))
    assert finding is not None
    assert finding.what.startswith("Batches hold 1.2 requests on average")


def test_one_shared_batch_of_four_is_some_effect() -> None:
    assert found(server(5, each=2, alone=3)) is None


def test_with_a_timeout_fewer_threads_are_the_advice() -> None:
    finding = found(server(4, wait=600, run=1900, period=2800, apart=700), WAITING)
    assert finding is not None
    assert finding.remedies[0].setting is not None
    assert finding.remedies[0].setting.name == "num_batch_threads"
    assert finding.rollback == "Set num_batch_threads back to 4."


@pytest.mark.parametrize(
    "text",
    [
        server(4, each=2),  # two requests in each batch
        server(2),  # 1.8 requests open at a time
        server(4, period=2000),  # busy for less than half of the window
        server(4, count=7),  # 28 batches
    ],
    ids=["shared", "alone", "idle", "few"],
)
def test_just_below_each_bound_it_says_nothing(text: str) -> None:
    assert found(text) is None


def test_without_batches_it_says_nothing() -> None:
    unbatched = "line grpc\n" + "".join(
        f"  SessionRun {i * 1000}..{i * 1000 + 990}us id={i} _p={i}\n" for i in range(40)
    )
    assert found(unbatched) is None


def test_the_gain_is_not_promised() -> None:
    finding = found(server(4))
    assert finding is not None
    assert isinstance(finding.gain, Unavailable)
