"""Times of batches by their size, and the ends of what a recording does not show."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from diag.prediction.batch_times import RecordedBatches
from diag.prediction.contention import Mutual
from diag.prediction.service import Service

MS = 1_000_000


def service(rows: list[int], took_ms: list[float]) -> Service:
    """One batch after the other, each 50 ms after the one before."""
    number = len(rows)
    recorded = RecordedBatches(
        queue=np.zeros(number, np.int64),
        rows=np.array(rows),
        start_ns=np.arange(number) * 50 * MS,
        taken_ns=np.array(took_ms) * MS,
        others=np.zeros(number),
        queues=1,
        window_ns=50 * MS * number,
    )
    return Service(recorded, recorded.times(0.8), Mutual(0.8, 0.4, 1.0))


def test_a_held_up_batch_does_not_bend_the_curve() -> None:
    made = service([1, 2] * 20, [4, 6] * 19 + [44, 6])
    curve = made.best.curves[0]
    assert [curve.time_ns(rows) / MS for rows in (1, 2, 3)] == pytest.approx([4, 6, 8])
    # The whole of what it was held up for is kept, once.
    assert made.best.hold_ups.until_ns[0] - made.best.hold_ups.from_ns[0] == 36 * MS


def test_one_recorded_size_bounds_others_by_no_cost_and_by_proportion() -> None:
    made = service([8] * 40, [8.0] * 40)
    least, most = (made.drawn(Random(1), part).curves[0] for part in (0.0, 1.0))
    assert [least.time_ns(rows) / MS for rows in (1, 8, 16)] == pytest.approx([8, 8, 8])
    assert [most.time_ns(rows) / MS for rows in (1, 8, 16)] == pytest.approx([1, 8, 16])
    assert made.best.curves[0].time_ns(16) / MS == pytest.approx(10)


def test_the_ends_are_a_faster_and_a_slower_machine() -> None:
    made = service([8] * 40, [8.0] * 40)
    fast, slow = (made.drawn(Random(1), part) for part in (0.0, 1.0))
    assert fast.pace == pytest.approx(1 / slow.pace)
    assert slow.work_ns(0, 8, 0, Random(1)) > 1.15 * made.best.work_ns(0, 8, 0, Random(1))
    assert (fast.slowdown(2), slow.slowdown(2)) == (1.4, 2.0)
