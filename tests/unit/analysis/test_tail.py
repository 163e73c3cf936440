"""What slow requests have in common: planted causes are found, and chance is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from diag.analysis.intervals.sets import EMPTY, union
from diag.analysis.tail import find_tails
from diag.analysis.tail.association import associations
from diag.analysis.tail.properties import Kind, Property
from diag.analysis.thresholds import SLOW_MIN_RATIO, SLOW_MIN_REQUESTS
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from tests.unit.analysis.traces import QUEUE_A, analyzed

if TYPE_CHECKING:
    from diag.analysis import Analysis
    from diag.analysis.tail import ModelTail
    from diag.analysis.tail.association import Association

PLAIN_US, SLOW_US, APART_US = 1000, 4000, 5000


def unbatched(slow: set[int], count: int = 200, starts: list[int] | None = None) -> Analysis:
    """Requests one after the other, of which some take four times as long."""
    text = ""
    for i in range(count):
        begin = starts[i] if starts else i * APART_US
        end = begin + (SLOW_US if i in slow else PLAIN_US)
        text += f"line grpc-{i}\n  SessionRun {begin}..{end}us id={i} _p={i}\n"
    return analyzed(text)


def only(analysis: Analysis) -> ModelTail:
    assert len(analysis.tails) == 1
    return analysis.tails[0]


def told(tail: ModelTail) -> dict[Kind, Association]:
    assert not isinstance(tail.associations, Unavailable)
    return {each.of.kind: each for each in tail.associations}


def test_the_slow_are_one_percent_but_at_least_ten() -> None:
    tail = only(unbatched(set(range(0, 200, 20))))
    assert len(tail.slow) == SLOW_MIN_REQUESTS
    assert set(tail.slow) == set(range(0, 200, 20))
    assert len(only(unbatched(set(), count=1500)).slow) == 15


def test_nothing_is_said_of_few_requests_or_of_slow_ones_that_are_hardly_slower() -> None:
    few = only(unbatched({3, 50}, count=99))
    assert few.associations == Unavailable("99 requests, 100 needed")
    alike = only(unbatched(set()))
    assert alike.associations == Unavailable(
        f"some of them take less than {SLOW_MIN_RATIO} times the median"
    )


def test_slow_requests_without_anything_in_common_have_none() -> None:
    assert told(only(unbatched(set(range(7, 200, 20))))) == {}


def test_slow_requests_of_one_moment_are_told_by_their_time() -> None:
    starts = [i * APART_US for i in range(100)]
    starts += [500_000 + i for i in range(12)]
    starts += [510_000 + i * APART_US for i in range(100)]
    tail = only(unbatched(set(range(100, 112)), count=212, starts=starts))
    assert isinstance(tail.associations, Unavailable)
    assert tail.moments == ((500_000_000, 504_009_000),)


def test_requests_that_arrive_in_company_are_slow() -> None:
    starts, slow = [], set()
    for i in range(200):
        # Every twentieth request arrives while the one before is open.
        starts.append(i * APART_US - (4500 if i % 20 == 10 else 0))
        if i % 20 == 10:
            slow.add(i)
    found = told(only(unbatched(slow, starts=starts)))
    company = found[Kind.MUCH_COMPANY]
    assert (company.slow, company.slow_total) == (10, 10)
    assert (company.rest, company.rest_total) == (0, 190)
    assert company.low > 9


def batches_of_rows(large: set[int]) -> Analysis:
    """Batches of one request: of 32 rows and 5 ms the large ones, of 8 and 1 ms the others."""
    text = ""
    for i in range(200):
        begin, rows = i * APART_US, 32 if i in large else 8
        end = begin + (4000 if i in large else 900)
        text += f"""
        line grpc-{i}
          BatchingSessionRun {begin}..{end + 20}us
            ScheduleOutputTask {begin + 5}..{begin + 6}us size={rows} _p={QUEUE_A + i + 1}
        line batch/{i}
          ProcessBatch {begin + 10}..{end}us batch_size_before_padding={rows} _c={QUEUE_A + i + 1}
            ConcatInputTensors {begin + 11}..{begin + 12}us batch_size_after_padding={rows}
            SessionRun {begin + 20}..{end}us id={i} _p={i}
        """
    return analyzed(text, BatchingParameters(max_batch_size=32, batch_timeout_micros=0))


def test_slow_requests_in_large_batches_are_told_and_latency_is_by_size() -> None:
    tail = only(batches_of_rows(set(range(4, 200, 16))))
    found = told(tail)
    assert found[Kind.LARGE_BATCH].of == Property(Kind.LARGE_BATCH, 8)
    assert found[Kind.LARGE_BATCH].slow == 10
    assert found[Kind.LARGE_REQUEST].slow == 10
    sizes = [(each.rows_low, each.rows_high, each.latency.n) for each in tail.by_batch_size]
    assert sizes == [(8, 8, 187), (32, 32, 13)]
    assert tail.by_batch_size[1].latency.mean_ns == 4_020_000


def test_a_load_that_happens_once_is_told_as_a_coincidence() -> None:
    analysis = unbatched(set(range(90, 102)))
    window_ns = analysis.capture.window.duration_ns
    loading = union(np.array([90 * APART_US * 1000]), np.array([102 * APART_US * 1000]))
    tails = find_tails(analysis.requests, analysis.batches, analysis.gaps, loading, window_ns)
    found = told(tails[0])[Kind.DISTURBED]
    assert (found.slow, found.rest) == (10, 2)
    assert found.lift > 50
    assert (
        told(find_tails(analysis.requests, analysis.batches, analysis.gaps, EMPTY, window_ns)[0])
        == {}
    )


@pytest.mark.parametrize("seed", range(20))
def test_chance_is_rarely_taken_for_an_association(seed: int) -> None:
    rng = np.random.default_rng(seed)
    is_slow = np.zeros(1000, np.bool_)
    is_slow[rng.choice(1000, 20, replace=False)] = True
    columns = [(Property(Kind.SPLIT, i), rng.random(1000) < 0.4) for i in range(3)]
    assert associations(columns, is_slow) == ()
